"""Recordings without the people in them; the flight recorder; recording to a file."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from callmon.ami import flight_recorder
from callmon.ami.flight_recorder import FlightRecorder
from callmon.ami.framing import END
from callmon.ami.recording import Redactor, public_numbers, redacted
from callmon.config import settings
from callmon.core.monitor import Monitor
from callmon.errors import ConfigError
from callmon.store.privacy.dated_files import expired
from callmon.tools.record import Recorded, Redacting, Verbatim, record
from callmon.tools.replay import Replay
from tests.support.examples import examples

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").rglob("*.ami"))
SHARED = sorted((Path(__file__).parents[1] / "data" / "traces").glob("*/*.raw"))
EXAMPLE = settings.example()
KEEP = public_numbers(EXAMPLE.lines())
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
# Made up, but shaped like real ones: they stand for what must not be in a file.
CALLER, OTHER = "6132345678", "2052345678"


def text(message: str, keep: frozenset[str] = KEEP) -> str:
    wire = message.strip().replace("\n", "\r\n").encode()
    return Redactor(keep).message(wire).decode().replace("\r\n", "\n")


def whole(data: bytes, keep: frozenset[str] = KEEP) -> bytes:
    return b"".join(redacted([data], keep))


def concluded(data: bytes) -> list[dict[str, object]]:
    replay = Replay(Monitor(EXAMPLE, "toronto", every_call=True, token=str), "toronto")
    for _ in replay.connection([data]):
        pass
    return replay.calls()


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("6132345678", "4165550100"),
        ("16132345678", "14165550100"),
        ("+16132345678", "+14165550100"),
        ("96132345678", "94165550100"),
        ("916132345678", "914165550100"),
        ("01116132345678", "01114165550100"),
        ("901116132345678", "901114165550100"),
        ("PJSIP/6132345678@trunk,30", "PJSIP/4165550100@trunk,30"),
        ("Local/6132345678@from-internal-0000001b;1", "Local/4165550100@from-internal-0000001b;1"),
        ("DAHDI/i1/6132345678-1a", "DAHDI/i1/4165550100-1a"),
        ("613 234-5678", "416 555-0100"),
        ("(613) 234-5678", "(416) 555-0100"),
        ("tel:+16132345678", "tel:+14165550100"),
        ("sip:6132345678", "sip:4165550100"),
        ("2345678", "5550100"),
        ("92345678", "95550100"),
        ("+33123456789", "+14165550100"),
        ("01133123456789", "01114165550100"),
        ("5552345678", "0005550100"),  # no number anywhere, nor is its stand-in
        ("1234567896132345678", "0000000004165550100"),
        ("4163272422", "4163272422"),
        ("94163272422", "94163272422"),
        ("+18002677329", "+18002677329"),
        ("4165550177", "4165550177"),
        ("101", "101"),
        ("*72", "*72"),
        ("<unknown>", "<unknown>"),
        ("anonymous", "anonymous"),
    ],
)
def test_a_number_anywhere_becomes_one_of_fiction_behind_its_own_prefix(value: str, becomes: str) -> None:
    assert text(f"Event: Newexten\nAppData: {value}") == f"Event: Newexten\nAppData: {becomes}"


def test_a_number_in_the_name_of_a_header_is_redacted_too() -> None:
    assert text("6132345678: 6132345678") == "4165550100: 4165550100"


def test_the_same_number_has_the_same_stand_in_however_it_is_written() -> None:
    said = text(f"Exten: 9{CALLER}\nCallerIDNum: {OTHER}\nDNID: +1{CALLER}\nDestExten: 1{OTHER}")
    assert said == "Exten: 94165550100\nCallerIDNum: 4165550101\nDNID: +14165550100\nDestExten: 14165550101"


def test_a_thousand_callers_have_a_thousand_stand_ins() -> None:
    redactor = Redactor(KEEP)
    given = {redactor.message(f"CallerIDNum: 613234{n:04}".encode()) for n in range(1000)}
    assert len(given) == 1000


def test_a_stand_in_is_not_given_to_two_when_one_of_fiction_comes_later() -> None:
    said = text(f"CallerIDNum: {CALLER}\nConnectedLineNum: 4165550100")
    assert said == "CallerIDNum: 4165550100\nConnectedLineNum: 4165550101"


def test_forgetting_gives_everybody_a_new_stand_in() -> None:
    redactor = Redactor()
    first = redactor.message(b"CallerIDNum: 6132345678\r\nCallerIDName: Zo\xc3\xa9")
    redactor.message(b"CallerIDNum: 2052345678\r\nCallerIDName: Max")
    redactor.reset()
    again = redactor.message(b"CallerIDNum: 2052345678\r\nCallerIDName: Max")
    assert (first, again) == (b"CallerIDNum: 4165550100\r\nCallerIDName: Name 1",) * 2


@pytest.mark.parametrize(
    "line",
    [
        "Uniqueid: lab-1795528013.0",
        "DestLinkedid: 1795528013.123",
        "Timestamp: 1795527733.217087",
        "LoginTime: 1795528012",
        "EventTime: 2026-11-24 13:47:06",
        "StartTime: 2026-11-24T13:47:06.123456Z",
        "CoreStartupDate: 2026-11-24",
        "HoldTime: 24",
        "LastCall: 0",
        "BridgeUniqueid: 4a70edc5-f253-4d8d-905d-287655115000",
        "Variable: CDR(answer,u)=1795529613.223856",
        "Value: PJSIP/trunk-00000012",
        "CallID: [C-00000003]",
        "SessionID: 0x7f5630004012",
        "RemoteAddress: IPV4/TCP/127.0.0.1/44128",
        "CoreStartupTime: 14:13:22",
        "UsingPassword: 0",
        "Privilege: call,all",
    ],
)
def test_ids_and_times_stay(line: str) -> None:
    assert text(line) == line


def test_an_id_that_someone_made_of_a_telephone_number_does_not_stay() -> None:
    assert text("Uniqueid: call-6132345678\nLinkedid: call-6132345678") == (
        "Uniqueid: call-4165550100\nLinkedid: call-4165550100"
    )


# --- names, addresses, secrets --------------------------------------------------------------------


def test_names_are_numbered_also_where_other_values_repeat_them() -> None:
    said = text(
        "Event: VarSet\nCallerIDName: Zoé Tremblay\nConnectedLineName: Agent 101"
        '\nAppData: CALLERID(name)=Zoé Tremblay\nValue: "Zoé Tremblay" <6132345678>'
        "\nExtra: for Zoé Tremblay, by Agent 101"
    )
    assert said == (
        "Event: VarSet\nCallerIDName: Name 1\nConnectedLineName: Name 2\nAppData: CALLERID(name)=Name 1"
        '\nValue: "Name 1" <4165550100>\nExtra: for Name 1, by Name 2'
    )


@pytest.mark.parametrize("nobody", ["", "<unknown>", "Anonymous", "Anonyme", "Private", "Unavailable", "101"])
def test_a_name_that_says_nothing_stays(nobody: str) -> None:
    assert text(f"CallerIDName: {nobody}") == f"CallerIDName: {nobody}".strip()


def test_a_number_as_a_name_is_redacted_as_a_number() -> None:
    assert (
        text("CallerIDNum: 6132345678\nCallerIDName: 6132345678")
        == "CallerIDNum: 4165550100\nCallerIDName: 4165550100"
    )


def test_a_variable_that_holds_a_name_or_a_secret_is_treated_as_one() -> None:
    assert text("Variable: VM_CIDNAME\nValue: Zoé") == "Variable: VM_CIDNAME\nValue: Name 1"
    assert text("Variable: CALLERID(name)\nValue: Zoé") == "Variable: CALLERID(name)\nValue: Name 1"
    assert text("Variable: CALLERID(all)\nValue: Zoé <101>") == "Variable: CALLERID(all)\nValue: Name 1 <101>"
    assert text("Variable: AST_CONFIG(manager.conf,x,secret)\nValue: hunter2") == (
        "Variable: AST_CONFIG(manager.conf,x,secret)\nValue: removed"
    )
    assert text("Variable: MY_PASSWORD=hunter2") == "Variable: MY_PASSWORD=removed"


@pytest.mark.parametrize("header", ["Secret", "Key", "Password", "ReceivedHash", "ExpectedResponse", "MD5Secret"])
def test_a_secret_is_removed(header: str) -> None:
    assert text(f"Event: X\n{header}: hunter2") == f"Event: X\n{header}: removed"


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("zoe.tremblay@ontario.ca", "person-1@example.org"),
        ("sip:101@10.1.2.3:5060", "sip:101@192.0.2.1:5060"),
        ("sip:101@pbx.ontario.ca;transport=tls", "sip:101@host-1.example;transport=tls"),
        ("sip:zoe.tremblay@pbx.ontario.ca", "sip:person-1@host-1.example"),
        ("sip:6132345678@carrier.ca", "sip:4165550100@host-1.example"),
        ("IPV4/UDP/10.1.2.3/5060", "IPV4/UDP/192.0.2.1/5060"),
        ("sip:101@[2001:410:1::7]:5060", "sip:101@[2001:db8:0:0:0:0:0:1]:5060"),
        ("2001:410:1:0:0:0:0:7", "2001:db8:0:0:0:0:0:1"),
        ("2001:410:1::7 ::1", "2001:db8:0:0:0:0:0:1 ::1"),
        ("500@default", "500@default"),
        ("104@internal", "104@internal"),
    ],
)
def test_addresses_become_those_of_documentation(value: str, becomes: str) -> None:
    assert text(f"URI: {value}") == f"URI: {becomes}"


# --- streams --------------------------------------------------------------------------------------

PIECES = (
    *(b"\r\n", END, b"Event: Newchannel", b"CallerIDNum: ", b"CallerIDName: ", b"6132345678", b"4165550100"),
    *(b"Zo\xc3\xa9", b"\xff\x00", b"+", b"9", b"011", b"Secret: ", b"sip:", b"@", b"a.b", b":", b" ", b'"'),
    *(b"<", b">", b"Name 1", b"Uniqueid: ", b"1795528013.0", b"Value: ", b"Variable: X=", b"=", b"-00000001"),
    *(b"2.3.4.5", b"(name)"),
)
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


@given(HOSTILE)
def test_redacting_twice_is_redacting_once(data: bytes) -> None:
    once = whole(BANNER + data)
    assert whole(once) == once


@given(HOSTILE)
def test_no_number_and_no_secret_is_left(data: bytes) -> None:
    assert b"6132345678" not in whole(data)


@given(st.data())
@hypothesis_settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_split_of_the_bytes_is_redacted_to_the_same_bytes(data: st.DataObject) -> None:
    reported = RECORDINGS[data.draw(st.integers(0, len(RECORDINGS) - 1))].read_bytes()[:20_000]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reported)), max_size=12)))
    pieces = [reported[a:b] for a, b in zip([0, *cuts], [*cuts, len(reported)], strict=True)]
    assert b"".join(redacted(pieces, KEEP)) == whole(reported)


def test_the_framing_survives_and_the_tail_is_dropped() -> None:
    reported = BANNER + b"\r\nEvent: A\r\nX: \xff" + END + b"no header at all" + END + END + b"Event: cut o"
    assert whole(reported) == BANNER + b"\r\nEvent: A\r\nX: \xff" + END + b"no header at all" + END + END


def test_a_message_of_many_numbers_takes_no_longer_than_its_length() -> None:
    for value in (
        b"a" * 60_000,
        b"1.2.3." * 10_000,
        b"a:" * 30_000,
        b"sip:" * 15_000,
        b'"' * 60_000,
        b"@." * 30_000,
        b"1 " * 30_000,
        b"1" + b"- " * 30_000,
        b"PJSIP/a" * 9_000,
        b"DAHDI/1-" * 8_000,
        b"a.b" * 20_000,
    ):
        Redactor().message(b"AppData: " + value)  # would take minutes if any pattern went back and forth


def with_callers(data: bytes) -> bytes:
    """A recording of the lab with people in it: its fictitious numbers turned into made-up real ones."""
    return data.replace(b"6475550", b"6132340").replace(b"4165550", b"2052340").replace(b"9055550", b"5142340")


def without_numbers(calls: list[dict[str, object]]) -> list[dict[str, object]]:
    """Who called is what redaction changes; that somebody called, it does not."""
    return [call | {"caller": bool(call["caller"]), "dialled": len(str(call["dialled"]))} for call in calls]


@pytest.mark.parametrize("recording", [*RECORDINGS, *SHARED], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_redacted_recording_leads_to_the_same_conclusions(recording: Path) -> None:
    reported = with_callers(recording.read_bytes())
    assert without_numbers(concluded(whole(reported))) == without_numbers(concluded(reported))


# --- the flight recorder --------------------------------------------------------------------------

NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)


def message(n: int) -> bytes:
    return f"Event: E\r\nCallerIDNum: {CALLER}\r\nN: {n}".encode() + END


def redacted_message(n: int) -> bytes:
    return message(n).replace(CALLER.encode(), b"4165550100")


def dumped(recorder: FlightRecorder, exchange: str, at: datetime) -> Path | None:
    path = recorder.dump_fault(exchange, at)
    recorder.join()
    return path


def test_the_recorder_keeps_what_is_young_and_little_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_recorder, "MAX_BYTES", 3 * len(message(0)))
    monkeypatch.setattr(flight_recorder, "MAX_SECONDS", 60)
    recorder = FlightRecorder(tmp_path)
    for n in range(5):
        recorder.record_bytes(message(n), float(n))
    assert recorder.size == 3 * len(message(0))
    recorder.record_bytes(message(5), 63.5)
    assert recorder.size == 2 * len(message(0))


def test_a_dump_is_redacted_whole_messages(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path)
    recorder.record_bytes(BANNER + message(1) + message(2) + b"Event: cut o", 1.0)
    path = dumped(recorder, "toronto", NOON)
    assert path is not None
    assert path.name == "toronto-20261124T170000Z-expires-2026-12-24.ami"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == BANNER + redacted_message(1) + redacted_message(2)


def test_a_dump_begins_with_a_whole_message_when_older_ones_were_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_recorder, "MAX_BYTES", len(message(0)) * 2)
    recorder = FlightRecorder(tmp_path)
    half = len(message(1)) // 2
    for piece in (message(0) + message(1)[:half], message(1)[half:] + message(2)):
        recorder.record_bytes(piece, 0.0)
    path = dumped(recorder, "toronto", NOON)
    assert path is not None
    assert path.read_bytes() == redacted_message(2)


def test_a_new_connection_begins_a_new_recording(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path)
    recorder.record_bytes(BANNER + message(1) + b"Event: cut o", 0.0)
    recorder.record_bytes(BANNER + message(2), 9.0)
    path = dumped(recorder, "toronto", NOON)
    assert path is not None
    assert path.read_bytes() == BANNER + redacted_message(2)


def test_a_day_has_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight_recorder, "FILES_A_DAY", 2)
    recorder = FlightRecorder(tmp_path)
    recorder.record_bytes(BANNER + message(1), 0.0)
    names = [path and path.name for path in (dumped(recorder, "toronto", NOON), dumped(recorder, "toronto", NOON))]
    assert names == [
        "toronto-20261124T170000Z-expires-2026-12-24.ami",
        "toronto-20261124T170000Z-1-expires-2026-12-24.ami",
    ]
    assert dumped(recorder, "toronto", NOON + timedelta(hours=1)) is None
    assert dumped(recorder, "ottawa", NOON) == tmp_path / "ottawa-20261124T170000Z-expires-2026-12-24.ami"
    assert dumped(recorder, "toronto", NOON + timedelta(days=1)) is not None


def test_a_fault_is_written_beside_the_loop(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path / "faults")
    recorder.record_bytes(BANNER + message(1), 0.0)
    path = dumped(recorder, "toronto", NOON)
    assert path is not None
    assert path.read_bytes() == BANNER + redacted_message(1)


def test_files_whose_last_day_is_over_are_found_and_others_left_alone(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path)
    recorder.record_bytes(BANNER + message(1), 0.0)
    path = dumped(recorder, "toronto", NOON)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "notes-expires-soon.txt").touch()
    (tmp_path / "folder-expires-2020-01-01").mkdir()
    assert expired([tmp_path], date(2026, 12, 24)) == []
    assert expired([tmp_path], date(2026, 12, 25)) == [path]
    assert expired([tmp_path / "nowhere"], date(2026, 11, 27)) == []


# --- recording ------------------------------------------------------------------------------------


async def said() -> AsyncIterator[bytes]:
    reported = BANNER + message(1) + message(2) + b"Event: cut o"
    for start in range(0, len(reported), 7):
        yield reported[start : start + 7]


async def said_for_ever() -> AsyncIterator[bytes]:
    yield BANNER
    while True:
        yield message(1)
        await asyncio.sleep(0.01)


async def test_a_recording_is_redacted_whole_and_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.ami"
    done = await record(said(), file, Redacting(EXAMPLE.lines(), "CA"))
    assert file.read_bytes() == BANNER + redacted_message(1) + redacted_message(2)
    assert (done, stat.S_IMODE(file.stat().st_mode)) == (Recorded(2, file.stat().st_size), 0o600)


async def test_the_folder_of_a_recording_is_made(tmp_path: Path) -> None:
    done = await record(said(), tmp_path / "new/folder/a.ami", Verbatim())
    assert (tmp_path / "new/folder/a.ami").stat().st_size == done.size


async def test_a_recording_with_numbers_is_what_was_said(tmp_path: Path) -> None:
    file = tmp_path / "a.ami"
    done = await record(said(), file, Verbatim())
    assert file.read_bytes() == BANNER + message(1) + message(2)
    assert done == Recorded(2, file.stat().st_size)


async def test_a_file_that_is_there_is_written_over_only_when_reported_so(tmp_path: Path) -> None:
    file = tmp_path / "a.ami"
    file.write_bytes(b"precious")
    with pytest.raises(ConfigError) as refused:
        await record(said(), file, Redacting(EXAMPLE.lines(), "CA"))
    assert str(refused.value) == f"{file}: exists; name another file, or add --overwrite"
    assert file.read_bytes() == b"precious"
    await record(said(), file, Redacting(EXAMPLE.lines(), "CA"), overwrite=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_recording_ends_after_its_time(tmp_path: Path) -> None:
    file = tmp_path / "a.ami"
    done = await record(said_for_ever(), file, Verbatim(), duration=timedelta(seconds=0.2))
    assert file.read_bytes() == BANNER + message(1) * done.messages


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_recording_with_a_whole_message(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "a.ami"
    recording = asyncio.create_task(record(said_for_ever(), file, Redacting(EXAMPLE.lines(), "CA")))
    await asyncio.sleep(0.2)
    os.kill(os.getpid(), number)
    done = await asyncio.wait_for(recording, 60)
    assert file.read_bytes() == BANNER + redacted_message(1) * done.messages


async def test_an_error_of_the_connection_is_reported(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield BANNER
        raise ConfigError("exchanges.toronto: no")

    with pytest.raises(ConfigError):
        await record(broken(), tmp_path / "a.ami", Redacting(EXAMPLE.lines(), "CA"))
