"""``python -m bench.questions_beside CALLS RATE SECONDS``: what-if of so many calls beside the whole daemon.

The daemon receives RATE events a second for SECONDS. The benchmark prints CPU and wall time of each question in 40
worlds, and fails if the daemon does not commit and count each call.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from multiprocessing.connection import Connection

from bench.databases import sqlite
from bench.flood import Exchange
from bench.processes import Child
from bench.questions_what_if import CHANGES
from bench.stream import contents, recorded
from bench.table import say
from callmon.config.settings import example
from callmon.core.replay.what_if import what_if
from tests.support.ringing_world import RingingSite, simulated

ASKED = ("voicemail a ring later", "a phone more", "picked up a fifth faster")
WORKING_DAYS = 20
CALLS_A_PHONE = 20
LONGEST_SECONDS = 1200.0


def questions(pipe: Connection, calls: int) -> None:
    """Says the calls of its month; then, of each question, CPU and wall time and the moment of its end."""
    a_day = calls // WORKING_DAYS
    days = simulated(RingingSite(seed=1, calls_a_day=a_day, phones=max(2, a_day // CALLS_A_PHONE)))
    pipe.send(sum(len(day.calls) for day in days))
    for name in ASKED:
        cpu, wall = time.process_time(), time.monotonic()
        what_if(days, CHANGES[name][0])
        pipe.send((time.process_time() - cpu, time.monotonic() - wall, time.monotonic()))


def main() -> None:
    calls = int(sys.argv[1])
    rate, seconds = map(float, sys.argv[2:4])
    loop = contents(recorded(), example().lines())
    with (
        closing(Exchange(loop, round(rate * seconds / loop.events))) as exchange,
        sqlite() as new,
        Child(questions, calls) as asked,
    ):
        say(f"{asked.reported(LONGEST_SECONDS):,} calls in 40 worlds, beside {rate:,.0f} events a second")
        sent = exchange.paced_to_the_end(exchange.daemon(new), rate)
        say(f"{exchange.events:,} events: {exchange.calls:,} calls, all of them committed and counted")
        for name in ASKED:
            cpu, wall, end = asked.reported(LONGEST_SECONDS)
            when = "before" if end < sent else "AFTER"
            say(f"{name}: {cpu:.1f} s of CPU, {wall:.1f} s in all; ended {when} the last event")


if __name__ == "__main__":
    main()
