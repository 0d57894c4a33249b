"""Random histories of messages, calls out, calls in, closings and restarts, against a model that fits on one page.

The model of one number and one service: a settlement at a time settles the messages before it, so that between two
settlements there is one debt, whose clock is its first message's. Of settlements at one time the strongest counts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from callmon.core.callbacks import entries as n
from tests.support.examples import examples
from tests.support.fact_builder import CALLER, OTHER, Office, Timed, local

START = local("2026-11-24 10:00")
STEP = timedelta(seconds=20)  # longer than a conversation that pays: what one step began, the next finds told
SERVICES = {"general": "general_inquiries", "poci": "poci"}
STRENGTH = {"closed": 0, "reached_us": 1, "paid": 2}


class Event(NamedTuple):
    kind: str  # message, out (answered for `length`), vain (rings for `length`), in, close
    step: int
    caller: str
    line: str
    length: int

    @property
    def at(self) -> datetime:
        return START + self.step * STEP

    def settles(self) -> str | None:
        """Whom what it settles, however long it takes until that is known."""
        if self.kind == "out" and self.length >= 10:
            return "paid"
        return {"in": "reached_us", "close": "closed"}.get(self.kind)


# A step now, one in the afternoon, one on the days after: due times lie between.
STEPS = st.sampled_from((0, 1, 1, 2, 2, 3, 4, 900, 901, 4320, 4321, 9000))
EVENTS = st.builds(
    Event,
    st.sampled_from(("message", "message", "out", "vain", "in", "close")),
    STEPS,
    st.sampled_from((CALLER, CALLER, CALLER, OTHER)),
    st.sampled_from(("general", "general", "general", "poci")),
    st.sampled_from((3, 9, 10, 12)),
)
HISTORIES = st.lists(EVENTS, max_size=20)
# A message, a call back that is long enough, and at once the next message, which another call pays.
PAID = [
    Event(kind, step, CALLER, "general", 12)
    for kind, step in (("out", 0), ("message", 1), ("out", 2), ("message", 2), ("out", 900), ("out", 901))
]
Debt = tuple[str, str, datetime, int, str, datetime | None]  # number, service, clock, messages, state, settled


def model(events: Sequence[Event]) -> list[Debt]:
    found: list[Debt] = []
    for caller in (CALLER, OTHER):
        for line, service in SERVICES.items():
            mine = [x for x in events if x.caller == caller and (x.line == line or x.kind == "out")]
            messages = sorted(x.at for x in mine if x.kind == "message")
            ends = {x.at: max(STRENGTH[y.settles() or "closed"] for y in mine if y.at == x.at and y.settles())
                    for x in mine if x.settles()}  # fmt: skip
            found += debts(caller, service, messages, sorted(ends.items()))
    return sorted(found, key=str)


def debts(caller: str, service: str, messages: list[datetime], ends: list[tuple[datetime, int]]) -> list[Debt]:
    found: list[Debt] = []
    while messages:
        first = messages[0]
        end = next(((at, strength) for at, strength in ends if at > first), None)
        state = "open" if end is None else next(name for name, n in STRENGTH.items() if n == end[1])
        rest = [] if end is None else [at for at in messages if at >= end[0]]
        found.append((caller, service, first, len(messages) - len(rest), state, end and end[0]))
        messages = rest
    return found


def played(events: Sequence[Event], restarts: Sequence[int] = (), shuffle: int = 0) -> Office:
    """The history, told to a callmon that is stopped and begun anew at some of its moments."""
    office, chance = Office(), random.Random(shuffle)
    moments: list[tuple[datetime, float, Event | Timed]] = []
    for event in events:
        place = chance.random()  # facts of one call keep their order: what is shuffled is whose come first
        moments += [(at, place, what) for at, what in reported(office, event)]
    moments.sort(key=lambda moment: moment[:2])
    now = START
    for place, (at, _, what) in enumerate(moments):
        if at > now:
            office.tick(now)
            now = at
        if place in restarts:
            office.restart()
        close(office, what) if isinstance(what, Event) else office.hear_fact(what[1])
    return office.tick(now + timedelta(seconds=30))


def reported(office: Office, event: Event) -> list[tuple[datetime, Event | Timed]]:
    match event.kind:
        case "message":
            facts = office.message(event.at, event.caller, event.line)
        case "out":
            facts = office.call_out(event.at, event.length, "9" + event.caller[2:], rang=3)
        case "vain":
            facts = office.call_out(
                None, rang_at=event.at, rang=2 * event.length + 5, number="9" + event.caller[2:]
            )
        case "in":
            facts = office.call_in(event.at, event.caller, event.line)
        case _:
            return [(event.at, event)]
    return [(fact[0], fact) for fact in facts]


def close(office: Office, event: Event) -> None:
    service = SERVICES[event.line]
    for one in list(office.kept.values()):
        if one.is_open and one.token == event.caller and one.service == service and one.since < event.at:
            office.hand("close", event.at, one.id, reason="no_request")


def standing(office: Office) -> list[Debt]:
    kept = office.kept.values()
    return sorted(((x.token or "", x.service, x.opened, x.count, x.state, x.settled) for x in kept), key=str)


@settings(deadline=None, max_examples=examples(150))
@given(HISTORIES, st.lists(st.integers(0, 60), max_size=4), st.integers(0, 1000))
def test_every_history_leaves_the_debts_that_the_model_says(
    events: list[Event], restarts: list[int], shuffle: int
) -> None:
    office = played(events, restarts, shuffle)
    assert standing(office) == model(events)


@settings(deadline=None, max_examples=examples(80))
@given(HISTORIES, st.integers(0, 1000), st.integers(0, 1000))
def test_the_order_of_what_happens_at_one_time_does_not_matter(events: list[Event], one: int, other: int) -> None:
    first, second = played(events, (), one), played(events, (), other)
    assert standing(first) == standing(second)
    assert attempts(first) == attempts(second)


def attempts(office: Office) -> list[object]:
    return sorted((x.token or "", x.service, x.opened, x.attempts) for x in office.kept.values())


@settings(deadline=None, max_examples=examples(80))
@given(HISTORIES, st.lists(st.integers(0, 60), max_size=4))
@example(PAID, [])
@example(PAID, [5, 9])
def test_nothing_is_settled_before_it_was_due_with_one_verdict_each(
    events: list[Event], restarts: list[int]
) -> None:
    office = played(events, restarts)
    office.tick(START + timedelta(days=30))
    opened = {x.obligation: x.at for x in office.entries if isinstance(x, n.Owed)}
    paid = [x for x in office.entries if isinstance(x, n.CalledBack)]
    assert paid != [] or events != PAID
    assert [x for x in paid if x.at <= opened[x.obligation]] == []
    assert len({x.obligation for x in paid}) == len(paid)
    given_of = [x.call for x in office.findings if x.standard == "callback_within_24_hours"]
    assert sorted(given_of) == sorted(opened)
    for kind in (n.DueSoon, n.Overdue, n.FellDue):
        told_of = [x.obligation for x in office.entries if isinstance(x, kind)]
        assert len(told_of) == len(set(told_of))


@settings(deadline=None, max_examples=examples(60))
@given(HISTORIES, st.lists(st.integers(0, 60), max_size=3))
def test_what_stands_is_what_the_entries_make(events: list[Event], restarts: list[int]) -> None:
    """And what is counted is what stands."""
    from callmon.core.callbacks.obligation import Obligation, after, opened
    from callmon.core.snapshot import CallbackStatus

    office = played(events, restarts)
    made: dict[str, Obligation] = {}
    for entry in office.entries:
        before = made.get(entry.obligation)
        if isinstance(entry, n.Owed):
            made[entry.obligation] = opened(entry, office.kept["toronto", entry.obligation].token)
        elif before is not None:
            made[entry.obligation] = after(before, entry)
    kept = {key[1]: one for key, one in office.kept.items()}
    judged = {name: one.judged for name, one in kept.items()}
    import msgspec

    assert {name: msgspec.structs.replace(x, judged=judged[name]) for name, x in made.items()} == kept
    counted = sum(CallbackStatus().updated(office.monitor.ledger.index).counts["callbacks_open"].values())
    assert counted == sum(one.is_open for one in kept.values())
