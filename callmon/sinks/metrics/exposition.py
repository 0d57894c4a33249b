"""The text of `/metrics`: committed counters, and gauges of the daemon's latest snapshot.

The counters are thousands of series whose text changes only in the number, so the text is prepared once. The
gauges are tens: prometheus_client writes them and the process metrics.

Refuses: labels outside the closed sets. A line that is no longer configured is not exported; its counters stay in
the database until the line returns. A caller's number cannot appear, because no label can hold one.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from callmon.config.lines import Line
from callmon.core.statistics.counters import VERDICT, Figures, LabelValues
from callmon.core.statistics.parity import compare
from callmon.sinks.metrics.counter_text import FiguresText
from callmon.sinks.metrics.gauges import OF_CALLS, OF_ITSELF, families, family
from callmon.sinks.snapshot import DaemonSnapshot
from callmon.store.writer.committed import CommittedCounters


class MetricsSource(Protocol):
    """The daemon, as a scrape reads it."""

    def snapshot(self) -> DaemonSnapshot:
        """The state now. Called in the daemon's event loop; must not block."""

    def leads(self) -> bool:
        """Whether this instance is the leader, which writes and counts. Called from any thread."""

    def stands_by(self) -> bool:
        """Whether this instance is a standby: another one writes and counts. Called from any thread."""


class Metrics:
    """The whole exposition. Call `read` in the daemon's event loop, `render` from any thread."""

    def __init__(
        self,
        tally: CommittedCounters,
        source: MetricsSource,
        lines: Iterable[Line],
        standards: Iterable[str],
        exchanges: Iterable[str],
        minimum_sample: int = 20,
    ) -> None:
        self._tally, self._source = tally, source
        self.read = source.snapshot
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)
        self.configure(lines, standards, exchanges, minimum_sample)

    def configure(
        self, lines: Iterable[Line], standards: Iterable[str], exchanges: Iterable[str], minimum_sample: int = 20
    ) -> None:
        """Set the closed label sets, at the start and after a change of configuration. The counters stay."""
        self._standards, self._minimum = tuple(standards), minimum_sample
        cycles = {line.name: line.ring_cycle for line in lines}
        self._modes = {line.name: line.mode for line in lines}
        self._text = FiguresText(LabelValues(cycles, self._standards, tuple(exchanges)))

    def render(self, snapshot: DaemonSnapshot, accept: str = "") -> tuple[bytes, str]:
        """The exposition in the best format that the `Accept` header allows, and its content type.

        A standby exports only its own state, so that a sum over both counts nothing twice.
        """
        encode, content_type = choose_encoder(accept)
        of_calls = [] if self._source.stands_by() else families(OF_CALLS, snapshot)
        gauges = [*of_calls, *families(OF_ITSELF, snapshot)]
        led = self._source.leads()  # read first: a new leader has the counters of the database already
        figures = self._tally.snapshot()
        text = self._text.render(figures, content_type.startswith("application/openmetrics"))
        counted = [*self._parity(figures)]
        leads = led and self._source.leads()  # read last: the figures date from before any other instance counted
        gauges.append(family("callmon_leader", "Whether this callmon is the leader.", {(): leads}))
        if not leads:
            text, counted = "", []
        rest: bytes = encode(_Given([*gauges, *counted, *self._process.collect()]))
        return text.encode() + rest, content_type

    def _parity(self, figures: Figures) -> Iterator[Metric]:
        """Parity of all verdicts as first given. Below the minimum sample the difference is absent, not 0."""
        counted = {key[1:]: value for key, value in figures.items() if key[0] == VERDICT.name}
        found = compare(counted, self._modes, self._standards, self._minimum)  # type: ignore[arg-type]  # four labels
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
