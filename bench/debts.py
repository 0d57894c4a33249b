"""What open debts cost: a tick with nothing to say, one that tells of one, a message, a call that pays or not.

Each is measured beside so many open obligations that it does not concern: its cost must not grow with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import msgspec

from callmon.config.settings import example
from callmon.core import facts as f
from callmon.core.callbacks.entries import Due
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import OUTSIDE, Fact
from callmon.core.monitor import Monitor
from callmon.store.encryption import keyed_hash

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SOON = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)  # four opening hours before the first is due
TIMES = 1_000
OFTEN = 10_000


def cpu(wire: Connection, held: int) -> None:
    """Microseconds of CPU each."""
    monitor = Monitor(example(), "toronto", token=keyed_hash(b"a key"))
    numbers = msgspec.json.encode  # a token needs no true number: any text is hashed alike
    _owe(monitor, held, lambda n: monitor.ledger.token(numbers(n).decode()))
    now = START + timedelta(minutes=1)
    idle = _each(lambda _: monitor.tick(now), OFTEN)
    asked = iter(range(OFTEN))
    message = _each(lambda _: _hear(monitor, _message(next(asked), now)), TIMES)
    calls = iter(range(TIMES))
    pays = _each(lambda _: _hear(monitor, _call_out(next(calls), now + timedelta(minutes=1))), TIMES)
    elsewhere = _each(lambda n: _hear(monitor, _call_out(5_000 + n, now + timedelta(minutes=1))), TIMES)
    paid = sum(one.state == "paid" for one in monitor.ledger.index)
    if paid != TIMES:
        raise RuntimeError(f"{paid} of {TIMES} were paid")
    falls_due = _each(lambda n: monitor.tick(SOON + timedelta(milliseconds=n + 0.5)), min(held, TIMES))
    wire.send((len(monitor.ledger.index), idle, message, pays, elsewhere, falls_due))


def _each(work: Callable[[int], object], times: int) -> float:
    begun = time.process_time()
    for n in range(times):
        work(n)
    return (time.process_time() - begun) / times * 1e6


def _owe(monitor: Monitor, held: int, token: Callable[[int], str]) -> None:
    """One obligation, in as many copies as wanted; they fall due one a millisecond."""
    _hear(monitor, _message(9_999, START))
    (one,) = monitor.ledger.index
    monitor.ledger.index.drop(one.key)
    monitor.ledger.restore(_copies(one, held, token))


def _copies(one: Obligation, held: int, token: Callable[[int], str]) -> Iterator[Obligation]:
    for n in range(held):
        later = timedelta(milliseconds=n)
        due = one.dues.judging
        assert due.soon is not None
        assert due.actionable is not None
        judging = Due(due.at + later, due.actionable + later, due.soon + later)
        dues = msgspec.structs.replace(one.dues, judging=judging)
        name = f"{1_500_000_000 + n}.1"
        yield msgspec.structs.replace(
            one, id=name, call=name, opened=one.opened + later, dues=dues, token=token(n)
        )


def _hear(monitor: Monitor, facts: list[Fact]) -> None:
    exchange = monitor.exchanges["toronto"]
    for fact in facts:
        monitor._conclude("toronto", exchange, [fact], None)


def _number(n: int) -> str:
    """Valid by the numbering plan, and made here alone."""
    return str(4_162_000_000 + n)


def _message(n: int, at: datetime) -> list[Fact]:
    call = f"{1_700_000_000 + n}.0"
    arrived = f.Arrived(
        call, at, "inbound", "general", "4163272422", f"+1{_number(n)}", None, "PJSIP/trunk-00000001"
    )
    return [arrived, f.VoicemailTook(call, at, "500"), f.MessageLeft(call, at, "500"), f.Ended(call, at, "caller")]


def _call_out(n: int, at: datetime) -> list[Fact]:
    call, channel = f"{1_800_000_000 + n}.0", "PJSIP/trunk-00000008"
    over = at + timedelta(seconds=60)
    return [
        f.Arrived(call, at, "outbound", None, f"9{_number(n)}", "102", None, "PJSIP/102-00000007"),
        f.PhoneDialled(call, at, OUTSIDE, channel),
        f.PhoneRang(call, at, OUTSIDE, channel),
        f.Answered(call, at, OUTSIDE, channel, at),
        f.Ended(call, over, "caller"),
    ]
