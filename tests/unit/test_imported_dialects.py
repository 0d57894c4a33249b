"""Dialects of queue_log and CDR line by line: members, tables, layouts, broken lines, copies, clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.cdr import CdrReader
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.backfill.imported.records import RecordReader
from callmon.core.calls.call import Call
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact, QueueLeft
from callmon.core.monitor import Monitor
from tests.support.ami_builders import settings
from tests.support.fact_builder import TORONTO, usual

SITE = usual(**{"# survey_extensions": "survey_extensions"})
LATER = datetime(2027, 1, 1, tzinfo=UTC)
T = 1_772_461_800  # 2026-03-02 09:30 in Toronto, a Monday
NAME = f"{T}.7"


def read(
    text: str, kind: Any = QueueLogReader, now: datetime = LATER, zone: ZoneInfo = TORONTO, given: Any = SITE
) -> tuple[RecordReader, list[list[Fact]]]:
    reader = kind(ExchangeProfile(given, "toronto"), CelReader(zone), now)
    return reader, list(reader.whole_calls([text.split("\n")]))


def calls(text: str, kind: Any = QueueLogReader, **more: Any) -> list[Call]:
    monitor = Monitor(more.get("given", SITE), "toronto", token=str)
    outcomes = [monitor.retell("toronto", facts) for facts in read(text, kind, **more)[1]]
    return [outcome.calls[0] for outcome in outcomes if outcome is not None]


def verdict(text: str, standard: str = "answer_by_third_ring", kind: Any = QueueLogReader) -> tuple[str, str]:
    ((facts,), monitor) = read(text, kind)[1], Monitor(SITE, "toronto", token=str)
    outcome = monitor.retell("toronto", facts)
    assert outcome is not None
    return next((x.verdict, x.reason_key) for x in outcome.findings if x.standard == standard)


def log(*rows: str, name: str = NAME) -> str:
    """Rows as "3 general|PJSIP/101|CONNECT|3": seconds after T, queue, member, event, data."""
    found = []
    for row in rows:
        after, _, rest = row.partition(" ")
        queue, _, rest = rest.partition("|")
        found.append(f"{T + int(after)}|{name}|{queue}|{rest}")
    return "\n".join(found)


ENTERED = "0 general|NONE|ENTERQUEUE||4165550101|1"
DONE = "60 general|PJSIP/101|COMPLETECALLER|3|57|1"


# queue_log.


@pytest.mark.parametrize(
    ("member", "phone"),
    [
        ("PJSIP/101", "101"),
        ("SIP/101", "101"),
        ("Agent PJSIP/101", "101"),
        ("Local/101@from-queue/n", "101"),
        ("Agent/101", "101"),
        ("Local/4165550199@outside/n", "outside"),
        ("Alice Roy", "?"),
        ("NONE", "?"),
    ],
)
def test_a_member_is_an_extension_and_a_persons_name_is_not_stored(member: str, phone: str) -> None:
    (call,) = calls(log(ENTERED, f"3 general|{member}|CONNECT|3|{T}.8|2", DONE))
    assert (call.answered_by, "Alice" in str(call), "4165550199" in str(call)) == (phone, False, False)


@pytest.mark.parametrize(
    ("wait", "reported"),
    [
        (17, ("met", "answered_after_seconds")),
        (18, ("unknown", "not_in_source")),  # between 17.0 and 19.0 s
        (19, ("not_met", "answered_after_seconds")),
    ],
)
def test_a_wait_in_whole_seconds_is_judged_where_that_suffices(wait: int, reported: tuple[str, str]) -> None:
    assert verdict(log(ENTERED, f"{wait} general|PJSIP/101|CONNECT|{wait}|x|2", DONE)) == reported


def test_the_logs_hold_time_is_the_wait_where_a_second_decides() -> None:
    (call,) = calls(log(ENTERED, "4 general|PJSIP/101|CONNECT|3|x|2", DONE))
    assert call.arrived is not None
    assert call.answered == call.arrived + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["5 general|NONE|ABANDON|1|1|5"], ("abandoned", "caller", 0)),
        (["5 general|NONE|EXITWITHTIMEOUT|1|1|5"], ("unknown", "unknown", 0)),
        (["5 general|NONE|EXITWITHKEY|2|1|1|5"], ("unknown", "unknown", 0)),
        (["5 general|NONE|EXITEMPTY|1|1|5"], ("unknown", "unknown", 0)),
        (["5 general|PJSIP/101|RINGNOANSWER|5000", "9 general|NONE|ABANDON|1|1|9"], ("abandoned", "caller", 0)),
        (["3 general|PJSIP/101|CONNECT|3|x|2"], ("answered", "unknown", 0)),
        (["3 general|PJSIP/101|CONNECT|3|x|2", DONE], ("answered", "caller", 0)),
        (["3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|COMPLETEAGENT|3|6|1"],
         ("answered", "exchange", 0)),
        (["3 general|PJSIP/101|CONNECT|3|x", "9 general|PJSIP/101|TRANSFER|104|internal|3|6"],
         ("answered", "unknown", 1)),
        (["3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|BLINDTRANSFER|104|internal|3|6|1"],
         ("answered", "unknown", 1)),
        (["3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|ATTENDEDTRANSFER|BRIDGE|b|3|6|1"],
         ("answered", "unknown", 1)),
        (["3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|BLINDTRANSFER|700|internal|3|6|1"],
         ("answered", "unknown", 0)),  # a parking lot
        (["3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|BLINDTRANSFER|750|internal|3|6|1"],
         ("answered", "unknown", 0)),  # the survey
    ],
)  # fmt: skip
def test_each_way_out_of_a_queue_is_reported_and_nothing_more(
    rows: list[str], expected: tuple[str, str, int]
) -> None:
    (facts,), (call,) = read(log(ENTERED, *rows))[1], calls(log(ENTERED, *rows))
    assert (call.outcome, call.ended_by, len(call.transfers)) == expected
    (left,) = (x.hung_up for x in facts if isinstance(x, QueueLeft))
    assert left is (call.outcome == "abandoned")


def test_a_second_queue_is_a_transfer_and_what_follows_is_not_counted() -> None:
    rows = [
        *(ENTERED, "3 general|PJSIP/101|CONNECT|3|x|2", "9 general|PJSIP/101|BLINDTRANSFER|tty|internal|3|6|1"),
        *("9 tty|NONE|ENTERQUEUE||4165550101|1", "12 tty|PJSIP/104|CONNECT|3|x|2"),
    ]
    (call,) = calls(log(*rows, "20 tty|PJSIP/104|COMPLETECALLER|3|8|1"))
    assert ([person.phone for person in call.people], call.answered_by) == (["101", "104"], "101")
    assert (len(call.transfers), verdict(log(*rows, DONE), "one_transfer_at_most")) == (1, ("met", "transferred"))
    again = log(*rows, "20 tty|PJSIP/104|BLINDTRANSFER|102|internal|3|8|1")
    assert (len(calls(again)[0].transfers), verdict(again, "one_transfer_at_most")) == (
        *(1, ("unknown", "not_in_source")),
    )


def test_a_did_names_the_line_before_a_queue_does() -> None:
    did = f"{T}|{NAME}|anything|NONE|DID|4163250866"
    (call,) = calls(did + "\n" + log("0 anything|NONE|ENTERQUEUE||4165550101|1", "5 anything|NONE|ABANDON|1|1|5"))
    assert (call.line, call.dialled, call.caller) == ("tty", "4163250866", "+14165550101")
    reader, found = read(log("0 anything|NONE|ENTERQUEUE||4165550101|1", "5 anything|NONE|ABANDON|1|1|5"))
    assert (found, reader.without_line) == ([], {"anything": 1})


def test_a_call_begins_with_the_first_queue_that_belongs_to_a_line() -> None:
    rows = ["0 anything|NONE|ENTERQUEUE||4165550101|1", "9 anything|NONE|EXITWITHTIMEOUT|1|1|9"]
    rows += ["10 tty|NONE|ENTERQUEUE||4165550101|1", "14 tty|PJSIP/104|CONNECT|4|x|2"]
    (call,) = calls(log(*rows, "20 tty|PJSIP/104|COMPLETECALLER|4|6|1"))
    assert (call.line, call.arrived, call.answered) == (
        "tty",
        datetime.fromtimestamp(T + 10, UTC),
        datetime.fromtimestamp(T + 14, UTC),
    )


def test_a_line_names_its_queues_in_arrives_as_and_a_queue_its_language() -> None:
    named = settings(
        {
            "[lines.general]\n": '[lines.general]\narrives_as = ["renseignements"]\n',
            '# queue_languages = { renseignements-fr = "fr" }': 'queue_languages = { renseignements = "fr" }',
        }
    )
    rows = log("0 renseignements|NONE|ENTERQUEUE||4165550101|1", "5 renseignements|NONE|ABANDON|1|1|5")
    (call,) = calls(rows, given=named)
    assert (call.line, call.language) == ("general", "fr")


@pytest.mark.parametrize(
    ("number", "withheld"), [("anonymous", "withheld"), ("", "unknown"), ("unknown", "unknown")]
)
def test_a_number_that_was_not_given_is_withheld(number: str, withheld: str) -> None:
    (call,) = calls(log(f"0 general|NONE|ENTERQUEUE||{number}|1", "5 general|NONE|ABANDON|1|1|5"))
    assert (call.caller, call.withheld) == (None, withheld)


def test_events_without_a_call_are_read_and_broken_lines_counted() -> None:
    others = ["QUEUESTART|", "CONFIGRELOAD|", "PAUSE|", "UNPAUSE|", "ADDMEMBER|", "REMOVEMEMBER|", "PENALTY|5"]
    text = "\n".join(f"{T}|NONE|general|PJSIP/101|{event}" for event in others)
    text += "\n" + log(ENTERED, "5 general|NONE|ABANDON|1|1|5") + "\n" + "\n".join(["not a line", f"{T}|x"] * 8)
    reader, found = read(text)
    assert (len(found), len(reader.errors), reader.lines) == (1, 16, 25)
    places = [(number, str(what)) for number, what in reader.errors.first]
    assert places == [(n, "no line of a queue_log") for n in range(10, 20)]


def test_a_file_beside_its_copy_gives_each_call_once() -> None:
    text = log(ENTERED, "3 general|PJSIP/101|CONNECT|3|x|2", DONE)
    (call,) = calls(f"{text}\n{text}")
    assert (call.outcome, len(call.people)) == ("answered", 1)


@pytest.mark.parametrize(("hours", "unfinished"), [(3, 1), (5, 0)])
def test_a_call_without_an_end_may_be_in_progress_for_some_hours(hours: int, unfinished: int) -> None:
    now = datetime.fromtimestamp(T + 3, UTC) + timedelta(hours=hours)
    reader, found = read(log(ENTERED, "3 general|PJSIP/101|CONNECT|3|x|2"), now=now)
    assert (len(found), reader.unfinished) == (1 - unfinished, unfinished)


@pytest.mark.parametrize("columns", ["data1,data2,data3,data4,data5", "data"])
def test_an_export_of_a_realtime_table_is_read_with_old_and_new_columns(columns: str) -> None:
    head = f"id,time,callid,queuename,agent,event,{columns}"
    rows: Sequence[tuple[str, str]] = [
        ("2026-03-02 09:30:00.120000", f"{NAME},general,NONE,ENTERQUEUE,|4165550101|1"),
        ("2026-03-02 09:30:03.480000", f"{NAME},general,PJSIP/101,CONNECT,3|x|2"),
        ("2026-03-02 09:30:09.000000", f"{NAME},general,PJSIP/101,COMPLETEAGENT,3|6|1"),
    ]
    split = columns != "data"
    text = [f"{n},{at},{rest.replace('|', ',') if split else rest}" for n, (at, rest) in enumerate(rows)]
    (call,) = calls("\n".join([head, *text]))
    assert (call.outcome, call.answered_by, call.caller, call.ended_by) == (
        *("answered", "101", "+14165550101", "exchange"),
    )
    assert call.arrived == datetime(2026, 3, 2, 14, 30, 0, 120000, UTC)


def test_the_hour_that_autumn_repeats_is_reported_by_the_uniqueid() -> None:
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 in summer time
    head, found = "time,callid,queuename,agent,event,data1,data2,data3", []
    for at in (first, first + timedelta(hours=1)):
        name = f"{int(at.timestamp())}.1"
        rows = [f"2026-11-01 01:30:00,{name},general,NONE,ENTERQUEUE,,4165550101,1"]
        rows += [f"2026-11-01 01:30:05,{name},general,NONE,ABANDON,1,1,5"]
        found += rows
    assert [call.arrived for call in calls("\n".join([head, *found]))] == [first, first + timedelta(hours=1)]


# CDR.

TIMES = '"2026-03-02 09:30:00","2026-03-02 09:30:08","2026-03-02 09:31:00"'
FORMS = {
    "cdr_csv": '"","4165550101","4163272422","from-trunk","""Zoé"" <4165550101>","PJSIP/trunk-1","PJSIP/102-2",'
    f'"Dial","PJSIP/102,24",{TIMES},60,52,"ANSWERED","DOCUMENTATION","{NAME}",""',
    "cdr_csv with linkedid and sequence": '"","4165550101","4163272422","from-trunk","<4165550101>",'
    f'"PJSIP/trunk-1","PJSIP/102-2","Dial","PJSIP/102,24",{TIMES},60,52,"ANSWERED","DOCUMENTATION","{NAME}","",'
    f'"","{NAME}",71',
    "cdr_custom": '"<4165550101>","4165550101","4163272422","from-trunk","PJSIP/trunk-1","PJSIP/102-2","Dial",'
    f'"PJSIP/102,24",{TIMES},"60.1","52.2","ANSWERED","DOCUMENTATION","","{NAME}","{NAME}",71',
    "a table with a head, as FreePBX has it": "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,"
    "duration,billsec,disposition,amaflags,uniqueid,did,linkedid\n"
    "2026-03-02 09:30:00,<4165550101>,4165550101,600,ext-queues,PJSIP/trunk-1,PJSIP/102-2,Queue,600,"
    f"60,52,ANSWERED,3,{NAME},4163272422,{NAME}",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_layout_of_cdr_is_found_by_its_content_or_its_head(form: str) -> None:
    (call,) = calls(FORMS[form], CdrReader)
    assert (call.call, call.line, call.outcome, call.answered_by) == (NAME, "general", "answered", "102")
    assert (call.arrived, call.ended) == (
        datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        datetime(2026, 3, 2, 14, 31, tzinfo=UTC),
    )
    assert (call.caller, call.answered, call.rings, call.waited, call.heard) == (
        *("+14165550101", None, None, None, "cdr"),
    )


def row(
    disposition: str, app: str = "Dial", dst: str = "PJSIP/102-2", channel: str = "PJSIP/trunk-1",
    name: str = NAME, data: str = "x", start: str = "09:30:00", answer: str = "", end: str = "09:30:30",
) -> str:  # fmt: skip
    at = f'"2026-03-02 {answer}"' if answer else ""
    return (
        f'"","4165550101","4163272422","from-trunk","","{channel}","{dst}","{app}","{data}",'
        f'"2026-03-02 {start}",{at},"2026-03-02 {end}",30,0,'
        f'"{disposition}","DOCUMENTATION","{name}","","","{NAME}",1'
    )


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([row("NO ANSWER")], "unknown"),
        ([row("CANCEL")], "abandoned"),
        ([row("BUSY"), row("BUSY", "Busy", "")], "busy"),
        ([row("BUSY"), row("NO ANSWER")], "unknown"),
        ([row("CONGESTION"), row("FAILED")], "failed"),
        ([row("NO ANSWER"), row("ANSWERED", "VoiceMail", "", data="500@default,u")], "voicemail"),
        ([row("ANSWERED", "BackGround", "")], "unknown"),
        ([row("ANSWERED", "Queue", "")], "unknown"),
        ([row("NO ANSWER", "Queue")], "unknown"),
        ([row("ANSWERED", dst="Local/102@internal-1;1"),
          row("ANSWERED", "VoiceMail", "", "Local/102@internal-1;2", f"{T}.9", "102@default")], "voicemail"),
        ([row("ANSWERED", dst="Local/102@internal-1;1"),
          row("NO ANSWER", "Dial", "PJSIP/102-4", "Local/102@internal-1;2", f"{T}.9")], "unknown"),
        ([row("ANSWERED", dst="Local/102@internal-1;1"),
          row("ANSWERED", "Dial", "PJSIP/102-4", "Local/102@internal-1;2", f"{T}.9")], "answered"),
    ],
)  # fmt: skip
def test_what_cdr_states_wrongly_is_not_taken_from_it(rows: list[str], outcome: str) -> None:
    (call,) = calls("\n".join(rows), CdrReader)
    assert call.outcome == outcome


@pytest.mark.parametrize(
    ("data", "channel", "phone"),
    [
        ("PJSIP/102,24,tk", "PJSIP/102-2", "102"),
        ("PJSIP/6475550199@carrier,60,TK", "PJSIP/carrier-2", "outside"),
        ("PJSIP/carrier/6475550199", "PJSIP/carrier-2", "outside"),
        ("PJSIP/6475550199@carrier&PJSIP/102,60", "PJSIP/102-2", "102"),
        ("PJSIP/6475550199@carrier&PJSIP/102,60", "PJSIP/carrier-2", "outside"),
    ],
)
def test_a_trunk_by_which_a_call_was_sent_outside_is_no_phone(data: str, channel: str, phone: str) -> None:
    (call,) = calls(row("ANSWERED", dst=channel, data=data), CdrReader)
    assert call.answered_by == phone


def test_rows_that_cannot_be_read_are_counted_with_the_reason() -> None:
    broken = ["not a row", row("ANSWERED").replace(NAME, ""), row("ANSWERED", start="29:30:00")]
    reader, found = read("\n".join([*broken, row("ANSWERED")]), CdrReader)
    assert (len(found), len(reader.errors)) == (1, 3)
    assert [str(what) for _, what in reader.errors.first] == [
        "no row of CDR",
        "no uniqueid; cdr.conf needs loguniqueid = yes",
        "its time cannot be parsed",
    ]


def exports(kind: Any, *files: str) -> tuple[RecordReader, list[list[Fact]]]:
    """What a reader makes of these files, one after the other."""
    reader = kind(ExchangeProfile(SITE, "toronto"), CelReader(TORONTO), LATER)
    return reader, list(reader.whole_calls(file.splitlines() for file in files))


HEAD, ROW = FORMS["a table with a head, as FreePBX has it"].splitlines()
QUEUED = "time,callid,queuename,agent,event,data1,data2,data3"


@pytest.mark.parametrize(
    ("kind", "head", "row"),
    [
        (CdrReader, HEAD, ROW),
        (QueueLogReader, QUEUED, f"2026-03-02 09:30:00,{NAME},general,NONE,ENTERQUEUE,,4165550101,1"),
    ],
    ids=["cdr", "queue_log"],
)
def test_the_head_of_each_export_is_read_and_is_no_broken_line(kind: Any, head: str, row: str) -> None:
    other = row.replace(NAME, f"{T + 60}.8")
    turned = [",".join(reversed(line.split(","))) for line in (head, other)]
    reader, found = exports(kind, f"{head}\n{row}", "\n".join(turned))
    assert [facts[0].call for facts in found] == [NAME, f"{T + 60}.8"]
    assert (len(reader.errors), reader.errors.first) == (0, [])


def test_a_file_without_a_head_is_read_after_an_export() -> None:
    later = row("ANSWERED", name=f"{T + 60}.8").replace(f'"{NAME}"', f'"{T + 60}.8"')
    reader, found = exports(CdrReader, f"{HEAD}\n{ROW}", later)
    assert ([facts[0].call for facts in found], len(reader.errors)) == ([NAME, f"{T + 60}.8"], 0)


def test_a_carriage_return_within_a_row_of_cdr_ends_no_import() -> None:
    reader = CdrReader(ExchangeProfile(SITE, "toronto"), CelReader(TORONTO), LATER)
    lines = [HEAD, ROW.replace("<4165550101>", "Zoe\r<4165550101>")]
    found = list(reader.whole_calls([lines]))
    assert (len(found), len(reader.errors)) == (1, 0)


def test_phones_and_strangers_are_not_public_no_line_counts_by_context() -> None:
    staff = row("ANSWERED", channel="PJSIP/102-1").replace('"4165550101"', '"102"')
    elsewhere = row("ANSWERED").replace("4163272422", "4165550188")
    stranger = row("ANSWERED", channel="PJSIP/anonymous-1").replace(NAME, "1772461802.2")
    rows = f"{staff}\n\n{elsewhere.replace(NAME, '1772461801.1')}\n\n{stranger}"
    reader, found = read(rows, CdrReader)
    assert (found, reader.without_line, len(reader.errors)) == ([], {"from-trunk": 1}, 0)
