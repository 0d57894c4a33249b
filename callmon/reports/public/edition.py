"""The public edition: small numbers are kept back, and so is whatever they could be worked out from. Pure.

A number from 1 to 4 is kept back (zero is shown). Figures that add up tell what is missing: so in each sum there
is either nothing kept back or so much that neither one number of it nor all of it together can be had and is
small. Then all sums are solved together, as somebody would who subtracts table from table; what comes out is
closed too. Figures for which this is not done (reasons, causes, times, hours of the day, signs, relay calls) are
left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.attestations import Attested
from callmon.core.verdicts import VERDICTS
from callmon.reports import rates
from callmon.reports.figures import COUNTS, NOT_JUDGED, TOTALS
from callmon.reports.model import WHOLE, Cut, CutKind, Figure, Place, Report
from callmon.reports.obligations import FATES, JUDGED
from callmon.reports.public import suppression
from callmon.reports.public.suppression import Sum

SMALL = 5  # fewer are kept back
THIRD = "answer_by_third_ring"
Figures = Mapping[Place, Figure]

# Counts that are published, by what their parts add up to.
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
# Rates, and the counts that must be shown with them.
RATES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "completeness": tuple(("heard", x) for x in ("full", "filled", "partly")),
    "answer_rate": (("outcomes_in_hours", "answered"), ("hours", "open")),
    "callbacks_24_hours.rate": tuple(("callbacks_24_hours", x) for x in JUDGED),
    "callbacks_24_hours.attempted_rate": tuple(("callbacks_24_hours", x) for x in JUDGED),
    "callbacks_business_day.rate": tuple(("callbacks_business_day", x) for x in JUDGED),
    f"{THIRD}.strict_rate": ((f"{THIRD}.verdict", "met"), (f"{THIRD}.verdict", "not_met"), *rates.EARLY),
} | {f"{x}.rate": ((f"{x}.verdict", "met"), (f"{x}.verdict", "not_met")) for x in ALL_STANDARDS}
SIDES = {"parity_tty": Cut("mode", "tty"), "parity_voice": Cut("mode", "voice")}
SIDES |= {"parity_fr": Cut("language", "fr"), "parity_en": Cut("language", "en")}
DIFFERENCES = {
    "parity_tty_voice": ("parity_tty", "parity_voice"),
    "parity_french_english": ("parity_fr", "parity_en"),
}
PLAIN = {
    "unheard_hours",
    "unheard_open_hours",
    "unheard_known_hours",
    "test_calls",
    "disruptions",
    "disruptions_hours",
}
PLAIN |= {"reconciliation_days", "reconciliation_exchange_only", "reconciliation_callmon_only"}
OF_CALLS = {
    "reconciliation_exchange_only",
    "reconciliation_callmon_only",
}  # of PLAIN: counts of the public's calls
BELONGS: tuple[tuple[int, CutKind], ...] = ((0, "service"), (1, "mode"))
# Not shown itself, but a rate tells it.
TOLD = ("outcomes_in_hours", "answered")


def edition(report: Report, also: frozenset[Place] = frozenset()) -> Report:
    """The report as it may be published, with the months beside it; `also` is kept back whatever it is."""
    compared = tuple(msgspec.structs.replace(one, figures=_shown(one.figures, report)) for one in report.compared)
    figures = _shown(report.figures, report, also)
    return msgspec.structs.replace(
        report, figures=figures, compared=compared, is_public=True, attested=tuple(map(_nameless, report.attested))
    )


def _nameless(one: Attested) -> Attested:
    """Who tried a line is named to those who sign, not to the public."""
    last = None if one.last is None else msgspec.structs.replace(one.last, by="")
    return msgspec.structs.replace(one, last=last)


def _shown(figures: Figures, report: Report, also: frozenset[Place] = frozenset()) -> dict[Place, Figure]:
    counts = {
        place: int(one.value)
        for place, one in figures.items()
        if one.kind == "count" and one.value is not None
        and (place.name in PUBLISHED or (place.name, place.part) == TOLD)
    }  # fmt: skip
    kept_back = suppression.kept_back(counts, sums(counts, report), SMALL) | also
    shown: dict[Place, Figure] = {}
    for place, one in figures.items():
        if place.name in PUBLISHED:
            shown[place] = _closed(one) if place in kept_back else one
        elif one.kind == "rate" and place.name in RATES:
            shown[place] = _closed(one) if _is_told(place.cut, RATES[place.name], kept_back) else one
        elif place.name in PLAIN:
            is_small = place.name in OF_CALLS and 0 < (one.value or 0) < SMALL
            shown[place] = _closed(one) if is_small or place in also else one
    shown.update(_parities(figures, kept_back))
    return shown


def _closed(one: Figure) -> Figure:
    """Nothing of it is left; what was not known before stays as it was."""
    if one.state not in ("known", "not_applicable"):
        return one
    return Figure(one.place, one.kind, "suppressed")


def _is_told(cut: Cut, needed: Iterable[tuple[str, str]], kept_back: frozenset[Place]) -> bool:
    return any(Place(name, part, cut) in kept_back for name, part in needed)


def _parities(figures: Figures, kept_back: frozenset[Place]) -> Iterator[tuple[Place, Figure]]:
    for standard in ALL_STANDARDS:
        closed: set[str] = set()
        for side, cut in SIDES.items():
            place = Place(f"{standard}.{side}")
            if _is_told(cut, RATES[f"{standard}.rate"], kept_back):
                closed.add(side)
            if place in figures:
                yield place, _closed(figures[place]) if side in closed else figures[place]
        for name, sides in DIFFERENCES.items():
            place = Place(f"{standard}.{name}")
            if place in figures:
                yield place, _closed(figures[place]) if closed & {*sides} else figures[place]


# What adds up.


def sums(counts: Mapping[Place, int], report: Report) -> Iterator[Sum]:
    """Every sum of published counts that a reader can form."""
    cuts = list(dict.fromkeys(place.cut for place in counts))
    for cut in cuts:
        yield from _of_parts(cut, counts)
    for name, part in dict.fromkeys((place.name, place.part) for place in counts):
        for total, members in _of_cuts(cuts, report):
            yield _sum(Place(name, part, total), [Place(name, part, x) for x in members], counts)
        for total, within in _nested(cuts, report):
            yield _sum(Place(name, part, total), [Place(name, part, within)], counts, is_whole=False)


def _of_cuts(cuts: list[Cut], report: Report) -> Iterator[tuple[Cut, list[Cut]]]:
    """The whole by service, mode, line and language; a service and a mode by lines."""
    for kind in ("service", "mode", "line", "language"):
        yield WHOLE, [cut for cut in cuts if cut.kind == kind]
    for index, kind in BELONGS:
        for cut in cuts:
            if cut.kind == kind:
                lines = [name for name, of in report.lines.items() if of[index] == cut.of]
                yield cut, [Cut("line", name) for name in lines if Cut("line", name) in cuts]


def _nested(cuts: list[Cut], report: Report) -> Iterator[tuple[Cut, Cut]]:
    """Each service and mode with the mode or service within it: their difference is some lines together."""
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
            yield _sum(Place(name, part, cut), [x for x in counts if x.name == of and x.cut == cut], counts)
    for of, (name, part) in VERDICT_PARTS.items():
        members = [Place(of, x, cut) for x in (*VERDICTS, NOT_JUDGED) if Place(of, x, cut) in counts]
        yield _sum(Place(name, part, cut), members, counts)
    for day in "1234567":
        answered = Place("weekday.answered", day, cut)
        if answered in counts:
            yield _sum(Place("weekday.offered", day, cut), [answered], counts, is_whole=False)
    # Answered in business hours and outside them; answered and not, in business hours.
    told = Place(*TOLD, cut)
    for total in (Place("outcomes", "answered", cut), Place("hours", "open", cut)):
        yield _sum(total, [told] if told in counts else [], counts, is_whole=False)


def _sum(total: Place, members: list[Place], counts: Mapping[Place, int], is_whole: bool = True) -> Sum:
    """`is_whole`: the members are all that there is. Else what is left of the total is a number nobody shows.

    A member that shows no number (nobody listened there, or nothing was judged) is part of what is left.
    """
    told = tuple(x for x in members if x in counts)
    if total not in counts or not told:
        return Sum(total, (), 0)
    left = counts[total] - sum(counts[x] for x in told)
    return Sum(total, told, None if is_whole and left == 0 and len(told) == len(members) else left)


assert set(COUNTS) >= {x for x in PUBLISHED if "." not in x}
assert {*JUDGED} <= {*FATES}
