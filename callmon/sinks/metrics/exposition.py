"""The text of `/metrics`: committed counters, and gauges read at the moment of the scrape.

The counters are thousands of series whose text changes only in the number, so the text is prepared once. The
gauges are tens: prometheus_client writes them and the process metrics.

Refuses: labels outside the closed sets. A line that is no longer configured is not exported; its counters stay in
the database until the line returns. A caller's number cannot appear, because no label can hold one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, get_args

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from callmon.config.lines import Line
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.calls.call import STATES
from callmon.core.disruptions.register import DisruptionRegister
from callmon.core.facts import Direction
from callmon.core.last_calls import LastCalls
from callmon.core.statistics.counters import VERDICT, Figures, LabelValues
from callmon.core.statistics.parity import compare
from callmon.sinks import Sink
from callmon.sinks.metrics.backfill_gauges import BackfillStatus, diary
from callmon.sinks.metrics.callback_gauges import owed
from callmon.sinks.metrics.counter_text import FiguresText
from callmon.sinks.metrics.disruption_gauges import disruptions
from callmon.sinks.metrics.last_call_gauges import last_calls
from callmon.sinks.metrics.service_gauges import ServiceStatus, outlook
from callmon.store.writer.committed import CommittedCounters

DIRECTIONS: tuple[str, ...] = get_args(Direction)
PHONE_STATES = ("free", "in_use", "unreachable")
NOTHING: Mapping[str, int] = MappingProxyType({})


class ExchangeStatus(NamedTuple):
    """The daemon's state of one exchange now.

    `connected`: logged in, and its channel listing processed. `unheard_for` is None while the exchange is
    received.
    """

    name: str
    connected: bool
    events: int
    last_event: datetime | None
    unheard_for: timedelta | None = None
    unusable: Mapping[str, int] = NOTHING  # reason → messages that could not be used
    vanished: int = 0  # calls closed because the exchange no longer listed them
    is_full: bool = False  # the limit of tracked channels is reached


class Service(NamedTuple):
    """Whether the public can reach the lines: disruptions, and when each line was last called."""

    book: DisruptionRegister
    last_calls: LastCalls


class Gauges(Protocol):
    """The daemon's state at each scrape. Read in the daemon's event loop; must not block."""

    def in_progress(self) -> Mapping[tuple[str, str], int]:
        """(line, state) → calls."""

    def phones(self) -> Mapping[tuple[str, str], int]:
        """(line, state) → phones; no entry for a line whose phones are not known."""

    def service_phones(self) -> Mapping[tuple[tuple[str, str], str], int]:
        """((service, mode), state) → phones; a phone that serves several lines of the service counts once."""

    def exchanges(self) -> Sequence[ExchangeStatus]:
        """Each exchange of the configuration."""

    def business_hours(self) -> Mapping[str, bool]:
        """line → open now."""

    def calls_other(self) -> Mapping[str, int]:
        """direction → ended calls without a line, since the daemon's start."""

    def owed(self) -> ObligationIndex:
        """The index of live callbacks and complaints."""

    def service(self) -> Service:
        """Live disruptions and planned work, and each line's last call."""

    def outlook(self) -> ServiceStatus:
        """Voicemail boxes, hours, targets, the last day, and the exchanges' own call counts."""

    def diary(self) -> BackfillStatus:
        """Gaps that wait for the exchange's CEL rows, and the last reconciliation with them."""

    def faults(self) -> int:
        """Internal errors caught since the daemon's start."""

    def enabled(self) -> Mapping[str, bool]:
        """standard → whether it is judged."""

    def leads(self) -> bool:
        """Whether this instance is the leader, which writes and counts. Called from any thread."""

    def stands_by(self) -> bool:
        """Whether this instance is a standby: another one writes and counts."""


class Metrics:
    """The whole exposition. Call `read` in the daemon's event loop, `render` from any thread."""

    def __init__(
        self,
        tally: CommittedCounters,
        gauges: Gauges,
        sinks: Iterable[Sink],
        lines: Iterable[Line],
        standards: Iterable[str],
        exchanges: Iterable[str],
        version: str,
        minimum_sample: int = 20,
    ) -> None:
        self._tally, self._gauges, self._sinks, self._version = tally, gauges, tuple(sinks), version
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)
        self.configure(lines, standards, exchanges, minimum_sample)

    def configure(
        self, lines: Iterable[Line], standards: Iterable[str], exchanges: Iterable[str], minimum_sample: int = 20
    ) -> None:
        """Set the closed label sets, at the start and after a change of configuration. The counters stay."""
        self._lines, self._standards, self._minimum = tuple(lines), tuple(standards), minimum_sample
        cycles = {line.name: line.ring_cycle for line in self._lines}
        self._text = FiguresText(LabelValues(cycles, self._standards, tuple(exchanges)))

    def watch(self, sinks: Iterable[Sink]) -> None:
        """Replace the sinks in use."""
        self._sinks = tuple(sinks)

    def read(self) -> list[Metric]:
        """The gauges now. A standby exports only its own state, so that a sum over both counts nothing twice."""
        mine = [*_exchanges(self._gauges.exchanges()), *_others(self._gauges), *_sinks(self._sinks)]
        mine += self._callmon()
        if self._gauges.stands_by():
            return mine
        names, service = [line.name for line in self._lines], self._gauges.service()
        calls = [*_calls(self._gauges, names), *owed(self._gauges.owed(), names), *outlook(self._gauges.outlook())]
        calls += diary(self._gauges.diary())
        calls += last_calls(service.last_calls, self._lines)
        calls += disruptions(service.book, names, datetime.now(UTC))
        return [*calls, *self._configured(), *mine]

    def render(self, gauges: list[Metric], accept: str = "") -> tuple[bytes, str]:
        """The exposition in the best format that the `Accept` header allows, and its content type."""
        encode, content_type = choose_encoder(accept)
        figures = self._tally.snapshot()
        text = self._text.render(figures, content_type.startswith("application/openmetrics"))
        counted = [*self._parity(figures)]
        leads = self._gauges.leads()  # read last: the snapshot dates from before any other instance counted
        gauges = [
            *gauges,
            _gauge("callmon_leader", "Whether this callmon is the one that counts.", (), {(): leads}),
        ]
        if not leads:
            text, counted = "", []
        rest: bytes = encode(_Given([*gauges, *counted, *self._process.collect()]))
        return text.encode() + rest, content_type

    def _parity(self, figures: Figures) -> Iterator[Metric]:
        """Parity of all verdicts as first given. Below the minimum sample the difference is absent, not 0."""
        counted = {key[1:]: value for key, value in figures.items() if key[0] == VERDICT.name}
        modes = {line.name: line.mode for line in self._lines}
        found = compare(counted, modes, self._standards, self._minimum)  # type: ignore[arg-type]  # four labels
        calls = {(x.kind, x.standard, side.name): side.judged for x in found for side in (x.one, x.other)}
        labels = ("comparison", "standard")
        yield _gauge("callmon_parity_calls", "Judged calls on each side.", (*labels, "side"), calls)
        differences = {(x.kind, x.standard): x.difference for x in found if x.difference is not None}
        text = "Difference of the rates: TTY minus voice, French minus English; absent where samples are small."
        yield _gauge("callmon_parity_difference_ratio", text, labels, differences)

    def _callmon(self) -> Iterator[Metric]:
        build = {(self._version,): 1}
        yield _gauge("callmon_build_info", "The callmon that runs.", ("version",), build)
        faults = {(): self._gauges.faults()}
        yield _counter("callmon_faults_total", "Mistakes of callmon's own that were caught.", (), faults)

    def _configured(self) -> Iterator[Metric]:
        names = ("line", "mode", "service", "name_fr", "name_en")
        infos = {(i.name, i.mode, i.service, i.title_fr, i.title_en): 1 for i in self._lines}
        yield _gauge("callmon_line_info", "The public lines.", names, infos)
        enabled = {(name,): int(given) for name, given in self._gauges.enabled().items()}
        yield _gauge("callmon_standard_enabled", "Whether the standard is judged.", ("standard",), enabled)


class _Given(Collector):
    """A collector of given metrics, as prometheus_client's encoders need it."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


Values = Mapping[Any, float]  # a tuple of label values → value


def _gauge(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _calls(gauges: Gauges, lines: Sequence[str]) -> Iterator[Metric]:
    """Every line and state, 0 for no calls: an absent gauge could not be distinguished from an unknown one."""
    calls = gauges.in_progress()
    by_state = {(line, state): calls.get((line, state), 0) for line in lines for state in STATES}
    yield _gauge("callmon_calls_in_progress", "Inbound calls now.", ("line", "state"), by_state)
    yield from _phones(gauges, lines)
    hours = {(line,): int(is_open) for line, is_open in gauges.business_hours().items()}
    yield _gauge("callmon_business_hours", "Whether the line is open now.", ("line",), hours)


def _phones(gauges: Gauges, lines: Sequence[str]) -> Iterator[Metric]:
    """Every state, for lines and services whose phones are known."""
    phones, of_services = gauges.phones(), gauges.service_phones()
    known = {line for line, _ in phones}
    if by_line := {(x, y): phones.get((x, y), 0) for x in lines if x in known for y in PHONE_STATES}:
        yield _gauge("callmon_phones", "Phones of a line now.", ("line", "state"), by_line)
    services = sorted({service for service, _ in of_services})
    if by_service := {(*x, y): of_services.get((x, y), 0) for x in services for y in PHONE_STATES}:
        labels = ("service", "mode", "state")
        yield _gauge("callmon_service_phones", "Phones of a service now, each once.", labels, by_service)


def _others(gauges: Gauges) -> Iterator[Metric]:
    other = gauges.calls_other()
    counts = {(direction,): other.get(direction, 0) for direction in DIRECTIONS}
    yield _counter("callmon_calls_other_total", "Calls of no line that ended.", ("direction",), counts)


def _exchanges(states: Sequence[ExchangeStatus]) -> Iterator[Metric]:
    labels = ("exchange",)
    connected = {(s.name,): int(s.connected) for s in states}
    yield _gauge("callmon_exchange_connected", "Whether the exchange is heard now.", labels, connected)
    events = {(s.name,): s.events for s in states}
    yield _counter("callmon_exchange_events_total", "Events received.", labels, events)
    last = {(s.name,): s.last_event.timestamp() for s in states if s.last_event}
    yield _gauge(
        "callmon_exchange_last_event_timestamp_seconds", "When the last event was received.", labels, last
    )
    unusable = {(s.name, reason): count for s in states for reason, count in s.unusable.items()}
    yield _counter("callmon_messages_unusable_total", "Messages not understood.", ("exchange", "reason"), unusable)
    vanished = {(s.name,): s.vanished for s in states}
    yield _counter(
        "callmon_calls_vanished_total", "Calls gone though no end of theirs was heard.", labels, vanished
    )


def _sinks(sinks: Iterable[Sink]) -> Iterator[Metric]:
    labels = ("sink",)
    known = {sink.name: sink for sink in sinks}
    backlog = {(name,): sink.backlog() for name, sink in known.items()}
    yield _gauge("callmon_sink_backlog", "Outcomes waiting.", labels, backlog)
    behind = {(name,): sink.behind_for().total_seconds() for name, sink in known.items()}
    yield _gauge("callmon_sink_behind_seconds", "Age of the oldest outcome waiting.", labels, behind)
    refused = {(name,): sink.refused() for name, sink in known.items()}
    yield _counter("callmon_sink_refused_total", "Outcomes set aside for good.", labels, refused)
