"""What a gap hides, and what the listing after it can settle: never a wrong verdict.

The oracle is the same call heard throughout: what callmon says after a gap is that, or less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.builders import Channel, Exchange, left, replayed

Step = tuple[float, Callable[[], None]]


class Script:
    """A call as steps in time, to be played with and without a gap."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.steps: list[Step] = []
        self.now = 0.0
        self.caller: Channel
        self.phones: list[Channel] = []

    def after(self, seconds: float, step: Callable[[], None]) -> None:
        self.now = round(self.now + seconds, 3)
        self.steps.append((self.now, step))

    def play(self, gap: tuple[float, float] | None) -> None:
        exchange, waiting = self.exchange, list(self.steps)

        def upto(end: float | None) -> None:
            while waiting and (end is None or waiting[0][0] < end):
                at, step = waiting.pop(0)
                exchange.at(at)
                step()

        if gap is not None:
            upto(gap[0])
            exchange.at(gap[0]).event("PeerStatus", Peer="PJSIP/9")  # the last that was heard
            with exchange.unheard(gap[1]):
                upto(gap[1])
        upto(None)

    # What may happen.

    def arrives(self) -> None:
        def step() -> None:
            self.caller = self.exchange.call()

        self.after(0, step)

    def menu(self, seconds: float) -> None:
        self.after(0.1, lambda: self.exchange.menu(self.caller))
        self.now += seconds

    def dial(self, *endpoints: str, ring: bool = True) -> None:
        def step() -> None:
            self.phones = [self.exchange.dial(self.caller, endpoint) for endpoint in endpoints]

        self.after(0.1, step)
        if ring:
            self.after(0.1, lambda: self.exchange.ring(self.caller, *self.phones))

    def stop(self, seconds: float, status: str = "NOANSWER") -> None:
        def step() -> None:
            for phone in self.phones:
                self.exchange.stop(self.caller, phone, status, {"BUSY": 17, "CHANUNAVAIL": 20}.get(status, 0))
            self.phones = []

        self.after(seconds, step)

    def answer(self, seconds: float, talk: float = 20) -> None:
        def step() -> None:
            self.exchange.answer(self.caller, *self.phones)

        self.after(seconds, step)
        self.after(talk, lambda: self.exchange.ends(self.caller, self.phones[0]))

    def give_up(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.gives_up(self.caller, self.caller, *self.phones))

    def voicemail(self, message: bool, seconds: float = 15) -> None:
        self.after(0.02, lambda: self.exchange.voicemail(self.caller))
        if message:
            self.after(seconds, lambda: self.exchange.message(self.caller))
        self.after(seconds, lambda: self.exchange.ends(self.caller))

    def queue(self, seconds: float = 0.5) -> None:
        def up() -> None:
            self.caller.answered = self.exchange.now
            self.exchange.up(self.caller, "queue")

        self.after(0.1, up)
        self.after(seconds, lambda: self.exchange.queue(self.caller))

    def leave_queue(self) -> None:
        self.after(0.01, lambda: self.exchange.leave_queue(self.caller))

    def hang_up(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.hangup(self.caller))

    def end_by_caller(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.ends(self.caller))


class Plan(NamedTuple):
    """Drawn once, played several times."""

    menu: float | None
    queue: bool
    stages: tuple[tuple[int, str, float], ...]  # phones, how they take it, for how long
    last: str
    wait: float
    message: bool


tenths = st.integers(26, 300).map(lambda number: number / 10)
# A phone that rang and stopped within the two seconds after the arrival is taken to be the first that rang.
seconds = st.one_of(st.sampled_from([2.6, 5.9, 12.0, 17.9, 18.1, 24.02]), tenths)
plans = st.builds(
    Plan,
    menu=st.one_of(st.none(), seconds),
    queue=st.booleans(),
    stages=st.lists(
        st.tuples(st.integers(1, 2), st.sampled_from(["ring", "ring", "BUSY", "CHANUNAVAIL", "silence"]), seconds),
        max_size=3,
    ).map(tuple),
    last=st.sampled_from(["answer", "answer", "give up", "voicemail", "hang up", "menu"]),
    wait=seconds,
    message=st.booleans(),
)


def written(plan: Plan) -> Script:
    script = Script(Exchange())
    script.arrives()
    if plan.menu is not None:
        script.menu(plan.menu)
    if plan.queue:
        script.queue()
    for phones, how, length in plan.stages:
        names = [f"PJSIP/10{n + 1}" for n in range(phones)]
        script.dial(*names, ring=how == "ring")
        script.stop(0.1 if how in ("BUSY", "CHANUNAVAIL") else length, how if how.isupper() else "NOANSWER")
    match plan.last:
        case "answer":
            script.dial("PJSIP/104", "PJSIP/105")
            script.answer(plan.wait)
        case "give up":
            script.dial("PJSIP/104")
            script.give_up(plan.wait)
        case "voicemail":
            if plan.queue:
                script.leave_queue()
            script.voicemail(plan.message)
        case "menu":
            script.end_by_caller(plan.wait)
        case _:
            script.hang_up(plan.wait)
    return script


def heard(plan: Plan, gap: tuple[float, float] | None = None, from_the_start: bool = True) -> list[dict[str, Any]]:
    script = written(plan)
    script.play(gap)
    connections = [bytes(data) for data in script.exchange.connections]
    replay = replayed(*(connections if from_the_start else connections[1:]))
    assert left(replay) == (0, 0, 0, 0, 0)
    return replay.calls()


LESS = {"unknown", None}
VOICEMAIL = {"voicemail_message", "voicemail_no_message"}


def wrong(told: dict[str, Any], true: dict[str, Any]) -> list[Any]:
    """What is told after a gap and is not true."""
    found: list[Any] = []
    for standard, verdict in true["verdicts"].items():
        said = told["verdicts"].get(standard)
        if said not in (verdict, "unknown"):
            found.append((standard, said, verdict, told["reasons"].get(standard)))
    outcome = told["outcome"]
    fits = outcome in (true["outcome"], "unknown") or (outcome == "voicemail" and true["outcome"] in VOICEMAIL)
    if not fits:
        found.append(("outcome", outcome, true["outcome"]))
    if told["rings"] not in (true["rings"], None):
        found.append(("rings", told["rings"], true["rings"]))
    if told["answered_by"] not in (true["answered_by"], None):
        found.append(("answered_by", told["answered_by"], true["answered_by"]))
    if told["answered"] not in (true["answered"], None):
        found.append(("answered", told["answered"], true["answered"]))
    if told["language"] not in (true["language"], None):
        found.append(("language", told["language"], true["language"]))
    return found


@effort(max_examples=250, deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([0.5, 1.5, 4.0, 10.0, 30.0, 90.0]))
def test_after_a_gap_nothing_is_told_that_the_whole_call_denies(plan: Plan, start: int, length: float) -> None:
    (true,) = heard(plan)
    begun = start / 10 + 0.05
    calls = heard(plan, (begun, begun + length))
    assert [(call["call"], wrong(call, true)) for call in calls] == [(true["call"], [])]


@effort(max_examples=250, deadline=None)
@given(plan=plans, start=st.integers(0, 900))
def test_a_call_joined_in_the_middle_is_told_as_it_was_or_less(plan: Plan, start: int) -> None:
    (true,) = heard(plan)
    begun = start / 10 + 0.05
    calls = heard(plan, (-1.0, begun), from_the_start=False)
    assert [wrong(call, true) for call in calls] in ([], [[]])
