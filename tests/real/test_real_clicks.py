"""Callbacks by click-to-dial on a real Asterisk: each layout is seen, timed and paid; near misses are not."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callmon.core.verdicts import Gap
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls
from callmon.store.rejudge import counter_differences
from tests.lab.clicks import LAYOUTS, OLD_LAYOUTS
from tests.lab.exchange import Asterisk
from tests.lab.listener import Event, Listener, value
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.play import Playing, number, play
from tests.lab.site import BOXES, PHONES_ADDED, PHONES_OF_CHAN_SIP
from tests.lab.situations_clicked import clicked
from tests.lab.truths import BUSY, GENERAL
from tests.real.test_real_callbacks import LONG_ENOUGH, at, leaves, listed
from tests.real.test_real_exchange import until
from tests.support.daemon_process import Callmon

pytestmark = pytest.mark.lab

SPEAKS = (Step(0, "speak", "9"),)  # long enough for Local channels to be optimised away
PICKS_UP = Phone(answers=2, steps=SPEAKS)
TALKS_FOR_A_MINUTE = (*SPEAKS, Step(60, "hang_up"))
TALKS_LONG, TALKS_SHORTLY = (*SPEAKS, Step(14, "hang_up")), (*SPEAKS, Step(4, "hang_up"))
# What the agent does, what the person outside does, and the state and attempts that it must come to. An attempt is
# an answer, or four rings: a busy line is none.
ENDINGS: dict[str, tuple[Phone, Phone, tuple[str, int]]] = {
    "answered": (PICKS_UP, Phone(answers=3, steps=TALKS_LONG), ("paid", 0)),
    "answered, too short": (PICKS_UP, Phone(answers=3, steps=TALKS_SHORTLY), ("open", 1)),
    "answered for a minute": (
        PICKS_UP,
        Phone(answers=3, steps=TALKS_FOR_A_MINUTE),
        ("paid", 0),
    ),
    "busy": (PICKS_UP, BUSY, ("open", 0)),
    "unanswered": (Phone(answers=2, steps=(Step(27, "hang_up"),)), Phone(), ("open", 1)),
    "not picked up": (Phone(), Phone(answers=2), ("open", 0)),
}
KILLS, SEED = 4, 11
AT_ONCE = timedelta(seconds=0.5)  # an exchange that is not busy joins two channels within milliseconds
NEAR_MISS, RUNG_FIRST = "none", "the person rung first"
# If a gap hides the dial: a listing does not have the number, or, once the Local channels are optimised away, not
# that the exchange rang the agent first.
UNLISTED = (
    *("phone_to_application", "local_to_application", "number_in_variable"),
    *("local_optimised", "both_optimised", "chains_optimised"),
)


@dataclass(frozen=True)
class ClickedCallback:
    """A person who waits, and what an agent does about it."""

    place: int
    layout: str
    ending: str
    situation: Situation
    expect: tuple[str, int]

    @property
    def number(self) -> str:
        return number(2 * self.place)


def callbacks(
    layouts: Iterable[str], endings: Iterable[str], phones: Iterator[str], begins: float, first: int = 0
) -> list[ClickedCallback]:
    made: list[ClickedCallback] = []
    for layout in layouts:
        for ending in endings:
            agent, far, expect = ENDINGS[ending]
            place = first + len(made)
            at = begins + 0.4 * len(made)
            dials = f"9{number(2 * place)}"
            situation = clicked(f"{layout} {ending}", next(phones), dials, layout, agent, {"outside": far}, {}, at)
            made.append(ClickedCallback(place, layout, ending, situation, expect))
    return made


def near_misses(phones: Iterator[str], begins: float, first: int) -> list[ClickedCallback]:
    """The person outside is on the line for long enough, and nobody clicked. One of these is a callback."""
    talks = Phone(answers=2, steps=TALKS_LONG)
    said = [f"9{number(2 * (first + n))}" for n in range(5)]
    one, two, three, four = (next(phones) for _ in range(4))
    public = [
        LabCaller(GENERAL, route=f"lab-only,{phone},1", steps=(Step(22, "hang_up"),), withheld=True)
        for phone in (two, three, four)
    ]
    far = [{f"{dials.removeprefix('9')} from anybody": talks} for dials in said]
    ends = Step(3, "hang_up", when=f"{said[3].removeprefix('9')} answers")
    asks = Phone(answers=2, steps=(Step(2, "desk", f"Atxfer {said[3]}"), ends))
    sends_on = Phone(answers=2, steps=(Step(2, "desk", f"BlindTransfer {said[4]}"),))
    situations = {
        "the agent's voicemail": clicked(
            "voicemail", BOXES[0], said[0], "local", BUSY, {"outside": talks}, {}, begins
        ),
        RUNG_FIRST: clicked(
            "person_first", one, said[1], "person_first", PICKS_UP, far[1], {}, begins
        ),
        "another's call, forwarded": Situation(
            "forwarded", public[0], {two: Phone(forwards_to=said[2], refuses_at=1), **far[2]}, begins=begins
        ),
        "another's call, asked and handed on": Situation(
            "handed_on", public[1], {three: asks, **far[3]}, begins=begins
        ),
        "another's call, sent on": Situation(
            "sent_on", public[2], {four: sends_on, **far[4]}, begins=begins
        ),
    }  # fmt: skip
    return [
        ClickedCallback(first + n, NEAR_MISS, ending, situation, ("paid" if ending == RUNG_FIRST else "open", 0))
        for n, (ending, situation) in enumerate(situations.items())
    ]


def wait_for_callbacks(exchange: Asterisk, callmon: Callmon, made: list[ClickedCallback]) -> None:
    """Each person leaves a message."""
    play(exchange, [leaves(f"message_{x.place}") for x in made])
    assert until(lambda: callmon.total("callmon_callbacks_open") == len(made))


def begun(heard: list[Event], dials: str) -> list[Event]:
    """The person's own telephone was dialled."""
    dialled = [event for event in heard if value(event, "Event") == "DialBegin"]
    far = [event for event in dialled if not (value(event, "DestChannel") or "").startswith("Local/")]
    return [event for event in far if dials in (value(event, "DialString") or "")]


def ends(heard: list[Event], dials: str) -> datetime | None:
    far = {value(event, "DestUniqueid") for event in begun(heard, dials)}
    gone = (e for e in heard if value(e, "Event") == "Hangup" and value(e, "Uniqueid") in far)
    return next((at(event) for event in gone), None)


def answers(heard: list[Event], dials: str) -> datetime | None:
    """When the person outside answered, as the witness heard it."""
    far = {value(event, "DestUniqueid") for event in begun(heard, dials)}
    found = (
        at(event) for event in heard
        if (value(event, "Event"), value(event, "DialStatus")) == ("DialEnd", "ANSWER")
        and value(event, "DestUniqueid") in far
    )  # fmt: skip
    return next(found, None)


def together(heard: list[Event], dials: str) -> datetime | None:
    """When an exchange that was slow had joined the person outside, who had answered, with a phone."""
    far = {value(event, "DestUniqueid") or "" for event in begun(heard, dials)}
    rooms: dict[str, str] = {}
    halves: dict[str, str] = {}
    has_answered = False
    for event in heard:
        own, one, two = (value(event, f"{of}Uniqueid") or "" for of in ("", "LocalOne", "LocalTwo"))
        match value(event, "Event"):
            case "LocalBridge":
                halves |= {one: two, two: one}
            case "BridgeEnter":
                rooms[own] = value(event, "BridgeUniqueid") or ""
            case "BridgeLeave":
                rooms.pop(own, None)
            case "DialEnd" if value(event, "DestUniqueid") in far:
                has_answered = has_answered or value(event, "DialStatus") == "ANSWER"
            case _:
                continue
        if has_answered and near(far, rooms, halves) - far - halves.keys():
            return at(event)
    return None


def near(channels: set[str], rooms: dict[str, str], halves: dict[str, str]) -> set[str]:
    """The channels whose voice reaches these: in one bridge, and through Local channels in the next."""
    found: set[str] = set()
    while more := channels - found:
        found |= more
        beside = {rooms[channel] for channel in more if channel in rooms}
        channels = {channel for channel, room in rooms.items() if room in beside}
        channels |= {halves[channel] for channel in more if channel in halves}
    return found


def talked_since(heard: list[Event], dials: str) -> datetime | None:
    """Since when the two could talk: the answer, or their join where a busy exchange took long for it."""
    answered, joined = answers(heard, dials), together(heard, dials)
    return answered if answered is None or joined is None or joined - answered <= AT_ONCE else joined


def stands(one: dict[str, Any]) -> tuple[str, int]:
    state = "paid" if one["state"] == "paid" else "open"
    return state, len(one["attempts"])


def table(
    made: Iterable[ClickedCallback], found: dict[str, tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{x.layout:22} {x.ending:38} {found.get(x.number)}" for x in made]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(rows) + "\n")


def test_a_click_to_dial_callback_settles_in_every_layout_and_only_it(
    exchange: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phones = iter([phone for phone in PHONES_ADDED if phone not in BOXES])
    made = callbacks(LAYOUTS, ENDINGS, phones, 8.0)
    if exchange.ports.chan_sip is not None:
        made += callbacks(OLD_LAYOUTS, ENDINGS, iter(PHONES_OF_CHAN_SIP), 8.0, len(made))
    made += near_misses(phones, 13.0, len(made))
    with (
        Listener(exchange.ami_port, "witness", exchange.secrets.witness) as witness,
        Callmon(tmp_path, exchange.ami_port, exchange.secret) as callmon,
    ):
        wait_for_callbacks(exchange, callmon, made)
        with Playing(exchange, [x.situation for x in made]) as playing:
            faults = [call.fault for call in playing.wait() if call.fault]
        paid = sum(x.expect[0] == "paid" for x in made)
        assert until(lambda: callmon.total("callmon_callbacks_open") == len(made) - paid)
        assert until(lambda: callmon.figure("callmon_calls_in_progress", line="general") in (None, 0.0))
        entries = {str(x["number"]).removeprefix("+1"): x for x in listed(callmon)}
        assert callmon.stop() == 0
        heard = witness.events()
    assert faults == []
    found = {name: stands(one) for name, one in entries.items()}
    table(made, found, capsys)
    assert {x.number: (x.layout, x.ending, found[x.number]) for x in made} == {
        x.number: (x.layout, x.ending, x.expect) for x in made
    }
    when = {x.number: answers(heard, x.number) for x in made}
    assert [x.ending for x in made if x.layout == NEAR_MISS and when[x.number] is None] == []
    by_click = [x for x in made if x.expect[0] == "paid" and x.layout != NEAR_MISS]
    settled = {x.number: moment(entries[x.number]["settled"]) for x in by_click}
    assert settled == {name: talked_since(heard, name) for name in settled}
    assert counter_differences(open_with_keys(callmon.settings())) == []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_kills_lose_no_received_callback_and_settle_no_unmade_one(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A callback may stay open only where a gap hid its talk, or a dial that no listing shows."""
    phones = iter([phone for phone in PHONES_ADDED if phone not in BOXES])
    made = callbacks(LAYOUTS, ("answered for a minute", "busy", "not picked up"), phones, 8.0)
    chance, callmon = random.Random(SEED), Callmon(tmp_path, asterisk.ami_port, asterisk.secret)
    with Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness, callmon:
        wait_for_callbacks(asterisk, callmon, made)
        with Playing(asterisk, [x.situation for x in made]) as playing:
            for _ in range(KILLS):
                time.sleep(chance.uniform(1.0, 4.0))
                callmon.kill()
                callmon.start()
            faults = [call.fault for call in playing.wait() if call.fault]
        assert until(lambda: callmon.figure("callmon_calls_in_progress", line="general") in (None, 0.0))
        time.sleep(1.5)
        assert callmon.stop() == 0
        heard = witness.events()
    assert faults == []
    store = open_with_keys(callmon.settings())
    gaps = calls.gaps(store, "toronto")
    entries = {str(x["number"]).removeprefix("+1"): stands(x)[0] for x in listed(callmon)}
    hidden = {x.number for x in made if x.expect[0] == "paid" and is_hidden(x, heard, gaps)}
    table(made, {name: (state, int(name in hidden)) for name, state in entries.items()}, capsys)
    wrong = [(x.layout, x.ending) for x in made if entries[x.number] != x.expect[0] and x.number not in hidden]
    assert wrong == []
    assert len(hidden) < len(LAYOUTS)
    assert counter_differences(store) == []
    store.close()


def is_hidden(one: ClickedCallback, heard: list[Event], gaps: list[Gap]) -> bool:
    """One gap hides all of the talk from its tenth second on, or a dial that no listing shows."""
    answered, ended = talked_since(heard, one.number), ends(heard, one.number)
    if answered is None or ended is None:
        return True
    enough = answered + LONG_ENOUGH
    if any(gap.start <= enough and ended <= gap.end for gap in gaps):
        return True
    dialled = min(at(event) for event in begun(heard, one.number))
    return one.layout in UNLISTED and any(gap.start <= dialled <= gap.end for gap in gaps)
