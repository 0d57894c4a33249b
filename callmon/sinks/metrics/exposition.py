"""The text of `/metrics`: committed counters, and gauges of the daemon's latest snapshot.

The counters are thousands of series whose text changes only in the number, so the text is prepared once. The
gauges are tens: prometheus_client writes them and the process metrics. `gauges.toml` has their names, labels and
help; here are their values. `callmon_…_total` is a counter.

A time is absent when there is none; a count of a known line is 0. Refuses: to export 0 for an unknown value.
Refuses: labels outside the closed sets. A line that is no longer configured is not exported; its counters stay in
the database until the line returns. A caller's number cannot appear, because no label can hold one.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime
from functools import partial
from importlib.resources import files
from math import inf
from typing import Any, Protocol, get_args

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from callmon import __version__
from callmon.config.lines import Line
from callmon.config.standards import ALL_STANDARDS
from callmon.core.callbacks.index import COUNTS
from callmon.core.calls import rings
from callmon.core.calls.call import LANGUAGES
from callmon.core.disruptions.disruption import SOURCES
from callmon.core.disruptions.register import BEFOREHAND
from callmon.core.facts import Direction
from callmon.core.reconciliation import SIDES
from callmon.core.snapshot import DaemonSnapshot, SinkStatus
from callmon.core.statistics.counters import SELDOM, VERDICT, Figure, Figures, LabelValues
from callmon.core.statistics.parity import compare
from callmon.sinks.metrics.counter_text import NO_EXEMPLARS, FiguresText, unit_of
from callmon.store.writer.committed import CommittedCounters
from callmon.text.labels import STANDARDS, label

DIRECTIONS: tuple[str, ...] = get_args(Direction)
PHONE_STATES = ("free", "in_use", "unreachable")
SCRAPERS = 32  # whose last scrape is known
Values = Mapping[Any, float]  # a tuple of label values → value


# "name{labels}" → help, and the values; None: the family itself is absent.
Table = Mapping[str, tuple[str, Callable[[DaemonSnapshot], Values | None]]]


def families(table: Table, snapshot: DaemonSnapshot) -> Iterator[Metric]:
    for name, (text, values) in table.items():
        found = values(snapshot)
        if found is not None:
            yield family(name, text, found)


def family(name_and_labels: str, text: str, values: Values) -> Metric:
    name, _, labels = name_and_labels.rstrip("}").partition("{")
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    made = kind(name, text, labels=labels.split(",") if labels else (), unit=unit_of(name))
    for key, value in values.items():
        made.add_metric(key, value)
    return made


def _times(times: Mapping[str, datetime]) -> Values:
    return {(name,): at.timestamp() for name, at in times.items()}


def _phones(x: DaemonSnapshot) -> Values | None:
    """Every state, for lines whose phones are known."""
    return {(line.name, s): line.phones.get(s, 0) for line in x.lines if line.phones for s in PHONE_STATES} or None


def _service_phones(x: DaemonSnapshot) -> Values | None:
    services = sorted({service for service, _ in x.service_phones})
    return {(*name, s): x.service_phones.get((name, s), 0) for name in services for s in PHONE_STATES} or None


def _callbacks(name: str, x: DaemonSnapshot) -> Values:
    """Every line has a series in French and in English, 0 when nothing is open; of other languages not at 0."""
    counts = x.callbacks.counts.get(name, {})
    values = {(line.name, fr): counts.get((line.name, fr), 0) for line in x.configured for fr in LANGUAGES}
    return {key: n for key, n in values.items() if n or key[1] not in SELDOM["language"]}


def _to_listen_to(x: DaemonSnapshot) -> Values:
    """Messages from numbers that cannot be called back: a person must listen to them (R-48)."""
    counts = x.callbacks.counts.get("callbacks_to_listen_to", {})
    return {(i.name,): sum(n for (line, _), n in counts.items() if line == i.name) for i in x.configured}


def _first(which: str, x: DaemonSnapshot) -> Values:
    return _of_lines(x, x.callbacks.firsts.get(which, {}))


def _of_lines(x: DaemonSnapshot, times: Mapping[str, datetime]) -> Values:
    """The times of the configured lines, in their order."""
    return _times({line.name: times[line.name] for line in x.configured if line.name in times})


def _waits(x: DaemonSnapshot, value: Callable[[Any, Any], float]) -> Values:
    return {key: value(w.waited, w.cycle) for key, w in x.waits.items() if w.waited is not None}


def _standard_titles(_: DaemonSnapshot) -> Values:
    return {(name, label("standard", name, "fr"), label("standard", name, "en")): 1 for name in STANDARDS}


def _last_day(x: DaemonSnapshot) -> Values:
    """The verdicts that a rate is made of, of the standards that are judged."""
    days = x.service.last_day.items()
    return {key: n for key, n in days if key[2] in ("met", "not_met") and x.enabled.get(key[0], True)}


def _outbox(place: int, x: DaemonSnapshot) -> Values | None:
    return None if x.host.outbox is None else {("database",): x.host.outbox[place]}


def _disruptions(x: DaemonSnapshot) -> Values:
    going_on = [d for d in x.disruptions if d.state(x.at) == "going_on"]
    counts = Counter((line, d.source) for d in going_on for line in d.lines)
    return {(line.name, source): counts[line.name, source] for line in x.configured for source in SOURCES}


def _unannounced(x: DaemonSnapshot) -> Values:
    """Line → since when the first disruption without a complete notice lasts."""
    silent = [d for d in x.disruptions if d.state(x.at) == "going_on" and d.announced is None]
    began = {line: min(d.began for d in silent if line in d.lines) for d in silent for line in d.lines}
    return _of_lines(x, began)


def _planned(x: DaemonSnapshot) -> Values:
    """Line → until when work is planned."""
    work = [d for d in x.disruptions if d.source == "work" and d.began - BEFOREHAND <= x.at]
    ends = [(line, d.notice.until) for d in work for line in d.lines if d.notice.until is not None]
    return _of_lines(x, {line: max(at for other, at in ends if other == line) for line, _ in ends})


def _sinks(x: DaemonSnapshot, value: Callable[[SinkStatus], float]) -> Values:
    return {(sink.name,): value(sink) for sink in x.sinks}


VALUES: Mapping[str, Callable[[DaemonSnapshot], Values | None]] = {
    "callmon_calls_in_progress": lambda x: {(line.name, s): n for line in x.lines for s, n in line.states.items()},
    "callmon_phones": _phones,
    "callmon_service_phones": _service_phones,
    "callmon_line_open": lambda x: {(line.name,): int(line.is_open) for line in x.lines},
    **{f"callmon_{name}": partial(_callbacks, name) for name in COUNTS},
    "callmon_callbacks_to_listen_to": _to_listen_to,  # in place of its counts by language
    "callmon_callback_earliest_opened_timestamp_seconds": partial(_first, "opened"),
    "callmon_callback_earliest_due_timestamp_seconds": partial(_first, "due"),
    "callmon_callback_earliest_actionable_timestamp_seconds": partial(_first, "actionable"),
    "callmon_callbacks_to_listen_to_due_timestamp_seconds": partial(_first, "listen"),
    "callmon_mailbox_messages": lambda x: {(b.exchange, b.mailbox): b.messages for b in x.service.mailboxes},
    "callmon_mailbox_capacity": lambda x: {
        (b.exchange, b.mailbox): b.capacity for b in x.service.mailboxes if b.capacity is not None
    },
    "callmon_mailbox_messages_unheard": lambda x: {
        (b.exchange, b.mailbox): b.unheard for b in x.service.mailboxes
    },
    "callmon_opening_change_timestamp_seconds": lambda x: _times(x.service.opening_changes),
    "callmon_last_day_verdicts": _last_day,
    "callmon_target_ratio": lambda x: x.service.targets,
    "callmon_standard_info": _standard_titles,
    "callmon_exchange_calls_processed_total": lambda x: {
        (name,): n.processed for name, n in x.service.feeds.items()
    },
    "callmon_exchange_calls_heard_total": lambda x: {(name,): n.heard for name, n in x.service.feeds.items()},
    "callmon_exchange_clock_skew_seconds": lambda x: {(name,): seconds for name, seconds in x.host.skews.items()},
    "callmon_exchange_certificate_expires_timestamp_seconds": lambda x: _times(x.host.certificates),
    "callmon_disk_free_bytes": lambda x: {(name,): disk.free for name, disk in x.host.disks.items()},
    "callmon_disk_size_bytes": lambda x: {(name,): disk.size for name, disk in x.host.disks.items()},
    "callmon_sink_journal_bytes": partial(_outbox, 0),
    "callmon_sink_journal_limit_bytes": partial(_outbox, 1),
    "callmon_sink_journal_outcomes": partial(_outbox, 2),
    "callmon_longest_wait_rings": lambda x: _waits(x, rings.begun),
    "callmon_longest_wait_seconds": lambda x: _waits(x, lambda waited, _: waited.total_seconds()),
    "callmon_service_info": lambda x: {(name, *titles): 1 for name, titles in x.service.services.items()},
    "callmon_closed_day_info": lambda x: {(line, *names): 1 for line, names in x.service.closed_days.items()},
    "callmon_backfill_waiting_since_timestamp_seconds": lambda x: _times(x.backfill_waiting),
    "callmon_reconciliation_calls": lambda x: {(c.exchange, s): c.only[s] for c in x.compared for s in SIDES},
    "callmon_reconciliation_timestamp_seconds": lambda x: {(c.exchange,): c.done.timestamp() for c in x.compared},
    "callmon_report_mail_unsent_since_timestamp_seconds": lambda x: _times(x.reports_unsent),
    "callmon_webhook_deliveries": lambda x: x.webhooks or None,
    "callmon_line_last_call_timestamp_seconds": lambda x: _of_lines(x, x.last_calls.calls),
    "callmon_line_last_test_call_timestamp_seconds": lambda x: _of_lines(x, x.last_calls.tests),
    "callmon_line_test_call_due_timestamp_seconds": lambda x: {
        (i.name,): at.timestamp() for i in x.configured if (at := x.last_calls.test_due(i)) is not None
    },
    "callmon_disruptions_open": _disruptions,
    "callmon_disruption_unannounced_since_timestamp_seconds": _unannounced,
    "callmon_planned_work_until_timestamp_seconds": _planned,
    "callmon_line_info": lambda x: {(i.name, i.mode, i.service, i.title_fr, i.title_en): 1 for i in x.configured},
    "callmon_needs_total": lambda x: x.planning.needs or None,
    "callmon_standard_enabled": lambda x: {(name,): int(is_judged) for name, is_judged in x.enabled.items()},
    "callmon_exchange_connected": lambda x: {(e.name,): int(e.connected) for e in x.exchanges},
    "callmon_exchange_events_total": lambda x: {(e.name,): e.events for e in x.exchanges},
    "callmon_exchange_last_event_timestamp_seconds": lambda x: _times(
        {e.name: e.last_event for e in x.exchanges if e.last_event}
    ),
    "callmon_messages_unusable_total": lambda x: {
        (e.name, s): n for e in x.exchanges for s, n in e.unusable.items()
    },
    "callmon_calls_vanished_total": lambda x: {(e.name,): e.vanished for e in x.exchanges},
    "callmon_calls_other_total": lambda x: {(s,): x.calls_other.get(s, 0) for s in DIRECTIONS},
    "callmon_calls_strangers_total": lambda x: {(): x.calls_other.get("stranger", 0)},
    "callmon_sink_backlog": lambda x: _sinks(x, lambda sink: sink.backlog),
    "callmon_sink_behind_seconds": lambda x: _sinks(x, lambda sink: sink.behind_for.total_seconds()),
    "callmon_sink_refused_total": lambda x: _sinks(x, lambda sink: sink.refused),
    "callmon_build_info": lambda _: {(__version__,): 1},
    "callmon_config_last_reload_successful": lambda x: {(): int(x.last_reload.succeeded)},
    "callmon_config_last_reload_success_timestamp_seconds": lambda x: (
        {(): x.last_reload.at.timestamp()} if x.last_reload.at else {}
    ),
    "callmon_faults_total": lambda x: {(): x.internal_errors},
}
_texts = tomllib.loads(files("callmon.sinks.metrics").joinpath("gauges.toml").read_text(encoding="utf-8"))
OF_CALLS: Table
OF_ITSELF: Table
OF_CALLS, OF_ITSELF = (
    {name: (text, VALUES[name.partition("{")[0]]) for name, text in texts.items()}
    for texts in (_texts["calls"], _texts["itself"])
)


class MetricsSource(Protocol):
    """The daemon, as a scrape reads it: `snapshot` in its event loop, the role from any thread. None blocks."""

    def snapshot(self) -> DaemonSnapshot: ...
    def leads(self) -> bool: ...
    def stands_by(self) -> bool: ...


class Metrics:
    """The whole exposition. Call `read` in the daemon's event loop, `render` from any thread."""

    def __init__(
        self,
        counters: CommittedCounters,
        source: MetricsSource,
        lines: Iterable[Line],
        standards: Iterable[str],
        exchanges: Iterable[str],
        minimum_sample: int = 20,
        is_slim: bool = False,
        exemplars: Mapping[Figure, str] = NO_EXEMPLARS,
    ) -> None:
        self._counters, self._source = counters, source
        self._exemplars = exemplars
        self.read = source.snapshot
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)
        self._is_slim = is_slim
        self._looked: dict[str, float] = {}  # scraper → monotonic time of its last scrape, the latest at the end
        self.configure(lines, standards, exchanges, minimum_sample)

    def configure(
        self, lines: Iterable[Line], standards: Iterable[str], exchanges: Iterable[str], minimum_sample: int = 20
    ) -> None:
        """Set the closed label sets, at the start and after a change of configuration. The counters stay."""
        self._standards, self._minimum = tuple(standards), minimum_sample
        cycles = {line.name: line.ring_cycle for line in lines}
        self._modes = {line.name: line.mode for line in lines}
        self._text = FiguresText(LabelValues(cycles, self._standards, tuple(exchanges)), self._is_slim)

    def render(self, snapshot: DaemonSnapshot, accept: str = "", scraper: str = "") -> tuple[bytes, str]:
        """The exposition in the best format that the `Accept` header allows, and its content type.

        A standby exports only its own state, so that a sum over both counts nothing twice. `scraper`: whose
        `increase()` must see the first event of a seldom series: its next scrape shows that series at 0.
        """
        encode, content_type = choose_encoder(accept)
        of_calls = [] if self._source.stands_by() else families(OF_CALLS, snapshot)
        gauges = [*of_calls, *families(OF_ITSELF, snapshot)]
        led = self._source.leads()  # read first: a new leader has the counters of the database already
        figures, new = self._read_counters(scraper)
        is_openmetrics = content_type.startswith("application/openmetrics")
        text = self._text.render(figures, is_openmetrics, new, self._exemplars)
        counted = [*self._parity(figures)]
        leads = led and self._source.leads()  # read last: the figures date from before any other instance counted
        gauges.append(family("callmon_leader", "Whether this callmon is the leader.", {(): leads}))
        if not leads:
            text, counted = "", []
        rest: bytes = encode(_Given([*gauges, *counted, *self._process.collect()]))
        return text.encode() + rest, content_type

    def _read_counters(self, scraper: str) -> tuple[Figures, Set[Figure]]:
        """The committed counters, and those that were first counted after the last scrape of `scraper`."""
        looked = self._looked.pop(scraper, inf)
        figures, new, now = self._counters.read_after(looked)
        if scraper:
            self._looked[scraper] = now
            while len(self._looked) > SCRAPERS:
                self._looked.pop(next(iter(self._looked)), None)
        return figures, new

    def _parity(self, figures: Figures) -> Iterator[Metric]:
        """Parity of all verdicts as first given. Below the minimum sample the difference is absent, not 0."""
        counted = {key[1:]: value for key, value in figures.items() if key[0] == VERDICT.name}
        given = {standard for standard, *_ in counted} | set(self._standards)
        standards = [name for name in ALL_STANDARDS if name in given]
        found = compare(counted, self._modes, standards, self._minimum)  # type: ignore[arg-type]  # four labels
        calls = {(x.kind, x.standard, side.name): side.judged for x in found for side in (x.one, x.other)}
        yield family("callmon_parity_calls{comparison,standard,side}", "Judged calls on each side.", calls)
        differences = {(x.kind, x.standard): x.difference for x in found if x.difference is not None}
        text = "Difference of the rates: TTY minus voice, French minus English; absent where samples are small."
        yield family("callmon_parity_difference_ratio{comparison,standard}", text, differences)


class _Given(Collector):
    """A collector of given metrics, as prometheus_client's encoders need it."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics
