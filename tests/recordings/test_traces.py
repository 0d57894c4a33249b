"""29 recordings of a real Asterisk: what callmon concludes is what really happened.

`ami.raw` was heard by a user that reads all, `ami-callmon.raw` by one that reads what callmon asks for;
`ami-2.raw` is the connection after a cut.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.tools.replay import Replay, replayed_lines
from tests.support.ami_builders import BANNER, left, listener, replayed
from tests.support.examples import examples

TRACES = Path(__file__).parents[1] / "data" / "traces"
NAMES = sorted(path.name for path in TRACES.iterdir())
# The example configuration lists no staff and no survey: two standards give no verdicts.
ENABLED = ["answer_by_third_ring", "one_transfer_at_most", "reach_a_person", "voicemail_after_fourth_ring"]
END = b"\r\n\r\n"
quick = effort(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))


@lru_cache
def recording(name: str, kind: str = "ami") -> tuple[bytes, ...]:
    """The connections of one recording."""
    folder = TRACES / name
    files = [folder / ("ami.raw" if kind == "ami" else "ami-callmon.raw")]
    if kind == "ami" and (folder / "ami-2.raw").exists():
        files.append(folder / "ami-2.raw")
    return tuple(file.read_bytes() for file in files)


@lru_cache
def concluded(name: str, kind: str = "ami") -> tuple[dict[str, Any], ...]:
    return tuple(replayed(*recording(name, kind)).calls())


def truth(name: str) -> list[dict[str, Any]]:
    said = json.loads((TRACES / name / "truth.json").read_text())
    return said.get("calls") or [said]


OUTCOMES = {
    "voicemail_hangup": "voicemail_no_message",
    "callback_answered": "answered",
    "callback_busy": "busy",
    "callback_unanswered": "no_answer",
}
LINES = {"tollfree": "general-toll-free", "tty-tollfree": "tty-toll-free"}


# It begins when phones ring already. What callmon receives has no time before the listing.
FOUND_RINGING = "ami_connect_midcall"
CERTAIN_RINGS = {"ami": (None, 2), "ami-callmon": (None, None)}


def expected(said: dict[str, Any], by_key: bool = False) -> dict[str, Any]:
    """The truth in callmon's own words (the mapping at the end of interface.md).

    Asterisk says English from the start: that it was chosen is shown only by the key, which CEL has (`by_key`).
    """
    line, by, outcome = said["line"], said["answered_by"], said["outcome"]
    direction = line if line in ("outbound", "internal") else "inbound"
    return {
        "direction": direction,
        "line": LINES.get(line, line) if direction == "inbound" else None,
        "outcome": OUTCOMES.get(outcome, outcome),
        "rings": said["rings_before_answer"] or None,
        "answered_by": "outside" if direction == "outbound" and by else by,
        "language": said["language"] if by_key or said["language"] != "en" else None,
        "mailbox": said.get("mailbox"),
        "transfers": said["transfers"],
        "forwards": said["forwards"],
        "parked": said.get("parked", 0),
    }


def concluding(call: dict[str, Any]) -> dict[str, Any]:
    return {
        "direction": call["direction"],
        "line": call["line"],
        "outcome": call["outcome"],
        "rings": call["rings"],
        "answered_by": call["answered_by"] and call["answered_by"]["extension"],
        "language": call["language"],
        "mailbox": call["voicemail"] and call["voicemail"]["mailbox"],
        "transfers": len(call["transfers"]),
        "forwards": call["forwards"],
        "parked": call["parked"],
    }


@pytest.mark.parametrize("kind", ["ami", "ami-callmon"])
@pytest.mark.parametrize("name", NAMES)
def test_replay_agrees_with_what_really_happened(name: str, kind: str) -> None:
    calls = concluded(name, kind)
    wanted = [expected(said) for said in truth(name)]
    if name == FOUND_RINGING:
        wanted = [call | {"rings": rings} for call, rings in zip(wanted, CERTAIN_RINGS[kind], strict=True)]
    assert [concluding(call) for call in calls] == wanted


@pytest.mark.parametrize("kind", ["ami", "ami-callmon"])
@pytest.mark.parametrize("name", NAMES)
def test_callers_and_holds_are_those_of_the_truth(name: str, kind: str) -> None:
    for call, said in zip(concluded(name, kind), truth(name), strict=False):
        if "holds" in said:
            assert call["holds"] == said["holds"]
        if "caller" in said:
            assert call["caller"] == (said["caller"] and "+1" + said["caller"])
        if "messages" in said:
            assert call["voicemail"]["message"] == (said["messages"] > 0)


@pytest.mark.parametrize("kind", ["ami", "ami-callmon"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_remembered_of_calls_that_ended(name: str, kind: str) -> None:
    assert left(replayed(*recording(name, kind))) == (0, 0, 0, 0)


def test_a_caller_who_leaves_the_queue_by_hanging_up_abandons_it_there() -> None:
    assert [call["abandoned_in"] for call in concluded("queue_abandon")] == ["queue"]


@pytest.mark.parametrize("name", NAMES)
def test_every_inbound_call_on_a_line_has_a_verdict_of_each_standard(name: str) -> None:
    replay = replayed(*recording(name))
    for call in replay.calls():
        given = sorted(finding.standard for finding in replay.findings.get(call["call"], []))
        on_a_line = call["direction"] == "inbound" and call["line"] is not None
        assert given == (ENABLED if on_a_line else [])


@pytest.mark.parametrize("name", NAMES)
def test_replaying_twice_gives_the_same_bytes(name: str) -> None:
    def printed() -> str:
        replay = Replay(listener(), "toronto")
        sources = [(TRACES / name / "ami.raw").open("rb")]
        text = "\n".join(replayed_lines(replay, sources))
        for source in sources:
            source.close()
        return text + json.dumps(replay.calls())

    assert printed() == printed()


# Cuts, losses, disorder.


def verdicts(calls: list[dict[str, Any]] | tuple[dict[str, Any], ...]) -> dict[tuple[str, str], str]:
    return {(call["call"], name): word for call in calls for name, word in call["verdicts"].items()}


def contradicted(early: list[dict[str, Any]], whole: tuple[dict[str, Any], ...]) -> list[Any]:
    """Verdicts of the cut recording that the whole one denies."""
    final = verdicts(whole)
    return [
        (key, word, final.get(key))
        for key, word in verdicts(early).items()
        if word != "unknown" and final.get(key) not in (None, "unknown", word)
    ]


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_no_prefix_raises_or_gives_a_verdict_that_the_whole_denies(name: str, data: st.DataObject) -> None:
    stem = data.draw(st.sampled_from(["ami", "ami-callmon"]))
    whole = recording(name, stem)
    cut = data.draw(st.integers(0, len(whole[0])))
    assert contradicted(replayed(whole[0][:cut]).calls(), concluded(name, stem)) == []


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_no_suffix_raises(name: str, data: st.DataObject) -> None:
    whole = recording(name, "ami-callmon")[0]
    cut = data.draw(st.integers(0, len(whole)))
    replayed(whole[cut:]).calls()
    replayed(BANNER + whole[cut:]).calls()


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_a_recording_cut_and_taken_up_again_never_contradicts_the_whole(name: str, data: st.DataObject) -> None:
    """The exchange was unheard between two connections, and no listing came."""
    whole = recording(name, "ami-callmon")[0]
    first = data.draw(st.integers(0, len(whole)))
    second = data.draw(st.integers(first, len(whole)))
    calls = replayed(whole[:first], BANNER + whole[second:]).calls()
    assert contradicted(calls, concluded(name, "ami-callmon")) == []


@pytest.mark.parametrize("name", NAMES)
@quick
@given(seed=st.integers(0, 2**32), kept=st.floats(0.5, 0.99))
def test_lost_messages_never_raise(name: str, seed: int, kept: float) -> None:
    draw = random.Random(seed)
    messages = recording(name, "ami-callmon")[0].split(END)
    replayed(END.join(message for message in messages if draw.random() < kept)).calls()


def _stamp(message: bytes) -> float | None:
    found = re.search(rb"\r\nTimestamp: ([\d.]+)", message)
    return float(found[1]) if found else None


def _variants(messages: list[bytes], draw: random.Random) -> Iterator[bytes]:
    """Neighbours within a millisecond may come in another order, where asterisk.md says that it varies:

    DialState among forks; a phone's Newstate Ringing and its DialBegin; a Cdr and a Hangup; the caller's and
    the phone's Hangup; Pickup and DialEnd ANSWER; losers' Hangups and the winner's ANSWER.
    """
    out = list(messages)
    for _ in range(3):
        for at in range(1, len(out) - 1):
            one, two = _stamp(out[at]), _stamp(out[at + 1])
            if one is None or two is None or abs(two - one) > 0.001:
                continue
            if _may_swap(out[at], out[at + 1]) and draw.random() < 0.5:
                out[at], out[at + 1] = out[at + 1], out[at]
    yield from out


def _header(message: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?:^|\r\n)" + name + rb": ([^\r]*)", message)
    return found[1] if found else b""


def _may_swap(one: bytes, two: bytes) -> bool:
    names = frozenset((_header(one, b"Event"), _header(two, b"Event")))
    if names == {b"DialState"}:
        return _header(one, b"DestUniqueid") != _header(two, b"DestUniqueid")
    if names == {b"Newstate", b"DialBegin"} or names == {b"Newstate", b"DialState"}:
        return b"\r\nChannelStateDesc: Ringing" in one + two
    if names == {b"Hangup"}:
        return True
    if b"Cdr" in names:
        return True
    if names == {b"Hangup", b"DialEnd"}:
        other = {_header(m, b"Uniqueid") for m in (one, two) if _header(m, b"Event") == b"Hangup"}
        dest = {_header(m, b"DestUniqueid") for m in (one, two) if _header(m, b"Event") == b"DialEnd"}
        return other != dest
    return names == {b"Pickup", b"DialEnd"}


@pytest.mark.parametrize("name", NAMES)
@quick
@given(seed=st.integers(0, 2**32))
def test_the_order_that_varies_on_a_real_exchange_changes_no_conclusion(name: str, seed: int) -> None:
    whole = recording(name, "ami-callmon")
    mixed = [END.join(_variants(data.split(END), random.Random(seed))) for data in whole]
    calls = replayed(*mixed).calls()
    assert [concluding(call) for call in calls] == [concluding(call) for call in concluded(name, "ami-callmon")]
    assert verdicts(calls) == verdicts(concluded(name, "ami-callmon"))


# Two calls at once.


def _shifted(data: bytes, by: int) -> bytes:
    """The same recording `by` seconds later, with ids of its own."""

    def later(found: re.Match[bytes]) -> bytes:
        return str(int(found[0]) + by).encode()

    return re.sub(rb"(?<!\d)179552\d{4}(?!\d)", later, data)


def _merged(one: bytes, two: bytes) -> bytes:
    """Two recordings' messages in order of their Timestamps (the banner and the login are the first's)."""
    stamped: list[tuple[float, int, bytes]] = []
    for data in (one, two):
        clock = 0.0
        for message in data.split(END)[:-1]:
            clock = _stamp(message) or clock
            if clock:
                stamped.append((clock, len(stamped), message))
    stamped.sort(key=lambda item: item[0])
    return BANNER + END.join(message for _, _, message in stamped) + END


PLAIN = [
    "abandon_at_once", "anonymous_answered", "answered_ring2", "answered_ring4", "busy_all", "hold_unhold",
    "hunt_voicemail", "menu_english", "queue_abandon", "queue_second_member", "tollfree_answered", "tty_answered",
    "tty_voicemail", "vm_hangup_greeting", "vm_message", "callback_answered", "internal_call",
]  # fmt: skip


@effort(max_examples=examples(60), deadline=None)
@given(one=st.sampled_from(PLAIN), two=st.sampled_from(PLAIN), late=st.integers(0, 20))
def test_calls_at_the_same_time_are_reported_as_if_each_were_alone(one: str, two: str, late: int) -> None:
    # A colleague rung by a phone that holds a caller is a consultation: a leg of that call, none of its own.
    assume({one, two} not in ({"hold_unhold", "internal_call"}, {"hold_unhold", "callback_answered"}))
    first, second = recording(one, "ami-callmon")[0], recording(two, "ami-callmon")[0]
    begun = [next(stamp for m in data.split(END) if (stamp := _stamp(m))) for data in (first, second)]
    moved = _shifted(second, int(begun[0] - begun[1]) + late).replace(b"Uniqueid: lab-", b"Uniqueid: two-")
    moved = moved.replace(b"Linkedid: lab-", b"Linkedid: two-")
    alone = [concluding(call) for call in (*concluded(one, "ami-callmon"), *concluded(two, "ami-callmon"))]
    together = [concluding(call) for call in replayed(_merged(first, moved)).calls()]
    assert sorted(map(str, together)) == sorted(map(str, alone))


# No Timestamps.


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("ami_")])
def test_without_timestamps_times_are_null_and_who_answered_is_still_known(name: str) -> None:
    bare = [re.sub(rb"Timestamp: [\d.]+\r\n", b"", data) for data in recording(name)]
    calls = replayed(*bare).calls()
    whole = concluded(name)
    assert [(c["call"], c["outcome"], c["answered_by"]) for c in calls] == [
        (c["call"], c["outcome"], c["answered_by"]) for c in whole
    ]
    for call in calls:
        times = ("arrived", "ringing", "answered", "ended", "wait_seconds", "rings")
        assert [call[key] for key in times] == [None] * 6
    assert contradicted(calls, whole) == []
    timed = [c["verdicts"]["answer_by_third_ring"] for c in calls if c["line"] and c["outcome"] == "answered"]
    assert timed == ["unknown"] * len(timed)
