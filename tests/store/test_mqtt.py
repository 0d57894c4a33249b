"""What a broker is told, without a broker: payloads, the outbox, today's figures, settings, `check`, health."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.ami.recording import public_numbers
from callmon.config.mqtt import MqttSettings
from callmon.config.settings import Settings, example, parse
from callmon.core.calls.call import OUTCOMES, STATES, Call, Wait
from callmon.core.outcome import Outcome
from callmon.core.snapshot import LineStatus
from callmon.core.statistics.today import Today
from callmon.core.verdicts import Finding
from callmon.daemon.daemon import Daemon
from callmon.daemon.runtime import Runtime
from callmon.sinks.mqtt import sink as sink_module
from callmon.sinks.mqtt import topics
from callmon.sinks.mqtt.outbox import MqttOutbox
from callmon.sinks.mqtt.sink import Mqtt
from callmon.site import FEATURES
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.tools.check import report
from callmon.tools.check_remarks import check_remarks
from callmon.web import health
from tests.recordings.test_traces import NAMES, recording
from tests.support.ami_builders import Exchange, replayed, settings
from tests.support.mqtt_subscriber import Ledger, LedgerRow
from tests.support.store_fixtures import START, account, answered_call, finding, seconds, wrote

TORONTO = ZoneInfo("America/Toronto")
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
LINE = LineStatus(
    name="tty",
    is_open=True,
    is_heard=True,
    states={"ringing": 2, "queue": 1, "talking": 3, "held": 1, "parked": 1, "voicemail": 4},
    ringing=Wait(START, timedelta(seconds=17.999), timedelta(seconds=6)),
    queue=Wait(None, None, timedelta(seconds=6)),
    phones={"free": 2, "unreachable": 1},
    day="2026-11-24",
    calls={"answered": 1},
    verdicts={"reach_a_person": {"met": 1}},
    callbacks=(2, 1),
)


# ── payloads ──


def test_a_line_says_what_a_wall_board_shows() -> None:
    assert json.loads(topics.of_line(LINE)) == {
        "line": "tty",
        "open": True,
        "heard": True,
        "ringing": {"calls": 2, "longest_ring": 3, "since": "2026-11-24T13:42:13.217087Z"},
        "queue": {"calls": 1, "since": None},
        "talking": 5,
        "phones": {"free": 2, "in_use": 0, "unreachable": 1},
        "today": {"day": "2026-11-24", "calls": {"answered": 1}, "verdicts": {"reach_a_person": {"met": 1}}},
        "callbacks": {"open": 2, "overdue": 1},
    }


@pytest.mark.parametrize(("waited", "ring"), [(0.0, 1), (5.999, 1), (6.0, 2), (18.0, 4)])
def test_the_longest_ring_is_the_one_that_has_begun(waited: float, ring: int) -> None:
    wait = Wait(START, timedelta(seconds=waited), timedelta(seconds=6))
    reported = json.loads(topics.of_line(changed(ringing=wait)))
    assert reported["ringing"]["longest_ring"] == ring


def changed(**fields: Any) -> LineStatus:
    return LineStatus(**{name: getattr(LINE, name) for name in LINE.__struct_fields__} | fields)


def test_phones_that_are_not_monitored_are_null_and_not_zero() -> None:
    reported = json.loads(topics.of_line(changed(phones={}, ringing=None)))
    assert (reported["phones"], reported["ringing"]["longest_ring"]) == (None, None)


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        *(("102", "102"), ("outside", "outside"), ("*85", "*85"), (None, None)),
        *(("4165550101", None), ("+14165550101", None), ("1234567", None), ("zoe-tremblay", None), ("", None)),
        ("\uff11\uff10\uff12", None),  # digits of another alphabet
    ],
)
def test_only_a_short_extension_of_digits_passes(written: str | None, reported: str | None) -> None:
    assert topics.extension(written) == reported


def test_an_id_that_would_be_two_topics_or_a_wildcard_is_one() -> None:
    assert (
        topics.topic_of(topics.CALLBACKS, "lab-1795527733.0-complaint") == "callbacks/lab-1795527733.0-complaint"
    )
    assert topics.topic_of(topics.CALLBACKS, "a/b+#.0") == "callbacks/a_b__.0"


NUMBER = re.compile(r"\d{7,}")
# A call's id begins with the second in which it arrived; a time has at most six digits in a row.
ID = re.compile(r'"call":"[\w-]*?\d{10}\.\d+"')


@pytest.mark.parametrize("name", NAMES)
def test_no_payload_of_a_recording_has_a_number_a_channel_or_a_name(name: str) -> None:
    replay = replayed(*recording(name))
    public = {number.lstrip("+")[-10:] for number in public_numbers(example().lines(), "CA")}
    assert replay.ended
    for call in replay.ended:
        reported = topics.of_call("toronto", call, replay.findings.get(call.call, ())).decode()
        without_id = ID.sub("", reported)
        assert without_id != reported
        assert {digits[-10:] for digits in NUMBER.findall(without_id)} <= public
        assert re.findall(r'PJSIP|SIP/|Local|;[12]|"caller|channel"|"by"', reported) == []
        assert json.loads(reported)["call"] == call.call


def test_an_outbound_call_does_not_say_whom_it_reached() -> None:
    ended = [call for name in NAMES for call in replayed(*recording(name)).ended if call.direction == "outbound"]
    assert {len(call.dialled) >= 10 for call in ended} == {True}
    reported = [json.loads(topics.of_call("toronto", call, ())) for call in ended]
    assert {call["dialled"] for call in reported} == {None}
    people = [call["answered_by"] for call in reported if call["outcome"] == "answered"]
    assert people == [{"extension": "outside"}] * len(people)
    assert len(people) >= 1


@pytest.mark.parametrize(
    ("written", "reported"), [("102", "102"), ("zoe-tremblay", None), ("4165550101", None), ("outside", "outside")]
)
def test_no_call_says_who_took_it_or_whose_mailbox_has_its_message(written: str, reported: str | None) -> None:
    call = {
        "direction": "inbound", "line": "general", "dialled": "4163272422", "caller": "+14165550101",
        "answered_by": {"extension": written, "channel": "PJSIP/102-00000001"},
        "transfers": [{"kind": "blind", "by": written, "to": written, "answered": True}],
        "voicemail": {"mailbox": written, "message": True},
    }  # fmt: skip
    assert topics.without_people(call) == {
        "direction": "inbound", "line": "general", "dialled": "4163272422",
        "answered_by": {"extension": reported},
        "transfers": [{"kind": "blind", "to": reported, "answered": True}],
        "voicemail": {"mailbox": reported, "message": True},
    }  # fmt: skip


def test_a_field_that_is_added_to_a_call_is_not_published() -> None:
    call = {
        "direction": "inbound", "line": "general", "dialled": "4163272422", "note": "Maxime",
        "answered_by": {"extension": "102", "note": "Maxime"},
        "transfers": [{"kind": "blind", "by": "102", "to": "103", "answered": True, "note": "Maxime"}],
        "voicemail": {"mailbox": "102", "message": True, "note": "Maxime"},
    }  # fmt: skip
    assert "note" not in str(topics.without_people(call))


def test_half_a_letter_becomes_a_question_mark() -> None:
    assert topics.encoded({"language": "f\udce9"}) == b'{"language":"f?"}'


# ── who waits longest ──


def test_a_lines_longest_wait_is_its_first_callers_in_exchange_time() -> None:
    exchange = Exchange()
    one, two = exchange.call(caller="4165550101"), exchange.call(caller="4165550102")
    exchange.at(1).rings(one, "PJSIP/101")
    exchange.at(5).rings(two, "PJSIP/102")
    exchange.at(8).call(caller="4165550103")
    monitor = exchange.replayed().monitor
    now = exchange.start + timedelta(seconds=19)
    assert monitor.waits({"toronto": now}) == {
        ("general", "ringing"): Wait(exchange.start + seconds(1), seconds(18), seconds(6))
    }
    assert monitor.waits({}) == {("general", "ringing"): Wait(None, None, seconds(6))}


def test_a_wait_whose_beginning_was_not_received_is_not_known() -> None:
    exchange = Exchange()
    one = exchange.call(caller="4165550101")
    with exchange.unheard(until=7):
        exchange.at(1).rings(one, "PJSIP/101")
    waits = exchange.replayed().monitor.waits({"toronto": exchange.start + seconds(9)})
    assert waits == {("general", "ringing"): Wait(None, None, seconds(6))}


# ── outbox ──


def test_only_the_latest_state_of_a_topic_waits() -> None:
    box = MqttOutbox(10)
    assert [box.keep("a", payload, 1.0) for payload in (b"1", b"2", b"2")] == [True, True, False]
    assert [(m.topic, m.payload, m.is_retained) for m in box.take(9)] == [("a", b"2", True)]


def test_what_failed_waits_again_as_the_first_and_nothing_is_lost_twice() -> None:
    box = MqttOutbox(2)
    for number in range(3):
        box.tell("ended", b"%d" % number, float(number))
    assert (box.lost, box.backlog(), box.oldest()) == (1, 2, 1.0)
    box.take(1)
    box.tell("ended", b"3", 3.0)
    box.failed()
    assert (box.lost, box.oldest()) == (2, 2.0)
    assert [m.payload for m in box.take(9)] == [b"2", b"3"]
    box.done()
    assert (box.backlog(), box.oldest(), box.lost) == (0, None, 2)


def test_the_state_is_published_when_the_broker_has_confirmed_it() -> None:
    box, said = MqttOutbox(10), []
    for step in (
        lambda: None,
        lambda: box.keep("a", b"1", 0.0),
        lambda: box.take(9),
        box.failed,
        lambda: box.take(9),
    ):
        step()
        said.append(box.is_state_published())
    box.done()
    box.tell("calls/ended", b"2", 1.0)
    box.take(9)  # an event is no state
    assert [*said, box.is_state_published()] == [True, False, False, False, False, True]


def test_a_failed_message_has_waited_since_it_was_first_stored() -> None:
    box = MqttOutbox(10)
    box.keep("a", b"1", 1.0)
    box.take(9)
    box.keep("a", b"2", 5.0)
    box.failed()
    assert (box.oldest(), box.take(9)) == (1.0, [("a", b"2", True, 1.0)])


def test_a_cleared_topic_is_forgotten_only_when_the_broker_has_it() -> None:
    box = MqttOutbox(1)
    box.keep("a", b"1", 0.0)
    box.take(1)
    box.done()
    box.clear("a", 1.0)
    box.take(1)
    box.failed()
    assert [m.payload for m in box.take(1)] == [b""]
    box.done()
    assert box.state == {}


def test_nothing_remains_on_its_way_to_a_broker_no_longer_used() -> None:
    box = MqttOutbox(1)
    box.keep("a", b"1", 0.0)
    box.tell("ended", b"2", 0.0)
    box.take(2)
    box.forget()
    box.failed()
    assert (box.backlog(), box.oldest(), box.take(2)) == (0, None, [])


def test_a_topic_that_comes_back_while_it_is_being_cleared_stays() -> None:
    box = MqttOutbox(1)
    box.clear("a", 0.0)
    box.take(1)
    box.keep("a", b"1", 1.0)
    box.done()
    assert (box.state, [m.payload for m in box.take(1)]) == ({"a": b"1"}, [b"1"])


steps = st.lists(st.sampled_from(["keep", "clear", "tell", "take", "done", "failed", "anew"]), max_size=60)


@given(steps=steps, topics_named=st.lists(st.sampled_from("abc"), min_size=60, max_size=60))
def test_whatever_happens_the_broker_has_the_state_and_each_message(
    steps: list[str], topics_named: list[str]
) -> None:
    box = MqttOutbox(3)
    broker = {}
    taken = []
    reported = 0
    heard: list[bytes] = []
    wanted: dict[str, bytes] = {}

    def arrive() -> None:
        for message in taken:
            if message.is_retained:
                broker[message.topic] = message.payload
            else:
                heard.append(message.payload)
        box.done()

    for number, step in enumerate([*steps, *["take", "done"] * 20]):
        topic, payload = topics_named[number % 60], b"%d" % number
        match step:
            case "keep":
                box.keep(topic, payload, float(number))
                wanted[topic] = payload
            case "clear":
                box.clear(topic, float(number))
                wanted[topic] = b""
            case "tell":
                box.tell("ended", payload, float(number))
                reported += 1
            case "take" if not taken:
                taken = box.take(2)
            case "done":
                arrive()
                taken = []
            case "failed":
                box.failed()
                taken = []
            case "anew":
                box.anew(float(number))
    assert broker | wanted == broker
    assert len(heard) == len(set(heard)) == reported - box.lost
    assert heard == sorted(heard, key=int)
    assert (box.backlog(), len(box.state)) == (0, sum(bool(payload) for payload in wanted.values()))


# ── today ──


def call_at(number: int, at: datetime) -> tuple[Call, Finding]:
    call = account(answered_call(number, at - timedelta(seconds=number)))
    return call, finding(call)


def outcome(*reported: tuple[Call, Finding]) -> Outcome:
    return Outcome("toronto", findings=tuple(f for _, f in reported), calls=tuple(c for c, _ in reported))


def test_a_call_belongs_to_the_local_day_on_which_it_arrived() -> None:
    today = Today(TORONTO)
    midnight = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
    before, after = midnight - timedelta(microseconds=1), midnight
    today.record_outcome(outcome(call_at(1, before), call_at(2, after), call_at(3, after)))
    assert today.outcomes("general", before)["answered"] == 1
    assert today.outcomes("general", after)["answered"] == 2
    given = today.verdicts("general", after, ["answer_by_third_ring"])
    assert given == {"answer_by_third_ring": {"met": 2, "not_met": 0, "exempt": 0, "unknown": 0}}
    today.drop_old_days(midnight + timedelta(days=1))
    assert today.outcomes("general", before)["answered"] == 0
    assert today.outcomes("general", after)["answered"] == 2


def test_a_verdict_before_the_end_counts_at_the_end_with_the_call() -> None:
    today, (call, given) = Today(TORONTO), call_at(1, NOON)
    assert today.record_outcome(Outcome("toronto", findings=(given,))) == []
    assert today.verdicts("general", NOON, ["answer_by_third_ring"])["answer_by_third_ring"]["met"] == 0
    assert today.record_outcome(Outcome("ottawa", calls=(call,))) == [("ottawa", call, ())]
    assert today.record_outcome(Outcome("toronto", calls=(call,))) == [("toronto", call, (given,))]
    assert today.verdicts("general", NOON, ["answer_by_third_ring"])["answer_by_third_ring"]["met"] == 1


def test_the_day_begins_at_local_midnight_also_when_clocks_change() -> None:
    today = Today(TORONTO)
    assert today.beginning(datetime(2026, 3, 8, 15, tzinfo=UTC)).astimezone(UTC).hour == 5
    assert today.beginning(datetime(2026, 3, 9, 15, tzinfo=UTC)).astimezone(UTC).hour == 4


def test_the_day_is_restored_from_what_was_stored(store: Database) -> None:
    reported = [call_at(1, NOON), call_at(2, NOON), call_at(3, NOON - timedelta(days=1))]
    facts = tuple(fact for n, at in ((1, NOON), (2, NOON), (3, NOON - timedelta(days=1)))
                  for fact in answered_call(n, at - timedelta(seconds=n)))  # fmt: skip
    wrote(store, Outcome("toronto", facts, tuple(f for _, f in reported), tuple(c for c, _ in reported)))
    today, fresh = Today(TORONTO), Today(TORONTO)
    today.record_outcome(outcome(*reported))
    begin = fresh.beginning(NOON)
    fresh.restore(
        date(2026, 11, 24), *calls.count_ended_calls(store, ["general"], begin, begin + timedelta(days=2))
    )
    standards = ["answer_by_third_ring", "reach_a_person"]
    assert fresh.outcomes("general", NOON) == today.outcomes("general", NOON)
    assert fresh.outcomes("general", NOON)["answered"] == 2
    assert fresh.verdicts("general", NOON, standards) == today.verdicts("general", NOON, standards)


def in_folder(folder: Path) -> Settings:
    """The example, with its database and its outbox in this folder."""
    return settings({"sqlite:///callmon.db": f"sqlite:///{folder}/callmon.db"})


def test_a_snapshot_has_every_line_outcome_and_judged_standard(store: Database, tmp_path: Path) -> None:
    runtime, exchange = Runtime(in_folder(tmp_path), store), Exchange()
    try:
        exchange.at(1).rings(exchange.call(), "PJSIP/101")
        runtime.monitor = exchange.replayed().monitor
        snapshot = runtime.snapshot()
    finally:
        runtime.writer.close()
    lines = {line.name: line for line in snapshot.lines}
    assert list(lines) == [line.name for line in runtime.settings.lines()]
    assert (lines["general"].states["ringing"], lines["tty"].states["ringing"]) == (1, 0)
    assert {line.is_heard for line in lines.values()} == {False}  # no exchange is connected
    assert {tuple(line.states) for line in lines.values()} == {STATES}
    assert {tuple(line.calls) for line in lines.values()} == {OUTCOMES}
    judged = tuple(name for name, is_judged in snapshot.enabled.items() if is_judged)
    assert {tuple(line.verdicts) for line in lines.values()} == {judged}


def test_an_internal_error_during_a_snapshot_is_counted_not_raised(store: Database, tmp_path: Path) -> None:
    daemon = Daemon(in_folder(tmp_path), store, FEATURES)
    try:
        daemon.runtime.monitor = None  # type: ignore[assignment]
        daemon.publish_status()
    finally:
        daemon.page_context.close()
        daemon.runtime.writer.close()
    assert daemon.runtime.internal_errors == 1


# ── settings ──


@pytest.mark.parametrize(("more", "port"), [("", 1883), ("tls = true\n", 8883), ("tls = true\nport = 1\n", 1)])
def test_the_usual_port_follows_tls(more: str, port: int) -> None:
    assert parse(f'[mqtt]\nhost = "b"\n{more}').mqtt.port == port


def test_without_a_broker_none_is_reported() -> None:
    assert parse("").mqtt == MqttSettings()
    assert not Mqtt(parse("").mqtt, Today(TORONTO)).is_on


@pytest.mark.parametrize("prefix", ["callmon", "callmon/", "callmon//"])
def test_a_prefix_ends_with_one_slash(prefix: str) -> None:
    assert MqttSettings(host="b", prefix=prefix).prefix == "callmon/"


def test_the_password_comes_from_its_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    monkeypatch.setenv("BROKER", "hunter3")
    assert MqttSettings(host="b", username="u", password_file=tmp_path / "secret").password() == "hunter2"
    assert MqttSettings(host="b", username="u", password_env="BROKER").password() == "hunter3"
    assert MqttSettings(host="b").password() is None


def test_check_shows_the_brokers_settings_and_says_what_crosses_in_clear() -> None:
    settings = parse('[mqtt]\nhost = "broker.example"\nusername = "u"\npassword_env = "CALLMON_NOT_SET"\n')
    rows = [line.split() for line in report(settings, date(2026, 11, 24), shows_all=True).splitlines()]
    assert ["mqtt.host", "broker.example"] in rows
    assert ["mqtt.max_waiting", "1000", "calls", "default"] in rows
    said = [remark for remark in check_remarks(settings) if remark.startswith("mqtt")]
    assert said == [
        "mqtt: environment variable CALLMON_NOT_SET is not set here.",
        "mqtt: messages to the broker and the password cross the network unencrypted; set tls = true.",
    ]


# ── the sink ──


def test_a_mistake_of_ours_is_counted_and_never_raised() -> None:
    sink = Mqtt(MqttSettings(host="b"), Today(TORONTO))
    assert sink.offer(Outcome("toronto", calls=(None,)))  # type: ignore[arg-type]
    sink.publish_snapshot(None)  # type: ignore[arg-type]
    assert (sink.refused(), sink.backlog(), sink.has_room()) == (2, 0, True)


def test_an_unchanged_line_is_not_published_again_and_a_gone_one_cleared() -> None:
    sink = Mqtt(MqttSettings(host="b"), Today(TORONTO))
    sink.publish_snapshot(Ledger().snapshot(LINE))
    assert [m.topic for m in taken(sink)] == ["lines/tty"]
    sink.publish_snapshot(Ledger().snapshot(LINE))
    assert list(taken(sink)) == []
    sink.publish_snapshot(Ledger().snapshot())
    assert [(m.topic, m.payload) for m in taken(sink)] == [("lines/tty", b"")]


def test_callbacks_are_published_only_when_they_changed() -> None:
    sink, ledger = Mqtt(MqttSettings(host="b"), Today(TORONTO)), Ledger(LedgerRow("1"), LedgerRow("2", "overdue"))
    ledger.change(LedgerRow("3", "due_soon", line="tty"))
    sink.publish_snapshot(ledger.snapshot())
    assert [m.topic for m in taken(sink)] == ["callbacks/1", "callbacks/2", "callbacks/3"]
    ledger.close("1")
    ledger.change(LedgerRow("3", "overdue", line="tty"))
    sink.publish_snapshot(ledger.snapshot())
    assert [(m.topic, m.payload != b"") for m in taken(sink)] == [("callbacks/3", True), ("callbacks/1", False)]
    sink.publish_snapshot(ledger.snapshot())
    assert list(taken(sink)) == []


def taken(sink: Mqtt) -> Iterator[Any]:
    yield from sink._outbox.take(99)
    sink._outbox.done()


async def test_a_broker_that_confirms_after_four_seconds_is_not_believed() -> None:
    client = await sink_module._client(MqttSettings(host="127.0.0.1"))
    assert client.timeout < 4.0  # so late NATS also confirms what it could not retain


def test_a_broker_that_is_away_is_a_remark_and_no_trouble() -> None:
    sink = Mqtt(MqttSettings(host="b"), Today(TORONTO))
    assert health.remarks([], [sink]) == []
    sink._say("mqtt: b:1883 cannot be reached: nothing listens there; check that the broker runs.")
    assert health.remarks([], [sink]) == [
        "mqtt: b:1883 cannot be reached: nothing listens there; check that the broker runs."
    ]
