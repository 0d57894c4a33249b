"""``python -m bench``: how fast callmon listens, in one run, as a table. Takes minutes; --quick, seconds."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

from bench import debts, exchanges, growth, readers, starting, writing
from bench.databases import NewDatabase, postgresql, sqlite
from bench.flood import Exchange, Speed, start
from bench.processes import BenchError, Child, spin
from bench.stream import contents, recorded
from bench.table import head, row, say
from callmon.config.settings import example

RATE = 5_000.0
ROWS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("bare loop: recv, count messages", readers.bare),
    ("panoramisk: to one handler", readers.panoramisk),
    ("cacofonisk: calls", readers.cacofonisk),
    ("callmon: bytes to messages", readers.messages),
    ("callmon: bytes to facts, findings", readers.facts),
)
DATABASES: tuple[tuple[str, Callable[[], AbstractContextManager[NewDatabase]]], ...] = (
    ("callmon: the daemon, SQLite", sqlite),
    ("callmon: the daemon, PostgreSQL", postgresql),
)
WHOLE, PEER, BARE = DATABASES[0][0], ROWS[2][0], ROWS[0][0]
SPEEDS = ("events/s", "calls/s", "x cacofonisk", "of bare loop", "CPU us/event")
AT_A_PACE_QUICKLY = (readers.bare, readers.panoramisk, readers.facts)
AT_A_PACE = (*AT_A_PACE_QUICKLY, readers.cacofonisk)


def main() -> None:
    try:
        _measure(_options())
    except BenchError as why:
        sys.exit(f"The benchmark ends here: {why}.")


def _measure(options: argparse.Namespace) -> None:
    loop = contents(recorded(), example().lines())
    with closing(Exchange(loop, options.loops)) as opened:
        _introduce(opened, options.runs)
        head("A second without calls, six lines, SQLite", exchanges.COLUMNS)
        exchanges.measure_example(options.seconds)
        writing.compare(options.calls, whole=False)
        starting.compare()
        _as_fast_as_it_goes(opened, options)
        _beside_other_work(opened, options.runs)
        _at_a_pace(opened, options)
    _growth(options.held, options.events)
    _debts(options.debts)
    _memory(options.calls)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small stream, once, SQLite only: rough")
    parser.add_argument("--runs", type=int, metavar="N", help="how often each reader reads (default: 3)")
    options = parser.parse_args()
    quick = options.quick
    options.runs = options.runs or (1 if quick else 3)
    options.loops, options.seconds, options.sample = (2, 0.5, 1.0) if quick else (60, 10.0, 3.0)
    options.databases = DATABASES[:1] if quick else DATABASES
    options.at_a_pace = [row for row in ROWS if row[1] in (AT_A_PACE_QUICKLY if quick else AT_A_PACE)]
    options.held, options.events = ((10, 1_000), 10_000) if quick else ((10, 100, 1_000, 10_000), 100_000)
    options.calls = 1_000 if quick else 10_000
    options.debts = (100, 10_000) if quick else (100, 1_000, 10_000, 100_000)
    return options


def _introduce(opened: Exchange, runs: int) -> None:
    loop = opened.loop
    say(f"Python {platform.python_version()} on {_processor()}, {platform.system()} {platform.release()}")
    say(
        f"The stream: {opened.loops} loops of a recorded run of Asterisk 22 (read=all), each of "
        f"{loop.events:,} events,\n{loop.calls} calls on public lines, {loop.most_at_once} calls up at "
        f"once at most: {opened.events:,} events, {opened.calls:,} calls, {opened.loops * loop.size / 1e6:.0f} MB."
    )
    say(f"Each reader: a process of its own, one loop to warm up, then the stream; {runs} runs.")


def _as_fast_as_it_goes(opened: Exchange, options: argparse.Namespace) -> None:
    head("As fast as it is read", SPEEDS)
    speeds = {name: opened.speed(start(work), options.runs) for name, work in ROWS}
    for name, speed in speeds.items():
        _tell(opened, name, speed, speeds)
    for name, database in options.databases:
        try:
            with database() as new:
                _tell(opened, name, opened.speed(opened.daemon(new), options.runs), speeds)
        except BenchError as why:
            say(f"{name}: not measured, {why}")
    name = f"pyst2: a sample of {options.sample:.0f} s"
    try:
        sampled = opened.sample(options.sample)
        _tell(opened, name, Speed(sampled, None), speeds)
    except BenchError as why:
        say(f"{name}: not measured, {why}")


def _tell(opened: Exchange, name: str, speed: Speed, among: dict[str, Speed]) -> None:
    calls = speed.events * opened.calls / opened.events
    peer, bare = (speed.events / among[name].events for name in (PEER, BARE))
    cpu = "" if speed.cpu is None else f"{speed.cpu:.2f}"
    row(name, (f"{speed.events:,.0f}", f"{calls:,.0f}", f"{peer:.2f}", f"{bare:.2%}", cpu))


def _beside_other_work(opened: Exchange, runs: int) -> None:
    head("Beside two busy processes", SPEEDS)
    with Child(spin), Child(spin), sqlite() as new:
        speeds = {name: opened.speed(start(dict(ROWS)[name]), runs) for name in (BARE, PEER)}
        speeds[WHOLE] = opened.speed(opened.daemon(new), runs)
    for name, speed in speeds.items():
        _tell(opened, name, speed, speeds)


def _at_a_pace(opened: Exchange, options: argparse.Namespace) -> None:
    head(f"{RATE:,.0f} events/s for {options.seconds:g} s", ("CPU share", "CPU us/event"))
    for name, work in options.at_a_pace:
        _tell_share(name, opened.paced(start(work), RATE, options.seconds))
    with sqlite() as new:
        _tell_share(WHOLE, opened.paced(opened.daemon(new), RATE, options.seconds))


def _tell_share(name: str, share: float) -> None:
    row(name, (f"{share:.1%}", f"{share / RATE * 1e6:.1f}"))


def _growth(held: tuple[int, ...], events: int) -> None:
    head("Calls held open while others pass", ("CPU us/event",))
    for count in held:
        with Child(growth.cpu, count, events) as child:
            spent, up = child.reported(120)
        row(f"{up:,} calls; used events only", (f"{spent:.2f}",))


def _debts(held: tuple[int, ...]) -> None:
    columns = ("idle tick us", "message", "call pays", "elsewhere", "due soon")
    head("Callbacks to make", columns)
    for count in held:
        with Child(debts.cpu, count) as child:
            due, *spent = child.reported(240)
        row(f"{count:,} to make ({due:,} live at the end)", [f"{each:.1f}" for each in spent])


def _memory(calls: int) -> None:
    head("Memory of calls in progress", ("kB a call", f"to {2 * calls:,}"))
    for phase, legs in (("ringing", 4), ("talking", 2)):
        with Child(growth.memory, phase, [calls, calls]) as child:
            none, some, more = child.reported(120)
        first, both = (some - none) / calls, (more - none) / (2 * calls)
        row(f"{calls:,} calls, {phase}, {legs} legs each", (f"{first / 1000:.2f}", f"{both / 1000:.2f}"))


def _processor() -> str:
    """What Linux calls it, and how many there are."""
    text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    names = [line.partition(": ")[2] for line in text.splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    main()
