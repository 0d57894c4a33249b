"""Permanent counters: what a call, a finding or a gap adds to which counter. Pure.

`counters.toml` defines them: name, help, labels, buckets. Each usual combination of labels of the closed
sets exists at 0 before the first event, so that `increase()` sees that event. A combination with a value of
`SELDOM` exists from its first event on. A figure is a flat tuple of strings: the metric's name, its label values,
and for a histogram the bucket's upper bound or "sum".

Refuses: to count what is not known: uncertain rings, or transfers where a gap may hide one. No figure contains a
caller's number.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.callbacks.entries import CalledBack
from callmon.core.calls.call import HEARD, LANGUAGES, OUTCOMES, Call, language_label
from callmon.core.disruptions.disruption import SOURCES, DisruptionEnded
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.standards.verdict_rules import may_hide_a_person
from callmon.core.verdicts import CAUSES, VERDICTS, Finding, Gap

Figure = tuple[str, ...]
Figures = dict[Figure, float]

Bounds = tuple[tuple[float, str], ...]  # the buckets of a histogram: upper bound, and the bound as a label


def bounds_of(limits: Iterable[float]) -> Bounds:
    """Each bound is formatted as Prometheus formats it in every exposition format: "3.0"."""
    return tuple((limit, repr(float(limit))) for limit in limits)


RINGS = (1, 2, 3, 4, 5, 6, 8, 10)
BEYOND = "+Inf"
SUM = "sum"
# Signs of gaming: a call was answered for the figure rather than for the caller.
Sign = Literal["short_conversation", "early_hold", "ended_by_us"]
SIGNS: tuple[Sign, ...] = get_args(Sign)
SHORT = timedelta(seconds=10)  # a conversation, and the time before a hold
RELAY_SHORT = timedelta(seconds=20)


FRENCH_FIRST = "callmon_french_at_first_answer_total"  # counted from the verdicts of bilingual_person


class Metric(NamedTuple):
    """A counter, or a histogram with `buckets`; "cycles": in seconds, at the line's ring cycles."""

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: Bounds | Literal["cycles"] | None = None


_texts = tomllib.loads(files("callmon.core.statistics").joinpath("counters.toml").read_text(encoding="utf-8"))
_NAMED: Mapping[str, Bounds | Literal["cycles"]] = {"cycles": "cycles", "rings": bounds_of(RINGS)}


def _metric(name: str, of: Mapping[str, Any]) -> Metric:
    buckets = of.get("buckets")
    of_metric = bounds_of(buckets) if isinstance(buckets, list) else _NAMED.get(buckets or "")
    return Metric(name, of["help"], tuple(of["labels"]), of_metric)


METRICS = tuple(_metric(name, of) for name, of in _texts.items())
BY_NAME = {metric.name: metric for metric in METRICS}
CALLS = BY_NAME["callmon_calls_total"]
VERDICT = BY_NAME["callmon_verdicts_total"]
CORRECTED = BY_NAME["callmon_verdicts_corrected_total"]
CAUSE = BY_NAME["callmon_not_met_cause_total"]
# Standards that give a `not met` more than one cause. Of all others it is "other".
WITH_CAUSES = frozenset({"answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person"})
# `cause_of` never gives a call that no person answered these causes.
OF_ANSWERED = frozenset({"late_hunting", "sent_to_voicemail_early"})
DETAILS = frozenset(name for name, of in _texts.items() if of.get("is_detail"))  # not among the slim series

# Of a wait in seconds, the slim series have the bounds of these rings.
SLIM_RINGS = (3, 4, 6, 10)

# Label values that are valid but not created at 0. A standard of them is not judged, or was not at the start.
SELDOM: Mapping[str, tuple[str, ...]] = {
    "hours": ("unknown",),
    "language": ("other", "unknown"),
    "outcome": ("voicemail", "lost", "unknown", "failed"),
    "standard": ALL_STANDARDS,
}


class LabelValues(NamedTuple):
    """The closed sets of label values from the configuration. `lines`: line → its ring cycle.

    `standards`: those that are judged.
    """

    lines: Mapping[str, timedelta]
    standards: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()

    def values_of(self, label: str) -> tuple[str, ...]:
        configured = {"line": tuple(self.lines), "standard": self.standards, "exchange": self.exchanges}
        return {**_FIXED, **configured}[label]

    def is_valid(self, metric: Metric, values: Figure) -> bool:
        """Whether each label value of the metric is in its closed set, the seldom ones included."""
        allowed = (self.values_of(label) + SELDOM.get(label, ()) for label in metric.labels)
        return all(value in among for value, among in zip(values, allowed, strict=True))


_FIXED: Mapping[str, tuple[str, ...]] = {
    "outcome": tuple(x for x in OUTCOMES if x not in SELDOM["outcome"]),
    "language": tuple(x for x in LANGUAGES if x not in SELDOM["language"]),
    "hours": ("open", "closed"),
    "verdict": VERDICTS,
    "from": VERDICTS,
    "to": VERDICTS,
    "cause": CAUSES,
    "first": ("yes", "no", "unknown"),
    "by": ("transfer", "dialplan"),
    "sign": SIGNS,
    "source": SOURCES,
    "heard": HEARD,
}
# Reason of `bilingual_person` → whether the first person to answer spoke French.
FIRST: Mapping[str, str] = {
    "french_at_first_answer": "yes",
    "french_after_first_answer": "no",
    "no_french_speaker": "no",
    "french_first_answer_unknown": "unknown",
}


def zeros(sets: LabelValues) -> Figures:
    """Every figure that exists before the first event, at 0."""
    return {figure: 0.0 for metric in METRICS for figure in _figures(metric, sets)}


def is_detail(figure: Figure, sets: LabelValues) -> bool:
    """Whether the slim series lack this figure of a histogram. The bounds above it count it."""
    if BY_NAME[figure[0]].buckets != "cycles" or figure[-1] in (BEYOND, SUM):
        return False
    return RINGS[parts(figure[:-1], sets).index(figure)] not in SLIM_RINGS


def _figures(metric: Metric, sets: LabelValues) -> Iterator[Figure]:
    if metric.name == FRENCH_FIRST and "bilingual_person" not in sets.standards:
        return
    for values in product(*(sets.values_of(label) for label in metric.labels)):
        if metric is CORRECTED and values[-2:] != _usual_correction(values[0]):
            continue
        if metric is CAUSE and not _may_have_cause(values[0], values[-1]):
            continue
        yield from parts((metric.name, *values), sets)


def _usual_correction(standard: str) -> tuple[str, str]:
    """The most frequent: of a call filled from CEL, of a callback in time that became known late."""
    return ("unknown", "met") if standard in CALL_STANDARDS else ("not_met", "met")


def _may_have_cause(standard: str, cause: str) -> bool:
    if standard not in WITH_CAUSES:
        return cause == "other"
    return standard != "reach_a_person" or cause not in OF_ANSWERED


def parts(base: Figure, sets: LabelValues) -> list[Figure]:
    """The figures of a metric and its label values: one, or a histogram's buckets and its sum."""
    metric = BY_NAME[base[0]]
    if metric.buckets is None:
        return [base]
    if metric.buckets == "cycles":
        bounds = _cycle_bounds(sets.lines[base[1 + metric.labels.index("line")]])
    else:
        bounds = metric.buckets
    return [(*base, part) for part in (*(text for _, text in bounds), BEYOND, SUM)]


@lru_cache(maxsize=64)
def _cycle_bounds(cycle: timedelta) -> Bounds:
    return bounds_of((n * cycle).total_seconds() for n in RINGS)


def figures_of(
    calls: Iterable[Call] = (),
    findings: Iterable[Finding] = (),
    gaps: Iterable[Gap] = (),
    called_back: Iterable[CalledBack] = (),
    disruptions: Iterable[DisruptionUpdate] = (),
) -> Figures:
    """All that these add."""
    figures: Figures = {}
    for call in calls:
        of_call(figures, call)
    for finding in findings:
        of_finding(figures, finding)
    for gap in gaps:
        of_gap(figures, gap)
    for entry in called_back:
        of_callback(figures, entry)
    for noted in disruptions:
        of_disruption(figures, noted)
    return figures


def of_call(figures: Figures, call: Call) -> None:
    """Add an ended inbound call on a line, no test call. Other calls are counted elsewhere or not at all."""
    if call.direction != "inbound" or call.line is None or not call.is_ended or call.test:
        return
    language = language_label(call.language)
    for figure in _ended(call.line, call.outcome, language, call.in_hours, call.heard):
        add_figure(figures, figure)
    if call.outcome == "answered" and call.rings is not None and call.waited is not None:
        _observe(figures, "callmon_rings_before_answer", (call.line, language), call.rings)
        # Of an uncertain span the longer end, so that no figure is too good.
        waited, bounds = call.waited.longest.total_seconds(), _cycle_bounds(call.cycle)
        _observe(figures, "callmon_answer_wait_seconds", (call.line, language), waited, bounds)
    if call.voicemail is not None and call.voicemail.rings is not None:
        _observe(figures, "callmon_voicemail_rings", (call.line,), call.voicemail.rings)
    if call.outcome == "answered" and not may_hide_a_person(call):
        _observe(figures, "callmon_transfers_per_call", (call.line,), len(call.transfers))
        if call.people:  # else stored by a version that did not count this yet
            _observe(figures, "callmon_redirections_per_call", (call.line,), call.redirections)
    _beside(figures, call, call.line)


@lru_cache(maxsize=4096)
def _ended(line: str, outcome: str, language: str, in_hours: bool | None, heard: str) -> list[Figure]:
    """The counters to which each ended call adds one. Few different values occur."""
    of_call = (CALLS.name, line, outcome, language, hours_label(in_hours))
    return [of_call, ("callmon_calls_completeness_total", line, heard)]


def _beside(figures: Figures, call: Call, line: str) -> None:
    if call.survey is not None:
        add_figure(figures, ("callmon_surveys_offered_total", line, call.survey))
    if call.relay:
        add_figure(figures, ("callmon_relay_calls_total", line, call.outcome))
    if relay_ended_early(call):
        add_figure(figures, ("callmon_relay_calls_ended_early_total", line))
    for sign in signs(call):
        add_figure(figures, ("callmon_integrity_calls_total", line, sign))
        if sign == "early_hold" and call.held_for is not None:
            _observe(figures, "callmon_early_hold_seconds", (line,), call.held_for.total_seconds())


def of_finding(figures: Figures, finding: Finding) -> None:
    f = finding
    for figure in _judged(f.standard, f.line, f.language, f.verdict, f.reason_key, f.cause):
        add_figure(figures, figure)


@lru_cache(maxsize=4096)
def _judged(standard: str, line: str, language: str, verdict: str, reason: str, cause: str | None) -> list[Figure]:
    """The counters to which a verdict adds one. Few different values occur."""
    found: list[Figure] = [(VERDICT.name, standard, line, language_label(language), verdict)]
    if verdict == "not_met" and cause is not None:
        found.append(("callmon_not_met_cause_total", standard, line, cause))
    if standard == "bilingual_person" and reason in FIRST:
        found.append((FRENCH_FIRST, line, FIRST[reason]))
    return found


def of_gap(figures: Figures, gap: Gap) -> None:
    add_figure(figures, ("callmon_exchange_unheard_seconds_total", gap.exchange), gap.length.total_seconds())


def of_callback(figures: Figures, entry: CalledBack) -> None:
    if not entry.again:
        labels = entry.line, language_label(entry.language)
        _observe(figures, "callmon_callback_delay_seconds", labels, entry.waited.total_seconds())


def of_disruption(figures: Figures, noted: DisruptionUpdate) -> None:
    """Count a disruption at its end, when it is known to have been one, and its notice when it is complete."""
    disruption, notice = noted.disruption, noted.disruption.noticed_after
    for line in disruption.lines:
        if noted.announces and notice is not None:
            _observe(figures, "callmon_disruption_notice_seconds", (line,), notice.total_seconds())
        if isinstance(noted.entry, DisruptionEnded) and disruption.counts and disruption.ended is not None:
            add_figure(figures, ("callmon_disruptions_total", line, disruption.source))
            length = (disruption.ended - disruption.began).total_seconds()
            add_figure(figures, ("callmon_disrupted_seconds_total", line, disruption.source), length)


def survey_was_heard(figures: Figures) -> bool:
    """Whether a dialplan ever reported a survey offer: then the standard is judged from the start."""
    name = "callmon_surveys_offered_total"
    return any(x[0] == name and x[2] == "dialplan" and count > 0 for x, count in figures.items())


def add_figure(figures: Figures, figure: Figure, amount: float = 1.0) -> None:
    figures[figure] = figures.get(figure, 0.0) + amount


def hours_label(in_hours: bool | None) -> str:
    if in_hours is None:
        return "unknown"
    return "open" if in_hours else "closed"


def _observe(
    figures: Figures, name: str, labels: tuple[str, ...], count: float, bounds: Bounds | None = None
) -> None:
    buckets = bounds or BY_NAME[name].buckets
    assert isinstance(buckets, tuple)
    bucket, total = _observed(name, labels, _bucket(buckets, count))
    figures[bucket] = figures.get(bucket, 0.0) + 1.0
    figures[total] = figures.get(total, 0.0) + count


@lru_cache(maxsize=4096)
def _observed(name: str, labels: tuple[str, ...], bucket: str) -> tuple[Figure, Figure]:
    return (name, *labels, bucket), (name, *labels, SUM)


def _bucket(buckets: Bounds, count: float) -> str:
    for most, text in buckets:
        if count <= most:
            return text
    return BEYOND


def signs(call: Call) -> tuple[Sign, ...]:
    """The signs of gaming in one ended call: no verdicts, counted by line, and not where a gap may hide them."""
    if call.outcome != "answered":
        return ()
    found: tuple[Sign, ...] = ()
    if call.ended_how == "hangup" and _is_under(call.talked, SHORT):
        found += ("short_conversation",)
    if _is_under(call.held_after, SHORT):
        found += ("early_hold",)
    return (*found, "ended_by_us") if _ended_by_us(call) else found


def relay_ended_early(call: Call) -> bool:
    """Whether we ended a relay call within 20 s: operators are often taken for telemarketers (R-50)."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup"
    if not (ours and call.relay and call.outcome == "answered") or call.ended is None or call.answered is None:
        return False
    return call.ended - call.answered < RELAY_SHORT


def _ended_by_us(call: Call) -> bool:
    """Whether one person had the caller, no redirection took place, and the exchange's side hung up first."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup" and call.survey is None
    if not ours or call.redirections:
        return False
    return len({person.phone for person in call.people}) == 1 and not may_hide_a_person(call)


def _is_under(length: timedelta | None, limit: timedelta) -> bool:
    return length is not None and length < limit
