"""Messages to typed events: the traps of the wire, and no more fields than are used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.decoding import MAX_VALUE, event
from callmon.ami.events import instant
from callmon.ami.framing import Framer
from tests.support.examples import examples

TRACES = Path(__file__).parents[1] / "data" / "traces"


def message(name: str, **headers: str) -> bytes:
    lines = [f"Event: {name}", "Privilege: call,all", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join(lines).encode()


def test_a_dial_that_nobody_began_has_no_dialling_channel() -> None:
    """Uniqueid is not found inside DestUniqueid."""
    heard = event(message("DialEnd", DestChannel="PJSIP/101-1", DestUniqueid="1.2", DialStatus="ANSWER"))
    assert heard == e.DialEnd("", "", "PJSIP/101-1", "1.2", "ANSWER")


def test_a_stray_line_break_before_a_message_is_nothing() -> None:
    assert event(b"\r\n" + message("Shutdown", Timestamp="1.5")) == event(message("Shutdown", Timestamp="1.5"))


@pytest.mark.parametrize(
    ("application", "exten", "priority", "is_read"),
    [
        *(("VoiceMail", "s", "2", True), ("VoiceMailMain", "a", "1", True), ("VoiceMailPlayMsg", "s", "1", False)),
        *(
            ("Goto", "3", "1", True),
            ("Goto", "*2", "1", True),
            ("Goto", "t", "1", True),
            ("Goto", "3", "2", False),
        ),
        *(("Goto", "i", "1", False), ("Goto", "500", "1", False), ("Goto", "", "1", False)),
    ],
)
def test_of_a_dialplan_s_steps_those_of_voicemail_and_menus_are_read(
    application: str, exten: str, priority: str, is_read: bool
) -> None:
    step = {"Language": "en", "Context": "menu", "Exten": exten, "Priority": priority, "Uniqueid": "1.1"}
    heard = event(message("Newexten", **step, Application=application, AppData="500@default"))
    read = e.Newexten("", "en", "menu", exten, priority, "1.1", application, "500@default")
    assert heard == (read if is_read else None)


def test_the_answer_s_time_is_read_among_several_variables() -> None:
    data = message("Status", Channel="PJSIP/101-1", Uniqueid="1.2", Application="AppDial")
    data += b"\r\nVariable: LINE=general\r\nVariable: CDR(answer,u)=1795529639.584487"
    heard = event(data)
    assert isinstance(heard, e.Status)
    assert (heard.answered, heard.application) == ("1795529639.584487", "AppDial")


def test_fields_out_of_their_usual_order_are_found() -> None:
    heard = event(message("Hangup", Cause="17", Uniqueid="1.1", Exten="s", Context="ring", Language="fr"))
    assert heard == e.Hangup("", "fr", "ring", "s", "1.1", "17")


def test_odd_bytes_in_a_name_are_replaced_and_change_nothing_else() -> None:
    data = message("Newchannel", Channel="PJSIP/t-1", ChannelState="4", CallerIDNum="4165550101")
    data += b"\r\nCallerIDName: Zo\xe9\0\r\nLanguage: fr\r\nExten: s\r\nUniqueid: 1.1\r\nLinkedid: 1.1"
    name = "Zo\ufffd\ufffd"
    assert event(data) == e.Newchannel("", "PJSIP/t-1", "4", "4165550101", name, "fr", "", "s", "1.1", "1.1")


def test_an_accent_is_read_whole() -> None:
    heard = event(message("Newchannel", CallerIDName="Zoé", Uniqueid="1.1"))
    assert isinstance(heard, e.Newchannel)
    assert heard.caller_name == "Zoé"


def test_a_name_without_end_is_cut() -> None:
    heard = event(message("QueueCallerLeave", Uniqueid="1.1", Queue="x" * 10_000))
    assert heard == e.QueueCallerLeave("", "1.1", "x" * MAX_VALUE)


@given(micros=st.integers(int(e.EARLIEST.timestamp()) * 1_000_000, 4_000_000_000_000_000))
def test_every_microsecond_is_read_as_itself(micros: int) -> None:
    text = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
    reported = instant(text)
    assert reported is not None
    assert round(reported.timestamp() * 1_000_000) == micros


@effort(max_examples=examples(300))
@given(data=st.one_of(st.binary(), st.binary().map(lambda tail: b"Event: Newchannel\r\n" + tail)))
def test_no_bytes_raise(data: bytes) -> None:
    event(data)


@pytest.mark.parametrize("name", ["vm_message", "ami_connect_midcall", "attended_sip", "queue_second_member"])
def test_every_event_of_a_recording_has_the_fields_that_it_bears(name: str) -> None:
    """A plain reading of each message gives the same values as the quick one."""
    for data in Framer().receive((TRACES / name / "ami.raw").read_bytes()):
        heard = event(data)
        if not isinstance(heard, e.Event):
            continue
        plain: dict[str, str] = {}
        for line in data.lstrip(b"\r\n").decode().split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            plain.setdefault(key, value)
        fields = [field for field in heard.__struct_fields__ if field != "stamp"]
        for field, header in zip(fields, e.FIELDS[type(heard)], strict=True):
            if not header.startswith("Variable"):
                assert getattr(heard, field) == plain.get(header, "")
        assert heard.at == instant(plain.get("Timestamp", ""))


def test_names_of_events_that_nobody_uses_take_no_memory_for_ever() -> None:
    for number in range(3000):
        assert event(message(f"Invented{number}")) is None
    assert len(decoding._beginnings) <= decoding.MAX_BEGINNINGS


# Layouts.


def reported(name: str, headers: list[tuple[str, str]]) -> bytes:
    return "\r\n".join([f"Event: {name}", *(f"{key}: {value}" for key, value in headers)]).encode()


def read_once(data: bytes) -> e.Event:
    """By a reader that has learned nothing yet."""
    return decoding._reader(e.DialEnd, e.FIELDS[e.DialEnd])(data)


VALUES = st.text(st.sampled_from("a1: \n\0é\r-"), max_size=6).filter(lambda text: "\r\n" not in text)
DIAL_END = [
    "Timestamp",
    "Channel",
    "Uniqueid",
    "DestChannel",
    "DestUniqueid",
    "DialStatus",
    "Forward",
    "ChanVariable(x)",
]


@effort(max_examples=examples(400))
@given(
    data=st.data(),
    names=st.lists(
        st.permutations(DIAL_END).flatmap(lambda order: st.integers(0, len(order)).map(lambda n: order[:n])),
        min_size=2,
        max_size=6,
    ),
)
def test_what_was_received_before_changes_no_reading(data: st.DataObject, names: list[list[str]]) -> None:
    """Whatever layouts a reader has learned, it reads a message as one that knows none."""
    reader = decoding._reader(e.DialEnd, e.FIELDS[e.DialEnd])
    for headers in names:
        times = st.sampled_from(["1795527733.217087", "1795527733", "noon", ""])
        message = reported("DialEnd", [(n, data.draw(times if n == "Timestamp" else VALUES)) for n in headers])
        assert reader(message) == read_once(message)
        assert reader(message) == read_once(message)
