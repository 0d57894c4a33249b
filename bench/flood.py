"""One reader after the other on the same stream: as fast as it takes it, or at a pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

from bench import readers
from bench.processes import BenchError, Child
from bench.server import Order, serve
from bench.stream import Contents
from bench.whole import daemon, scraped

PATIENCE = 60.0
Start = Callable[[int], Child]  # connects to this port


class Speed(NamedTuple):
    """What one reader did: events a second, the median, and the CPU that an event cost, in µs, at best."""

    events: float
    cpu: float | None


class Exchange:
    """The server, and what it has to send. After a measurement that failed, another server takes its place."""

    def __init__(self, loop: Contents, loops: int) -> None:
        self.loop, self.loops = loop, loops
        self.events, self.calls = loop.events * loops, loop.calls * loops
        self._server: Child | None = None
        self._port = 0

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @contextmanager
    def _sending(self, order: Order) -> Iterator[Child]:
        """The server, which will send this to the next who comes."""
        if self._server is None:
            self._server = Child(serve, self.loops)
            self._port = self._server.reported(PATIENCE)
        try:
            self._server.tell(order)
            yield self._server
        except BenchError:
            self.close()
            raise

    def flood(self, start: Start) -> tuple[float, float]:
        """Events a second, and seconds of CPU an event."""
        with self._sending(Order(self.loop.events, self.loops)) as server, start(self._port) as reader:
            _expect(reader, "warm")
            before = reader.cpu()
            server.tell("go")
            began, _ = server.reported(PATIENCE)
            end = reader.reported(PATIENCE)
            spent = reader.cpu() - before
            _finish(reader, end, self.calls)
        return self.events / (end[1] - began), spent / self.events

    def paced(self, start: Start, rate: float, seconds: float) -> float:
        """The share of one CPU that the reader takes."""
        order = Order(self.loop.events, 0, rate, round(rate * seconds))
        with self._sending(order) as server, start(self._port) as reader:
            _expect(reader, "warm")
            before = reader.cpu()
            server.tell("go")
            began, sent = server.reported(PATIENCE + seconds)
            return (reader.cpu() - before) / (sent - began)

    def paced_to_the_end(self, start: Start, rate: float) -> float:
        """All loops at `rate` a second; when the last was sent. Raises BenchError when a call is missing."""
        order = Order(self.loop.events, 0, rate, self.events)
        with self._sending(order) as server, start(self._port) as reader:
            _expect(reader, "warm")
            server.tell("go")
            _, sent = server.reported(PATIENCE + 2 * self.events / rate)
            _finish(reader, reader.reported(PATIENCE), self.calls)
            return float(sent)

    def sample(self, seconds: float) -> float:
        """pyst2's events a second, for as long as it bears."""
        with self._sending(Order(200, 1)) as server:
            with Child(readers.pyst2, self._port, seconds) as reader:
                _expect(reader, "warm")
                server.tell("go")
                _, count, took = reader.reported(PATIENCE)
            server.reported(PATIENCE)
        return float(count / took)

    def daemon(self, new_database: Callable[[], str]) -> Start:
        """How to start the whole daemon, each time on a database that nobody has used."""
        return lambda port: Child(daemon, port, new_database(), self.loop.calls, self.calls)

    def speed(self, start: Start, runs: int) -> Speed:
        measured = [self.flood(start) for _ in range(runs)]
        rates = [rate for rate, _ in measured]
        return Speed(median(rates), 1e6 * min(cpu for _, cpu in measured))


def start(work: Callable[..., None]) -> Start:
    """How to start one of `readers`."""
    return lambda port: Child(work, port)


def _expect(reader: Child, what: str) -> None:
    if (said := reader.reported(PATIENCE)) != what:
        raise BenchError(f"expected {what!r}, and it said {said!r}")


def _finish(reader: Child, end: tuple[Any, ...], calls: int) -> None:
    """The daemon's last word is checked: all calls are committed, and a scraper sees them."""
    if len(end) < 4:
        return
    _, _, counted, address = end
    seen = scraped(address)
    reader.tell("stop")
    _expect(reader, "stopped")
    if counted != calls:
        raise BenchError(f"{counted} calls are stored, {calls} were made")
    if seen < calls:
        raise BenchError(f"/metrics counts {seen} calls, {calls} were made")
