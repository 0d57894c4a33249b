"""The public edition: small numbers are suppressed, and so are numbers from which they could be derived. Pure.

A number from 1 to 4 is suppressed; zero is shown. A sum reveals what is missing from it. So each sum has either no
suppressed number, or enough of them that neither one number nor their total can be derived and is small. Then all
sums are solved together, as a reader could who subtracts table from table. If a small number results, more numbers
are suppressed.

A reader who subtracts an earlier edition learns how many calls a correction affected. So a revision also
suppresses every number that changed by 1 to 4, and numbers from which such a change could be derived.

Refuses: figures without this protection (reasons, causes, times, hours of the day, signs, relay calls); another
month as it would be today: it stands beside the edition only as it was published.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.attestations import AttestationStatus
from callmon.core.verdicts import VERDICTS
from callmon.reports.figures import COUNTS, NOT_JUDGED, TOTALS
from callmon.reports.figures import RATES as ALL_RATES
from callmon.reports.formats.json import Published, figures_of, revised
from callmon.reports.model import WHOLE, ComparedMonth, Cut, CutKind, Figure, Place, Relation, Report
from callmon.reports.public import suppression
from callmon.reports.public.suppression import LinearConstraint
from callmon.text.labels import LabelledError

SMALL = 5  # smaller numbers are suppressed
THIRD = "answer_by_third_ring"
COMPLETENESS = Place("completeness")
LEVELS = (99, 95, 90, 75, 50)  # percent
Figures = Mapping[Place, Figure]

# Published counts, keyed by the total that their parts add up to.
PARTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("calls_offered", ""): ("hours", "outcomes", "heard", "weekday.offered"),
    ("outcomes", "answered"): ("rings_to_answer", "weekday.answered"),
    ("callbacks_opened", ""): ("callbacks_24_hours", "callbacks_business_day"),
    (f"{THIRD}.verdict", "exempt"): (f"{THIRD}.exempt",),
}
VERDICT_PARTS = {f"{standard}.verdict": (TOTALS[standard], "") for standard in ALL_STANDARDS}
PUBLISHED = {
    *("calls_offered", "callbacks_opened", "complaints_opened"),
    *(name for names in PARTS.values() for name in names),
    *VERDICT_PARTS,
}
assert set(COUNTS) >= {x for x in PUBLISHED if "." not in x}
# Rates, and the counts that must be shown with them; if one is suppressed, so is the rate.
RATES = {
    name: (*(x for x in ALL_RATES[name].of if x not in ALL_RATES[name].over), *ALL_RATES[name].over)
    for name in (
        *("completeness", "answer_rate", "callbacks_24_hours.rate", "callbacks_24_hours.attempted_rate"),
        *("callbacks_business_day.rate", f"{THIRD}.strict_rate", *(f"{x}.rate" for x in ALL_STANDARDS)),
    )
}
# The calls of which each parity is made.
TTY, VOICE = Cut("mode", "tty"), Cut("mode", "voice")
FRENCH, ENGLISH = Cut("language", "fr"), Cut("language", "en")
PARITIES = {
    "parity_tty": (TTY,),
    "parity_voice": (VOICE,),
    "parity_fr": (FRENCH,),
    "parity_en": (ENGLISH,),
    "parity_tty_voice": (TTY, VOICE),
    "parity_french_english": (FRENCH, ENGLISH),
}
OF_CALLS = {"reconciliation_exchange_only", "reconciliation_callmon_only"}  # counts of calls of the public
PLAIN = {
    *("unheard_hours", "unheard_open_hours", "unheard_known_hours", "test_calls"),
    *("disruptions", "disruptions_hours", "reconciliation_days", *OF_CALLS),
}
BELONGS: tuple[tuple[int, CutKind], ...] = ((0, "service"), (1, "mode"))
# Not published itself, but a published rate reveals it.
REVEALED = ("outcomes_in_hours", "answered")


def edition(report: Report, also: frozenset[Place] = frozenset()) -> Report:
    """The report as it may be published, with the compared months; `also` is suppressed whatever its value."""
    months = (msgspec.structs.replace(x, figures=_published(x.figures, report)) for x in report.compared)
    figures = _published(report.figures, report, also)
    return msgspec.structs.replace(
        report,
        figures=figures,
        complete_at_least=_at_least(report) if figures[COMPLETENESS].state == "suppressed" else None,
        compared=tuple(months),
        months=(),  # as judged today, not as published
        is_public=True,
        attested=tuple(map(_nameless, report.attested)),
    )


def _at_least(report: Report) -> int | None:
    """A percentage that the completeness reaches; it is the same for every small number of missing calls."""
    figure = report.figures[COMPLETENESS]
    known = figure.denominator or 0
    missing = max(known - (figure.numerator or 0), SMALL - 1)
    return next((x for x in LEVELS if 100 * missing <= (100 - x) * known), None)


def _nameless(status: AttestationStatus) -> AttestationStatus:
    """The attestation without the name of the tester: the internal edition shows it, the public one does not."""
    last = status.last and msgspec.structs.replace(status.last, by="")
    return msgspec.structs.replace(status, last=last)


def is_counted(place: Place) -> bool:
    """Whether a reader has this count, from a table or a rate."""
    return place.name in PUBLISHED or (place.name, place.part) == REVEALED


def _published(figures: Figures, report: Report, also: frozenset[Place] = frozenset()) -> dict[Place, Figure]:
    counts = {
        place: int(x.value)
        for place, x in figures.items()
        if x.kind == "count" and x.value is not None and is_counted(place)
    }
    closed = suppression.suppress(counts, sums(counts, report), SMALL) | also
    found: dict[Place, Figure] = {}
    for place, x in figures.items():
        if place.name in PUBLISHED:
            is_closed = place in closed
        elif x.kind == "rate" and place.name in RATES:
            is_closed = _is_any(place.cut, RATES[place.name], closed)
        elif place.name in PLAIN:
            is_closed = place in also or (place.name in OF_CALLS and 0 < (x.value or 0) < SMALL)
        else:
            continue
        found[place] = _without_number(x) if is_closed else x
    for standard in ALL_STANDARDS:
        parts = RATES[f"{standard}.rate"]
        for name, cuts in PARITIES.items():
            place = Place(f"{standard}.{name}")
            if place in figures:
                is_closed = any(_is_any(cut, parts, closed) for cut in cuts)
                found[place] = _without_number(figures[place]) if is_closed else figures[place]
    return found


def _without_number(figure: Figure) -> Figure:
    """The figure without any number; a figure that was not known before stays unchanged."""
    is_known = figure.state in ("known", "not_applicable")
    return Figure(figure.place, figure.kind, "suppressed") if is_known else figure


def _is_any(cut: Cut, parts: Iterable[tuple[str, str]], places: frozenset[Place]) -> bool:
    return any(Place(name, part, cut) in places for name, part in parts)


# Sums.


Sum = tuple[Place, list[Place], bool]  # a total, its members, and whether these are complete


def sums(counts: Mapping[Place, int], report: Report) -> Iterator[LinearConstraint]:
    """Every sum of published counts that a reader can form.

    If its members are incomplete, the remainder of the total is a number that is not published. A member without a
    number (it was not received, or nothing was judged) is part of the remainder.
    """
    for total, members, is_whole in _sums(counts, report):
        known = tuple(x for x in members if x in counts)
        if total in counts and known:
            left = counts[total] - sum(counts[x] for x in known)
            is_complete = is_whole and left == 0 and len(known) == len(members)
            yield LinearConstraint(total, known, None if is_complete else left)


def _sums(counts: Mapping[Place, int], report: Report) -> Iterator[Sum]:
    cuts = list(dict.fromkeys(place.cut for place in counts))
    for cut in cuts:
        yield from _of_parts(cut, counts)
    for name, part in dict.fromkeys((place.name, place.part) for place in counts):
        for total, members in _of_cuts(cuts, report):
            yield Place(name, part, total), [Place(name, part, x) for x in members], True
        for total, within in _nested(cuts, report):
            yield Place(name, part, total), [Place(name, part, within)], False


def _of_cuts(cuts: list[Cut], report: Report) -> Iterator[tuple[Cut, list[Cut]]]:
    """Totals and their members: the whole by service, mode, line and language; a service or a mode by line."""
    for kind in ("service", "mode", "line", "language"):
        yield WHOLE, [cut for cut in cuts if cut.kind == kind]
    for index, kind in BELONGS:
        for cut in cuts:
            if cut.kind == kind:
                lines = [name for name, of in report.lines.items() if of[index] == cut.of]
                yield cut, [Cut("line", name) for name in lines if Cut("line", name) in cuts]


def _nested(cuts: list[Cut], report: Report) -> Iterator[tuple[Cut, Cut]]:
    """Each service or mode with a mode or service whose lines it contains; the difference is a group of lines."""
    lines: dict[Cut, set[str]] = {
        Cut(kind, name): {line for line, of in report.lines.items() if of[index] == name}
        for index, kind in BELONGS
        for name in {of[index] for of in report.lines.values()}
    }
    for total in cuts:
        for within in cuts:
            if total in lines and within in lines and lines[within] < lines[total]:
                yield total, within


def _of_parts(cut: Cut, counts: Mapping[Place, int]) -> Iterator[Sum]:
    for (name, part), parted in PARTS.items():
        for of in parted:
            yield Place(name, part, cut), [x for x in counts if x.name == of and x.cut == cut], True
    for of, (name, part) in VERDICT_PARTS.items():
        members = [Place(of, x, cut) for x in (*VERDICTS, NOT_JUDGED) if Place(of, x, cut) in counts]
        yield Place(name, part, cut), members, True
    for day in "1234567":
        yield Place("weekday.offered", day, cut), [Place("weekday.answered", day, cut)], False
    # Answered calls inside and outside business hours; calls in business hours, answered and not answered.
    for name, part in (("outcomes", "answered"), ("hours", "open")):
        yield Place(name, part, cut), [Place(*REVEALED, cut)], False


# Editions beside others.


def succeeding(report: Report, earlier: Published, name: str) -> Report:
    """The public edition of the report of a month, as the revision of the published edition `earlier`.

    Raises ConfigError if `earlier` is not a public edition of the same days and lines.
    """
    before = figures_of(earlier.figures)
    closed: set[Place] = set()
    while True:
        published = edition(report, frozenset(closed))
        leaks = set(revealed_by_both(before, published.figures, report)) - closed
        if not leaks:
            return revised(published, earlier, name)
        closed |= leaks


def beside(published: Report, others: Iterable[tuple[Published, str]]) -> Report:
    """The edition with other months as they were published.

    Raises ConfigError for a report that is not the public edition of a compared month.
    """
    wanted: dict[str, Relation] = {month.month: month.relation for month in published.compared}
    found = []
    for other, name in others:
        month = other.period.month
        if not other.state.public or other.period.month_to_date or month not in wanted:
            known = ", ".join(sorted(wanted)) or "-"
            raise LabelledError("report_refusal", "not_beside", name=name, months=known)
        found.append(ComparedMonth(month, wanted[month], figures_of(other.figures)))
    return msgspec.structs.replace(published, compared=tuple(found))


def revealed_by_both(before: Figures, after: Figures, report: Report) -> Iterator[Place]:
    """The places to suppress in `after`: together with `before` they reveal a change of 1 to 4.

    Such a change is read directly, in the numbers of a rate, or derived from the sums of both editions.
    """
    changed = dict(_changes(before, after))
    if direct := [place for place, count in changed.items() if _is_small(count)]:
        yield from direct
        return
    if rates := list(_of_rates(before, after)):
        yield from rates
        return
    known = [x for x in (*after, *before) if is_counted(x)]
    constraints = list(sums(dict.fromkeys(known, 0), report))
    found = suppression.solve(
        (
            suppression.unknowns(index, constraint, lambda place: place not in changed),
            changed.get(constraint.total, 0) - sum(changed.get(x, 0) for x in constraint.members),
        )
        for index, constraint in enumerate(constraints)
    )
    for unknown in (x for x, count in found.items() if _is_small(count)):
        within = constraints if isinstance(unknown, Place) else [constraints[unknown[1]]]
        for constraint in within:
            places = (*constraint.members, constraint.total)
            shown = [x for x in places if x in changed]
            if shown and (len(within) == 1 or unknown in places):
                yield shown[0]


def _is_small(count: int) -> bool:
    return 0 < abs(count) < SMALL


def _changes(before: Figures, after: Figures) -> Iterator[tuple[Place, int]]:
    """The change of every count of calls that both editions publish; a part absent from one of them was 0."""
    for place in dict.fromkeys((*before, *after)):
        pair = (before.get(place), after.get(place))
        is_known = all(figure is None or (figure.kind == "count" and figure.state == "known") for figure in pair)
        if is_known and place.name in PUBLISHED | OF_CALLS:
            first, second = (0 if figure is None else int(figure.value or 0) for figure in pair)
            yield place, second - first


def _of_rates(before: Figures, after: Figures) -> Iterator[Place]:
    """The first count of each rate whose numerator or denominator changed by 1 to 4."""
    for place, figure in after.items():
        other = before.get(place)
        if place.name not in RATES or other is None or None in (figure.denominator, other.denominator):
            continue
        pairs = ((figure.numerator, other.numerator), (figure.denominator, other.denominator))
        if any(_is_small((x or 0) - (y or 0)) for x, y in pairs):
            name, part = RATES[place.name][0]
            yield Place(name, part, place.cut)
