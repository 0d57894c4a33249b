"""A collector as a sink: one trace of each ended call on a public line, made of what the database holds.

    a call ends, or a backfill fills it ─▶ its name waits ─▶ a thread reads the call, encodes and sends it ─▶ gone
                                              ▲                       │
                                              └── 5 s … 60 s ◀── the collector or the database is away

The event loop only adds names. At most 10,000 wait; the oldest is dropped. The leader sends. When it begins
to lead, it sends the calls of the last 15 minutes again: a span is recognized by its id.

Refuses: to raise. Refuses: to read a caller's number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from time import monotonic, sleep

from callmon.config.traces import TraceSettings
from callmon.core.calls.call import Call
from callmon.core.outcome import Outcome
from callmon.core.snapshot import Sink
from callmon.core.statistics.counters import SUM, Figure, Figures, of_call
from callmon.errors import CallmonError, Sentence, system_reason
from callmon.sinks.traces.spans import Span, spans_of, trace_id
from callmon.store.database import Database
from callmon.store.queries import calls as queries

log = logging.getLogger(__name__)

EVERY_SECONDS, LONGEST_WAIT = 5.0, 60.0
MOST_WAITING = 10_000
AT_ONCE = 100  # calls in one request
AGAIN, LONG_CALL = timedelta(minutes=15), timedelta(hours=4)
# A call that the database lacks for so long was never stored.
UNSTORED_SECONDS = 900.0
WITH_EXEMPLARS = ("callmon_rings_before_answer", "callmon_answer_wait_seconds")

Named = tuple[str, str]  # exchange, call


class Traces(Sink):
    """A thread of its own sends; any thread may call `add`."""

    name = "traces"

    def __init__(self, settings: Callable[[], TraceSettings], store: Database, leads: Callable[[], bool]) -> None:
        self._settings = settings
        self._store = store
        self._leads = leads
        self._waiting: dict[Named, float] = {}  # since when, in monotonic seconds
        self._lock = Lock()  # of what waits
        self._thread: Thread | None = None
        self._lost = 0
        self._said: str | None = None
        self.exemplars: dict[Figure, str] = {}  # of the latest call in each bucket that a collector has

    @property
    def is_on(self) -> bool:
        return self._settings().endpoint is not None

    def start_thread(self) -> None:
        """Start the thread where a collector is configured. It ends when none is."""
        if self.is_on and (self._thread is None or not self._thread.is_alive()):
            self._thread = Thread(target=self._work, name="traces", daemon=True)
            self._thread.start()

    def offer(self, outcome: Outcome) -> bool:
        """Accept the outcome; there is always room."""
        if outcome.calls:
            self.add(outcome.exchange, outcome.calls)
        return True

    def add(self, exchange: str, calls: Iterable[Call]) -> None:
        """These calls have ended, or were filled."""
        if not self.is_on:
            return
        with self._lock:
            for call in filter(has_trace, calls):
                self._waiting.setdefault((exchange, call.call), monotonic())
            while len(self._waiting) > MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
                self._lost += 1

    def backlog(self) -> int:
        return len(self._waiting)

    def behind_for(self) -> timedelta:
        """Age of the oldest call that waits."""
        with self._lock:
            since = next(iter(self._waiting.values()), monotonic())
        return timedelta(seconds=monotonic() - since)

    def trouble(self) -> str | None:
        """Why calls wait, as a sentence for a person; None while the collector accepts them."""
        return self._said

    def refused(self) -> int:
        """Number of calls dropped, and of spans that the collector rejected."""
        return self._lost

    # In the thread.

    def _work(self) -> None:
        has_led, pause = False, EVERY_SECONDS
        while self.is_on:
            sleep(pause)
            if not self._leads():
                with self._lock:
                    self._waiting.clear()
                has_led, pause = False, EVERY_SECONDS
                continue
            before = self._said
            is_sent = self.send_all(not has_led)
            if self._said not in (None, before):
                log.warning(self._said)
            has_led = has_led or is_sent
            pause = EVERY_SECONDS if is_sent else min(2 * pause, LONGEST_WAIT)
        self._waiting.clear()
        self.exemplars.clear()
        self._said = None

    def send_all(self, is_new_leader: bool = False) -> bool:
        """Send the traces of all pending calls. False: some remain pending. Blocks."""
        try:
            if is_new_leader:
                self._add_recent(datetime.now(UTC))
            with self._lock:
                names = list(self._waiting)
            for begin in range(0, len(names), AT_ONCE):
                self._send(names[begin : begin + AT_ONCE])
        except Exception as error:  # also an internal error: the daemon continues without traces
            self._said = sentence(self._settings(), error)
            return False
        self._said = None
        return True

    def _add_recent(self, now: datetime) -> None:
        """The calls that ended a short time ago: the former leader may not have sent them."""
        for exchange, call in queries.stream_calls(self._store, now - LONG_CALL, now):
            if call.ended is not None and call.ended > now - AGAIN:
                self.add(exchange, [call])

    def _send(self, names: Iterable[Named]) -> None:
        from callmon.sinks.traces import otlp  # a site without traces does not load it

        spans: list[Span] = []
        exemplars: dict[Figure, str] = {}
        done: set[Named] = set()
        for stored in queries.calls_of_keys(self._store, [(name, exchange) for exchange, name in names]):
            if stored.account is None:
                continue
            done.add((stored.exchange, stored.account.call))
            try:
                spans += list(spans_of(stored.exchange, stored.account, stored.facts, stored.findings))
                exemplars |= exemplars_of(stored.exchange, stored.account)
            except Exception:  # a bug in one call must not keep back all others
                log.exception("traces: internal error in a call; continuing")
                self._lost += 1
        rejected = otlp.post(self._settings(), otlp.request_of(spans)) if spans else 0
        self.exemplars |= exemplars if rejected is not None else {}
        with self._lock:
            self._lost += len(done) if rejected is None else min(max(rejected, 0), len(spans))
            for named in names:
                is_over = monotonic() - self._waiting.get(named, monotonic()) > UNSTORED_SECONDS
                if named in done or is_over:
                    self._waiting.pop(named, None)
                    self._lost += named not in done


def has_trace(call: Call) -> bool:
    """Whether it is a call of the public. Calls within the office, and calls out, have no trace."""
    return call.direction == "inbound" and call.line is not None and call.is_ended


def exemplars_of(exchange: str, call: Call) -> dict[Figure, str]:
    """The buckets of the waits that this call counts in, with the end of their lines in OpenMetrics."""
    figures: Figures = {}
    of_call(figures, call)
    trace = f'# {{trace_id="{trace_id(exchange, call.call).hex()}"}}'
    return {
        figure: f" {trace} {figures[*figure[:-1], SUM]}"
        for figure in figures
        if figure[0] in WITH_EXEMPLARS and figure[-1] != SUM
    }


def sentence(settings: TraceSettings, error: Exception) -> str:
    """What went wrong, and what the administrator can do."""
    if isinstance(error, CallmonError):
        return error.sentences[0]
    return Sentence(
        "traces: {where} takes no traces ({why}). Check endpoint and header_file, and install callmon[traces].",
        where=settings.endpoint,
        why=system_reason(error) if isinstance(error, OSError) else f"{type(error).__name__} {error}",
    )
