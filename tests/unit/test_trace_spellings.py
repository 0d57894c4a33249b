"""Redaction: every spelling of a number, the digits that were pressed, and what a site writes about people."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callmon.ami.framing import END
from callmon.ami.recording import redacted
from callmon.tools.record import Redacting, record
from tests.recordings.test_trace import BANNER, EXAMPLE, KEEP, text

# Numbers for fiction; those of Canada are made look like others, since a stand-in would stay.
SPELLINGS = (
    "4165550117",
    "(416)555-0117",
    "(416) 555-0117",
    "416 555-0117",
    "416-555-0117",
    "416.555.0117",
    "416/555/0117",
    "416_555_0117",
    "416 - 555 - 0117",
    "416\N{NO-BREAK SPACE}555\N{NON-BREAKING HYPHEN}0117",
    "416\N{NARROW NO-BREAK SPACE}555\N{EN DASH}0117",
    "4165 550117",
    "41 65 55 01 17",
    "4 1 6 5 5 5 0 1 1 7",
    "+1 (416) 555-0117",
    "1-416-555-0117",
    "9 1 416 555 0117",
    "%2B1%20416%20555%200117",
    "tel:+1-416-555-0117",
    "555-0117",
    "555 01 17",
    "+33 6 39 98 00 17",
    "0033 (0)6 39 98 00 17",
    "+44 20 7946 0958",
)
HEADERS = ("CallerIDNum", "CallerIDName", "AppData", "Value", "DialString", "CallbackTime", "ContactDate")


def made_up(spelling: str) -> str:
    """As long, in the same places: 555 becomes 234."""
    digits = iter(re.sub("555(?=01)", "234", re.sub("[^0-9]", "", spelling.replace("%20", "").replace("%2B", ""))))
    return re.sub("%2[0B]|[0-9]", lambda x: x[0] if x[0][0] == "%" else next(digits), spelling)


def digits(value: str) -> str:
    return re.sub("[^0-9]", "", re.sub("%2[0B]", "", value))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_number_leaves_by_any_header(spelling: str) -> None:
    true = made_up(spelling)
    kept = digits(true)[-7:]
    said = {header: text(f"Event: X\n{header}: {true}") for header in HEADERS}
    assert {header: line for header, line in said.items() if kept in digits(line)} == {}


@pytest.mark.parametrize(
    ("spelling", "becomes"),
    [
        ("(416)555-0117", "(416)555-0100"),
        ("4165 550117", "4165 550100"),
        ("41 65 55 01 17", "41 65 55 01 00"),
        ("416 - 555 - 0117", "416 - 555 - 0100"),
        ("555-0117", "555-0100"),
        ("+44 20 7946 0958", "+14 16 5550 100"),
        ("+33 6 39 98 00 17", "+10 0 05 55 01 00"),
    ],
)
def test_a_stand_in_is_written_as_the_number_was(spelling: str, becomes: str) -> None:
    assert text(f"AppData: {made_up(spelling)}") == f"AppData: {becomes}"


@pytest.mark.parametrize(
    "value", ["613 234 5678", "6132345678", "(613) 234-5678", "2026-613-234-5678", "13:47 234-5678"]
)
def test_what_is_no_time_does_not_stay_in_a_header_of_times(value: str) -> None:
    assert "2345678" not in digits(text(f"CallTime: {value}\nCallDate: {value}"))


def whole(*messages: str) -> bytes:
    said = b"".join(message.replace("\n", "\r\n").encode() + END for message in messages)
    return b"".join(redacted([BANNER + said], KEEP))


@pytest.mark.parametrize(
    "message",
    [
        "Event: DTMFBegin\nChannel: PJSIP/trunk-00000001\nDigit: 7",
        "Event: DTMFEnd\nChannel: PJSIP/trunk-00000001\nDigit: 7\nDurationMs: 90",
        "Event: VarSet\nVariable: NIP\nValue: 4711",
        "\nEvent: VarSet\nVariable: NIP\nValue: 4711",
    ],
)
def test_pressed_digits_and_set_variables_are_dropped_whole(message: str) -> None:
    assert whole(message, "Event: Hangup\nCause: 16") == BANNER + b"Event: Hangup\r\nCause: 16" + END


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("Variable: NIP\nValue: 4711", "Variable: NIP\nValue: removed"),
        ("ChanVariable: CARD=4711", "ChanVariable: CARD=removed"),
        ("AppData: NAS=046", "AppData: NAS=removed"),
        ("Application: SayDigits\nAppData: 4711", "Application: SayDigits\nAppData: removed"),
        ("Variable: CALLERID(num-pres)\nValue: allowed", "Variable: CALLERID(num-pres)\nValue: allowed"),
        ("Event: UserEvent\nUserEvent: Fiche\nClient: Jean Tremblay\nExten: 101",
         "Event: UserEvent\nUserEvent: Fiche\nClient: removed\nExten: 101"),
        ("Event: UserEvent\nUserEvent: CallmonComplaint\nStatus: made\nNote: Jean",
         "Event: UserEvent\nUserEvent: CallmonComplaint\nStatus: made\nNote: removed"),
        ("Event: X\nClient: Jean Tremblay", "Event: X\nClient: Name 1"),
        ("AccountCode: jtremblay", "AccountCode: Name 1"),
        ("Channel: PJSIP/jean.tremblay-0000000a", "Channel: PJSIP/person-1-0000000a"),
        ("Device: PJSIP/jean.tremblay", "Device: PJSIP/person-1"),
        ("Channel: PJSIP/jean.tremblay-0000000a\nCallerIDNum: jean.tremblay\nMailbox: jean.tremblay@default",
         "Channel: PJSIP/person-1-0000000a\nCallerIDNum: person-1\nMailbox: person-1@default"),
        ("Channel: PJSIP/jo.li-0000000a\nExten: jo.li", "Channel: PJSIP/person-1-0000000a\nExten: person-1"),
        ("Module: app.voicemail", "Module: app.voicemail"),
        ("Channel: PJSIP/trunk-0000000a", "Channel: PJSIP/trunk-0000000a"),
        ("Channel: PJSIP/sip.telco-0000000a", "Channel: PJSIP/sip.telco-0000000a"),
        ("Channel: PJSIP/101-00000012", "Channel: PJSIP/101-00000012"),
    ],
)  # fmt: skip
def test_what_a_site_says_of_people_is_removed_and_what_is_technical_stays(said: str, becomes: str) -> None:
    assert text(said) == becomes


async def reported() -> AsyncIterator[bytes]:
    yield BANNER + b"Event: VarSet\r\nVariable: NIP\r\nValue: 4711" + END + b"Event: Hangup\r\nCause: 16" + END


async def test_a_recording_is_written_without_them(tmp_path: Path) -> None:
    file = tmp_path / "a.ami"
    done = await record(reported(), file, Redacting(EXAMPLE.lines(), "CA"))
    assert (file.read_bytes(), done.messages) == (BANNER + b"Event: Hangup\r\nCause: 16" + END, 1)
