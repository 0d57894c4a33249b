"""``python -m bench.week``: a made week of a site in virtual time. Memory at the end of each day.

All that the daemon does with an event is done, but for the network: session, monitor, sinks, SQLite. So many runs
of the recorded exchange are heard each day, one an hour; the clock ticks each virtual second.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.databases import ON_DISK
from bench.exchanges import resident
from bench.server import BANNER
from bench.stream import Template, recorded, used
from bench.table import head, row
from callmon.ami.events import Event
from callmon.ami.session import Session
from callmon.config.settings import example_text, parse
from callmon.core.outcome import Heartbeat, Outcome
from callmon.daemon.runtime import Runtime
from callmon.store.database import upgrade
from callmon.store.encryption import KeyRing

ACCEPTED = b"Response: Success\r\nChallenge: 1\r\n\r\nResponse: Success\r\n\r\n"
EXCHANGE = "toronto"
SECOND, HOUR = timedelta(seconds=1), 3600
COLUMNS = ("calls so far", "resident MB", "objects", "CPU s")


class Site:
    """A daemon's runtime with one exchange that is heard without a network."""

    def __init__(self, folder: Path) -> None:
        settings = parse(example_text().replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db"))
        self.runtime = Runtime(settings, upgrade(settings.store.url, KeyRing([bytes(32)])))
        self.calls = 0
        self._session = Session("bench", "bench", "bench", 0.0)
        for answer in (BANNER, ACCEPTED):
            self._session.receive_data(answer, 0.0)

    def hear(self, data: bytes) -> None:
        for event in self._session.receive_data(data, 0.0):
            self._feed(event)
        self._session.data_to_send()  # what it asks is not answered here

    def _feed(self, event: Event) -> None:
        outcome = self.runtime.monitor.feed(EXCHANGE, event)
        if outcome is not None:
            self._offer(outcome)

    def _offer(self, outcome: Outcome) -> None:
        self.calls += len(outcome.calls)
        for sink in self.runtime.sinks:
            sink.offer(outcome)

    def pass_time(self, since: datetime, seconds: int) -> None:
        """So many ticks; a heartbeat and a snapshot a minute."""
        runtime = self.runtime
        for number in range(seconds):
            now = since + number * SECOND
            for outcome in runtime.monitor.tick(now, {EXCHANGE: now}, []):
                self._offer(outcome)
            if number % 60 == 0:
                runtime.writer.offer(Heartbeat(EXCHANGE, now))
                runtime.snapshot()

    def close(self) -> None:
        self.runtime.writer.close()
        self.runtime.store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.week", description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--runs", type=int, default=8, help="runs of the recorded exchange a day, of 100 calls")
    options = parser.parse_args()
    run = Template(used(recorded().messages))
    head("A week of a made site", COLUMNS)
    with TemporaryDirectory(dir=ON_DISK) as folder:
        site = Site(Path(folder))
        for day in range(options.days):
            _one_day(site, run, day, options.runs)
        site.close()


def _one_day(site: Site, run: Template, day: int, runs: int) -> None:
    began = time.process_time()
    for hour in range(24):
        at = day * 24 * HOUR + hour * HOUR
        if hour < runs:
            site.hear(run.loop(day * runs + hour, seconds=at))
        site.pass_time(run.begun + timedelta(seconds=at), HOUR)
    site.runtime.writer.flush(60)
    gc.collect()
    spent = time.process_time() - began
    figures = f"{site.calls:,}", f"{resident(os.getpid()) / 1e6:.1f}", f"{len(gc.get_objects()):,}", f"{spent:.1f}"
    row(f"day {day + 1}", figures)


if __name__ == "__main__":
    main()
