"""CEL of a real Asterisk, and nothing else: what callmon concludes is what really happened, as far as CEL can say.

What it cannot: whether a message was left, whether a phone that was dialled rang at all (`phones_silent`), which
language a menu's key stands for where the key is not in it, a hold by a phone that hears no music.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.ami.events import instant
from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import CelReader, CelRow
from callmon.backfill.merge import merged
from callmon.config.settings import Settings, example, example_text, parse
from callmon.core import facts as f
from callmon.core.calls.account import CallAccount
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.text.records import as_json
from callmon.tools.doctor.dialplan import EVENTS
from callmon.tools.replay import Replay
from tests.recordings.test_traces import END, NAMES, TRACES, concluding, expected, recording, truth
from tests.support.ami_builders import BANNER, listener, replayed
from tests.support.examples import examples
from tests.support.scripted_truth import unlike

RECORDINGS = Path(__file__).parents[1] / "recordings"
TORONTO = ZoneInfo("America/Toronto")
KEYS = {"1": "en", "2": "fr"}
A = "answer_by_third_ring"
RUN = ("APP_START", "APP_END")


def vouched(text: str) -> str:
    """The configuration of a site that vouches for its phones: a push message wakes none."""
    return text.replace("[exchanges.toronto]\n", '[exchanges.toronto]\nrings_within = "0.5s"\n')


DESK_PHONES = parse(vouched(example_text()))


def rows_of(path: Path) -> list[CelRow]:
    return list(_rows_of(path))


@cache
def _rows_of(path: Path) -> tuple[CelRow, ...]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = CelReader(TORONTO)
        rows = list(reader.read_lines(file))
    assert reader.bad.kinds == {}
    return tuple(rows)


def reported(rows: Iterable[CelRow], settings: Settings = DESK_PHONES) -> extract.ExtractedCalls:
    where = ExchangeProfile(settings, "toronto")
    return {
        call: facts
        for part in extract.stretches(rows)
        for call, facts in extract.extract_calls(part, where, KEYS).items()
    }


@cache
def told_of_trace(name: str) -> extract.ExtractedCalls:
    return reported(rows_of(TRACES / name / "cel.csv"))


def concluded(facts: list[Fact]) -> dict[str, Any]:
    outcome = Monitor(example(), "toronto", token=str).retell("toronto", facts)
    if outcome is not None:
        return as_json("toronto", outcome.calls[0], outcome.findings)
    arrived = facts[0]
    assert isinstance(arrived, f.Arrived)
    account = CallAccount(arrived)
    for fact in facts:
        account.record_fact(fact)
    return as_json("toronto", account.call(), ())


def calls(rows: Iterable[CelRow]) -> list[dict[str, Any]]:
    return [concluded(facts) for facts in reported(rows).values()]


def whole(rows: Iterable[CelRow]) -> list[CelRow]:
    """As FreePBX keeps it: whole seconds, and no row of an application that dials."""
    kept = (row for row in rows if not (row.kind.startswith("APP_") and row.app.lower() == "dial"))
    return [msgspec.structs.replace(row, at=row.at.replace(microsecond=0), is_whole=True) for row in kept]


def as_cel_may_say(expect: dict[str, Any]) -> dict[str, Any]:
    """The truth less what is not in CEL."""
    known = {key: value for key, value in expect.items() if key not in ("language", "holds", "rings_estimated")}
    if str(known.get("outcome")).startswith("voicemail"):
        known["outcome"] = "voicemail"
    if isinstance(box := known.get("voicemail"), dict):
        known["voicemail"] = {key: value for key, value in box.items() if key != "message"}
    return known


@lru_cache
def scripted(run: str) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Each call of a run's diary, with what people did."""
    ids = {row.linkedid for row in rows_of(RECORDINGS / f"{run}.cel.csv")}
    files = sorted(RECORDINGS.glob("run-16.truth.json" if run == "run-16" else "*.truth.json"))
    made = [call for file in files for call in json.loads(file.read_text(encoding="utf-8"))]
    return tuple(
        (c["situation"], c["linkedid"], as_cel_may_say(c["expect"])) for c in made if c["linkedid"] in ids
    )


def of_public(said: Iterable[str]) -> list[str]:
    return [line for line in said if not line.startswith(("phones_silent", "nobody made"))]


@pytest.mark.parametrize("name", NAMES)
def test_cel_alone_agrees_with_what_really_happened(name: str) -> None:
    wanted = [expected(said, by_key=True) for said in truth(name)]
    for said in wanted:
        said["outcome"] = "voicemail" if said["outcome"].startswith("voicemail") else said["outcome"]
    got = calls(rows_of(TRACES / name / "cel.csv"))
    assert [concluding(call) for call in got] == wanted
    assert {call["heard"] for call in got} == {"filled"}
    assert [call["rings_estimated"] for call in got] == [call["rings"] is not None for call in got]


@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_cel_of_a_busy_run_agrees_with_its_script_verdicts_and_all(run: str) -> None:
    got = calls(rows_of(RECORDINGS / f"{run}.cel.csv"))
    assert of_public(unlike(scripted(run), got)) == []
    assert len(scripted(run)) == {"run-16": 174, "run-22": 82}[run]


def test_a_call_by_no_trunk_is_a_strangers_by_cel_too() -> None:
    for context, name in (("from-sip-external", "PJSIP/unnamed"), ("from-trunk", "PJSIP/anonymous")):
        by_none = [
            msgspec.structs.replace(row, channel=row.channel.replace("PJSIP/trunk", name), context=context)
            for row in rows_of(TRACES / "answered_ring2" / "cel.csv")
        ]
        arrivals = [fact for facts in reported(by_none).values() for fact in facts if isinstance(fact, f.Arrived)]
        assert [(arrival.line, arrival.stranger) for arrival in arrivals] == [(None, True)]


@pytest.mark.parametrize(
    ("app", "verdict", "reason"),
    [
        ("Playback", "unknown", "not known whether the caller chose voicemail"),
        *((app, "not_met", "sent to voicemail") for app in ("Dial", "RetryDial", "Queue", "FollowMe", "Page")),
    ],
)
def test_by_cel_a_key_for_a_person_without_a_phone_chose_no_box(app: str, verdict: str, reason: str) -> None:
    rows = [row for row in rows_of(RECORDINGS / "run-22-boxes.cel.csv") if row.linkedid == "1796050733.7"]
    place = next(n for n, row in enumerate(rows) if (row.kind, row.app) == ("APP_START", "VoiceMail"))
    vain = (msgspec.structs.replace(rows[place - 1], kind=kind, app=app, data="399") for kind in RUN)
    (call,) = calls([*rows[:place], *vain, *rows[place:]])
    assert (call["verdicts"][A], call["reasons"][A]) == (verdict, reason)


def refusals_last(rows: list[CelRow]) -> list[CelRow]:
    """The hang-ups of phones that refused, a moment after those of their callers, who end with them."""
    ends = {row.uniqueid: row.at for row in rows if row.kind == "HANGUP"}
    refused = {row.uniqueid for row in rows if row.kind == "HANGUP" and row.more.get("hangupcause") in (17, 21)}

    def at(row: CelRow) -> datetime:
        last = ends.get(row.linkedid, row.at)
        is_close = timedelta(0) <= last - row.at < timedelta(seconds=0.1)
        ends_here = row.uniqueid in refused and row.uniqueid != row.linkedid and row.kind in ("HANGUP", "CHAN_END")
        return last + timedelta(milliseconds=1) if ends_here and is_close else row.at

    return [msgspec.structs.replace(row, at=at(row)) for row in rows]


@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_a_refusal_written_after_the_calls_end_is_one_all_the_same(run: str) -> None:
    rows = rows_of(RECORDINGS / f"{run}.cel.csv")
    moved = refusals_last(rows)
    assert sum(one.at != other.at for one, other in zip(rows, moved, strict=True)) > 4
    assert of_public(unlike(scripted(run), calls(moved))) == []


def forwarders_moved(rows: list[CelRow], by: timedelta) -> list[CelRow]:
    """The ends of phones that sent the call on, moved from the row that says so."""
    answered = {row.uniqueid for row in rows if row.kind == "ANSWER"}
    moved = set()
    for forward in (row for row in rows if row.kind == "FORWARD"):
        moved |= {
            row.uniqueid
            for row in rows
            if row.kind == "HANGUP" and row.linkedid == forward.linkedid and row.uniqueid not in answered
            if row.uniqueid not in (forward.uniqueid, row.linkedid) and not row.channel.startswith("Local/")
            if abs(row.at - forward.at) < timedelta(seconds=0.1)
        }
    ends = ("HANGUP", "CHAN_END")
    return [
        msgspec.structs.replace(row, at=row.at + by) if row.uniqueid in moved and row.kind in ends else row
        for row in rows
    ]


@pytest.mark.parametrize("run", ["run-16", "run-22"])
@pytest.mark.parametrize("by", [0.3, 0.8, -0.3])
def test_a_forwarding_is_one_whenever_the_phones_end_is_written(run: str, by: float) -> None:
    rows = rows_of(RECORDINGS / f"{run}.cel.csv")
    moved = forwarders_moved(rows, timedelta(seconds=by))
    assert sum(one.at != other.at for one, other in zip(rows, moved, strict=True)) >= 2
    wrong = of_public(unlike(scripted(run), calls(moved)))
    assert [line for line in wrong if " forwards: " in line or " outcome: " in line] == []


def forwarders_end(rows: list[CelRow], cause: int, by: str) -> list[CelRow]:
    """The hang-ups of phones that sent the call on, as Asterisk writes them in its haste."""
    near = forwarders_moved(rows, timedelta(seconds=1))
    return [
        msgspec.structs.replace(
            row, extra=json.dumps({"hangupcause": cause, "hangupsource": by, "dialstatus": ""})
        )
        if row.kind == "HANGUP" and row.at != moved.at
        else row
        for row, moved in zip(rows, near, strict=True)
    ]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("run", ["run-16", "run-22"])
@pytest.mark.parametrize("cause", [0, 16, 19, 26, 127])
def test_a_forwarding_is_one_whatever_the_cause_of_the_hangup(run: str, cause: int) -> None:
    """The channel that dials gives the phone up at once, perhaps before the phone's own side has noted why: of 135
    forwardings on a busy Asterisk 22, 20 bore cause 0 and named nobody.
    """
    rows = rows_of(RECORDINGS / f"{run}.cel.csv")
    assert of_public(unlike(scripted(run), calls(forwarders_end(rows, cause, "")))) == []


@pytest.mark.parametrize("cause", [0, 16, 23])
def test_a_phone_that_sends_the_call_on_at_once_did_not_ring(cause: int) -> None:
    rows = forwarders_end(rows_of(TRACES / "forward_302" / "cel.csv"), cause, "")
    (facts,) = reported(rows).values()
    assert [fact.phone for fact in facts if isinstance(fact, f.PhoneRang)] == ["104"]
    assert [(fact.phone, fact.rang) for fact in facts if isinstance(fact, f.PhoneStopped)] == [("101", False)]
    assert [(fact.phone, fact.to) for fact in facts if isinstance(fact, f.Forwarded)] == [("101", "104")]


@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_in_whole_seconds_no_ring_is_more_than_one_off(run: str) -> None:
    got = {call["call"]: call for call in calls(whole(rows_of(RECORDINGS / f"{run}.cel.csv")))}
    for name, own, wanted in scripted(run):
        call = got.get(own)
        if call is None or name.startswith("phones_silent"):
            continue
        for standard, verdict in wanted.get("verdicts", {}).items():
            assert call["verdicts"][standard] in (verdict, "unknown"), name
        rings = wanted.get("rings")
        assert None in (rings, call["rings"]) or abs(call["rings"] - rings) <= 1, name
        for key in ("outcome", "answered_by", "forwards", "parked"):
            said = (call["answered_by"] or {}).get("extension") if key == "answered_by" else call[key]
            assert key not in wanted or said == wanted[key], (name, key)


@pytest.mark.parametrize("name", NAMES)
def test_the_site_guides_events_suffice_but_for_a_menus_language(name: str) -> None:
    named = [row for row in rows_of(TRACES / name / "cel.csv") if row.kind in EVENTS]
    every = [concluding(call) | {"language": None} for call in calls(rows_of(TRACES / name / "cel.csv"))]
    assert [concluding(call) for call in calls(named)] == every


@pytest.mark.parametrize(
    ("after", "rings", "verdict"),
    [
        (17.9, 3, "met"),
        (17.999, 3, "met"),
        (18.0, None, "unknown"),
        (18.4, None, "unknown"),
        (18.51, 4, "not_met"),
    ],
)
def test_within_half_a_second_of_the_limit_cel_cannot_tell(after: float, rings: int | None, verdict: str) -> None:
    """The phone may have begun to ring so much later than its channel, as the site vouches."""
    rows = rows_of(TRACES / "answered_ring2" / "cel.csv")
    start = next(row.at for row in rows if row.kind == "CHAN_START" and row.channel.startswith("PJSIP/10"))
    answer = next(row.at for row in rows if row.kind == "ANSWER")
    by = timedelta(seconds=after) - (answer - start)
    moved = [msgspec.structs.replace(row, at=row.at + by) if row.at >= answer else row for row in rows]
    (call,) = calls(moved)
    assert (call["rings"], call["verdicts"]["answer_by_third_ring"]) == (rings, verdict)


def test_a_queue_that_goes_on_to_a_member_left_the_first_unanswered() -> None:
    (facts,) = reported(rows_of(TRACES / "queue_second_member" / "cel.csv")).values()
    assert [(fact.phone, fact.why) for fact in facts if isinstance(fact, f.PhoneStopped)] == [("101", "no_answer")]


def test_a_call_that_the_rows_do_not_hold_whole_is_not_reported() -> None:
    rows = rows_of(TRACES / "blind_transfer_1" / "cel.csv")
    assert reported(rows[1:]) == {}
    assert reported(rows[:-6]) == {}


def test_the_order_of_rows_in_the_file_changes_nothing() -> None:
    rows = rows_of(TRACES / "attended_dtmf" / "cel.csv")
    by_channel = sorted(rows, key=lambda row: (row.uniqueid, row.n))
    assert reported(by_channel) == reported(rows)


def test_stretches_end_where_no_channel_is_up_and_hold_all_rows_in_order() -> None:
    rows = rows_of(TRACES / "vm_message" / "cel.csv")
    later = [
        msgspec.structs.replace(row, at=row.at + timedelta(minutes=5), uniqueid=f"9{row.uniqueid}") for row in rows
    ]
    cut = list(extract.stretches([*rows, *later]))
    assert cut == [rows, later]


def test_a_channel_that_was_never_ended_does_not_gather_rows_for_ever() -> None:
    rows = [row for row in rows_of(TRACES / "vm_message" / "cel.csv") if row.kind not in ("CHAN_END", "HANGUP")]
    next_day = [msgspec.structs.replace(row, at=row.at + timedelta(days=1)) for row in rows]
    assert [len(part) for part in extract.stretches([*rows, *next_day])] == [len(rows), len(rows)]


# What was heard, and what CEL tells.


def heard(*connections: bytes) -> list[Fact]:
    """Every fact of these connections, the exchange unheard between them."""
    replay = Replay(listener(), "toronto")
    outcomes = (outcome for data in connections for outcome in replay.connection([data]))
    return [fact for outcome in outcomes for fact in outcome.facts]


def cut(data: bytes, first: int, second: int) -> list[Fact]:
    """What was heard up to a byte and from another on, with the gap between as a listing would tell it."""
    before, after = heard(data[:first]), heard(data[:first], BANNER + data[second:])
    said = data[:first].rpartition(END)[0], data[second:].partition(END)[2]  # whole messages
    times = [re.findall(rb"Timestamp: ([\d.]+)", part) for part in said]
    gap = instant(times[0][-1]) if times[0] else None, instant(times[1][0]) if times[1] else None
    calls = [fact.call for fact in after if isinstance(fact, f.Arrived)]
    return [*before, *(f.Unheard(call, *gap) for call in calls), *after[len(before) :]]


def of_call(facts: Iterable[Fact], call: str) -> list[Fact]:
    return [fact for fact in facts if fact.call == call]


@cache
def calls_heard(name: str) -> list[dict[str, Any]]:
    """What callmon makes of the whole recording."""
    return replayed(recording(name, "ami-callmon")[0]).calls()


PUBLIC = [name for name in NAMES if name not in ("callback_answered", "callback_unanswered", "internal_call")]


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.startswith("ami_")])
@effort(max_examples=examples(25), deadline=None)
@given(data=st.data())
def test_what_was_received_and_cel_together_agree_with_what_happened(name: str, data: st.DataObject) -> None:
    bytes_ = recording(name, "ami-callmon")[0]
    first = data.draw(st.integers(0, len(bytes_)))
    second = data.draw(st.integers(first, len(bytes_)))
    known = cut(bytes_, first, second)
    heard_whole = {one["call"]: one["verdicts"] for one in calls_heard(name)}
    for (call, facts), said in zip(told_of_trace(name).items(), truth(name), strict=True):
        got = concluded(merged(of_call(known, call), facts))
        wanted = expected(said, by_key=True)
        if wanted["outcome"].startswith("voicemail") and got["outcome"] == "voicemail":
            wanted["outcome"] = "voicemail"
        assert concluding(got) == wanted
        assert got["verdicts"] == heard_whole[call]


def test_a_join_after_the_gap_is_not_the_answer_that_the_gap_hid() -> None:
    """The agent came back from a consultation: joined with the caller again, long after the answer."""
    facts = reported(rows_of(TRACES / "attended_returned" / "cel.csv"))
    (call,) = facts
    known = cut(recording("attended_returned", "ami-callmon")[0], 13_582, 16_747)
    answer, again = [fact for fact in (*facts[call], *known) if isinstance(fact, f.Answered)]
    assert answer.at is not None
    assert again.at is not None
    assert again.at + again.slack - answer.at > timedelta(seconds=10)
    assert concluded(merged(of_call(known, call), facts[call]))["rings"] == 1


def test_parking_by_a_transfer_is_no_transfer_wherever_the_site_parks() -> None:
    text = example_text().replace('parking_extensions = ["700"]', "parking_extensions = []")
    rows = rows_of(TRACES / "park_retrieve" / "cel.csv")
    (facts,) = extract.extract_calls(rows, ExchangeProfile(parse(text), "toronto"), KEYS).values()
    assert [type(fact).__name__ for fact in facts if isinstance(fact, f.SentOff | f.Parked | f.Retrieved)] == [
        "Parked",
        "Retrieved",
    ]


def test_ringing_that_was_received_before_the_gap_stays_exact() -> None:
    data = recording("vm_message", "ami-callmon")[0]
    before = data.index(b"Event: DialEnd")
    facts = reported(rows_of(TRACES / "vm_message" / "cel.csv"))
    (call,) = facts
    got = concluded(merged(of_call(heard(data[:before]), call), facts[call]))
    exact = replayed(data).calls()[0]
    assert (got["ringing"], got["rings"], got["rings_estimated"]) == (exact["ringing"], 4, False)
    assert (got["heard"], got["outcome"]) == ("filled", "voicemail")


@pytest.mark.parametrize(("application", "is_in_band"), [("Progress", True), ("NoOp", False)])
def test_after_progress_the_exchange_makes_the_ringing_by_cel_too(application: str, is_in_band: bool) -> None:
    first, *rest = rows_of(TRACES / "vm_message" / "cel.csv")
    step = msgspec.structs.replace(first, kind="APP_START", app=application)
    (facts,) = reported([first, step, *rest]).values()
    assert {fact.in_band for fact in facts if isinstance(fact, f.PhoneRang)} == {is_in_band}


def test_a_message_that_was_received_is_a_message_though_cel_does_not_tell() -> None:
    data = recording("vm_message", "ami-callmon")[0]
    after = data.index(b"Event: Newstate", data.index(b"Event: DialEnd"))
    facts = reported(rows_of(TRACES / "vm_message" / "cel.csv"))
    (call,) = facts
    known = of_call(heard(data), call)
    cut = [*known[:3], f.Unheard(call, known[3].at, known[4].at), *known[5:]]
    assert after > 0
    assert concluded(merged(cut, facts[call]))["outcome"] == "voicemail_message"


def test_no_message_is_claimed_where_voicemail_was_not_received_to_its_end() -> None:
    name = "vm_hangup_greeting"
    data = recording(name, "ami-callmon")[0]
    facts = reported(rows_of(TRACES / name / "cel.csv"))
    (call,) = facts
    known = of_call(heard(data), call)
    took = next(fact.at for fact in known if isinstance(fact, f.VoicemailTook))
    assert took is not None
    gap = f.Unheard(call, took + timedelta(seconds=1), took + timedelta(seconds=2))
    early = f.Unheard(call, took - timedelta(seconds=9), took - timedelta(seconds=2))
    assert concluded(merged([*known[:-1], gap, known[-1]], facts[call]))["outcome"] == "voicemail"
    assert concluded(merged([known[0], early, *known[1:]], facts[call]))["outcome"] == "voicemail_no_message"


def test_a_phone_known_not_to_ring_did_not_ring() -> None:
    rows = rows_of(RECORDINGS / "run-22.cel.csv")
    (own,) = {own for name, own, _ in scripted("run-22") if name == "phones_silent"}
    facts = reported(rows)[own]
    known = of_call(heard((RECORDINGS / "phones_silent.ami").read_bytes()), own)
    end = known[-1].at
    assert end is not None
    gap = f.Unheard(own, end - timedelta(microseconds=1), end)
    assert concluded(facts)["rings"] == 4  # CEL alone cannot tell
    got = concluded(merged([*known[:-1], gap, known[-1]], facts))
    assert (got["rings"], got["outcome"], got["heard_ringing"]) == (None, "failed", False)


@pytest.mark.parametrize("name", NAMES)
@effort(max_examples=examples(25), deadline=None)
@given(data=st.data())
def test_no_selection_of_a_real_exchanges_rows_raises(name: str, data: st.DataObject) -> None:
    rows = rows_of(TRACES / name / "cel.csv")
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    chosen = [row for row, keep in zip(rows, kept, strict=True) if keep]
    for facts in reported(chosen).values():
        concluded(facts)


def recorded(name: str, settings: Settings = DESK_PHONES) -> tuple[dict[str, Any], dict[str, Any]]:
    """What CEL says of one recorded call, and what its own SIP side saw."""
    (played,) = json.loads((RECORDINGS / f"{name}.truth.json").read_text(encoding="utf-8"))
    facts = reported(rows_of(RECORDINGS / f"{name}.cel.csv"), settings)[played["linkedid"]]
    return concluded(facts), played["sip"]


@pytest.mark.parametrize("name", ["left_after_the_dial", "left_in_music_after_the_dial"])
def test_a_call_ends_with_its_caller_and_not_with_its_last_application(name: str) -> None:
    said, seen = recorded(name)
    assert abs(datetime.fromisoformat(said["ended"]).timestamp() - seen["ended"]) < 0.05
    assert said["outcome"] == "abandoned"


@pytest.mark.parametrize(
    ("settings", "sent_to", "verdict"), [(example(), ["210"], "unknown"), (DESK_PHONES, ["210", "107"], "not_met")]
)
def test_a_transfer_to_a_phone_that_may_not_have_rung_is_not_known(
    settings: Settings, sent_to: list[str], verdict: str
) -> None:
    """Its second target said nothing at all. A site that vouches for its phones says that they rang."""
    said, _ = recorded("transfer_to_a_silent_phone_after_another", settings)
    assert [sent["to"] for sent in said["transfers"]] == sent_to
    assert said["verdicts"]["one_transfer_at_most"] == verdict


def test_a_line_that_answer_takes_after_the_dial_is_not_voicemails() -> None:
    said, _ = recorded("line_taken_after_the_dial")
    assert said["outcome"] == "no_answer"


@pytest.mark.parametrize(("keys", "chosen", "verdict"), [("", None, "unknown"), ('"1"', True, "exempt")])
def test_a_key_that_leaves_a_queue_chose_voicemail_where_it_is_named(
    keys: str, chosen: bool | None, verdict: str
) -> None:
    """Its first step waits, and no event tells where the second one leads."""
    named = "language_menu = true\nvoicemail_keys"
    site = parse(vouched(example_text()).replace("language_menu = true", f"{named} = [{keys}]"))
    (facts,) = reported(rows_of(RECORDINGS / "queue_left_by_key.cel.csv"), site).values()
    by_cel = CallAccount(facts[0]).record_facts(facts[1:]).call().voicemail  # type: ignore[arg-type]  # Arrived
    (call,) = replayed((RECORDINGS / "queue_left_by_key.ami").read_bytes(), settings=site).calls()
    heard = call["verdicts"]["voicemail_after_fourth_ring"]
    assert (by_cel is not None and by_cel.chosen, heard) == (chosen, verdict)
