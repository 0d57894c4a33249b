"""callmon and a real Mosquitto: what a board sees, and what happens when one of the two is away."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trustme
from blockbuster import blockbuster_ctx

from callmon.config.mqtt import MqttSettings
from callmon.core.outcome import Outcome
from callmon.core.statistics.today import Today
from callmon.sinks.mqtt import sink as sink_module
from callmon.sinks.mqtt import topics
from callmon.sinks.mqtt.sink import Mqtt
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from tests.lab.exchange import Asterisk
from tests.lab.mosquitto import Mosquitto
from tests.lab.play import play
from tests.lab.situations import named
from tests.support.daemon_process import Callmon, free_port
from tests.support.mqtt_subscriber import Ledger, LedgerRow, MqttBoard
from tests.support.store_fixtures import account, answered_call, until

pytestmark = pytest.mark.lab

LINES = [
    *("callmon/lines/general", "callmon/lines/general-toll-free", "callmon/lines/poci"),
    *("callmon/lines/poci-toll-free", "callmon/lines/tty", "callmon/lines/tty-toll-free"),
]


@pytest.fixture
def broker(lab: None) -> Iterator[Mosquitto]:
    with Mosquitto() as running:
        yield running


NEVER = "The exchange toronto was never connected; `callmon doctor` gives the cause."


def table(port: int, more: str = "") -> str:
    return f'\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n{more}\n'


def callmon_at(place: Path, port: int, more: str = "") -> Callmon:
    """A callmon that hears no exchange: what it tells a broker does not depend on one."""
    running = Callmon(place, free_port(), "secret", more=table(port, more))
    running.start(until_heard=False)
    return running


def is_told(board: MqttBoard, status: str = "online") -> bool:
    return board.shown.get("callmon/status") == status and board.topics("callmon/lines/") == LINES


def said(callmon: Callmon) -> str:
    return callmon.log.read_text(encoding="utf-8")


def test_a_board_that_comes_later_sees_every_line_and_the_status(broker: Mosquitto, tmp_path: Path) -> None:
    callmon = callmon_at(tmp_path, broker.port)
    try:
        with MqttBoard(broker.port) as early:
            assert until(lambda: is_told(early))
            with MqttBoard(broker.port, name="later") as board:
                assert until(lambda: is_told(board))
                assert {(retained, qos) for _, _, retained, qos in board.heard} == {(True, 1)}
                reported = board.json("callmon/lines/tty")
            nothing = {"open": 0, "overdue": 0}
            assert (reported["line"], reported["heard"], reported["callbacks"]) == ("tty", False, nothing)
            assert callmon.figure("callmon_sink_backlog", sink="mqtt") == 0
            callmon.stop()
            assert until(lambda: is_told(early, "offline"))
    finally:
        callmon.stop()
        callmon.end_everything()


def test_callmon_that_is_killed_is_offline_by_its_last_will(broker: Mosquitto, tmp_path: Path) -> None:
    callmon = callmon_at(tmp_path, broker.port)
    with MqttBoard(broker.port) as board:
        try:
            assert until(lambda: is_told(board))
            callmon.kill()
            assert until(lambda: is_told(board, "offline"))
            with MqttBoard(broker.port, name="later") as later:
                assert until(lambda: is_told(later, "offline"))
            callmon.start(until_heard=False)
            assert until(lambda: is_told(board))
        finally:
            callmon.end_everything()


def test_a_broker_that_lost_everything_is_reported_all_of_it_again(broker: Mosquitto, tmp_path: Path) -> None:
    callmon = callmon_at(tmp_path, broker.port)
    try:
        with MqttBoard(broker.port) as board:
            assert until(lambda: is_told(board))
        broker.crash()
        ended = f"mqtt: 127.0.0.1:{broker.port} ended the connection"
        nobody = (
            f"mqtt: 127.0.0.1:{broker.port} cannot be reached: nothing listens there; check that the broker runs."
        )
        assert until(lambda: nobody in said(callmon))
        time.sleep(4)
        assert (said(callmon).count(ended), said(callmon).count(nobody)) == (1, 1)
        _, health = callmon.health()
        assert (health["troubles"], health["remarks"]) == ([NEVER], [nobody])
        broker.start()
        with MqttBoard(broker.port) as board:
            assert until(lambda: is_told(board))
        assert callmon.health()[1]["remarks"] == []
    finally:
        callmon.stop()
        callmon.end_everything()


def test_a_broker_that_is_absent_at_the_start_is_reported_when_it_comes(lab: None, tmp_path: Path) -> None:
    with Mosquitto() as broker:
        broker.halt()
        callmon = callmon_at(tmp_path, broker.port)
        try:
            assert until(lambda: callmon.get("/-/ready")[0] == 200)
            assert until(lambda: callmon.figure("callmon_sink_backlog", sink="mqtt") == 6)
            broker.start()
            with MqttBoard(broker.port) as board:
                assert until(lambda: is_told(board))
        finally:
            callmon.stop()
            callmon.end_everything()


def test_what_is_left_of_an_earlier_life_is_cleared(broker: Mosquitto, tmp_path: Path) -> None:
    """A line that was renamed, a callback that is owed no more; what others keep there is left alone."""
    with MqttBoard(broker.port) as board:
        board.put("callmon/lines/renamed", "{}")
        board.put("callmon/callbacks/1795527733.0", "{}")
        board.put("elsewhere/lines/renamed", "{}")
        callmon = callmon_at(tmp_path, broker.port)
        try:
            assert until(lambda: is_told(board))
            assert until(lambda: board.shown["callmon/lines/renamed"] == "")
            assert until(lambda: board.shown["callmon/callbacks/1795527733.0"] == "")
            assert board.shown["elsewhere/lines/renamed"] == "{}"
        finally:
            callmon.stop()
            callmon.end_everything()


def test_a_wrong_password_is_reported_once_and_a_reload_takes_a_right_one(lab: None, tmp_path: Path) -> None:
    secret = tmp_path / "mqtt.secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    more = f'username = "callmon"\npassword_file = "{secret}"\n'
    with Mosquitto(password="right") as broker:
        callmon = callmon_at(tmp_path, broker.port, more)
        try:
            refused = (
                f"mqtt: 127.0.0.1:{broker.port} refuses the login (Not authorized); "
                "check username, password and client_id."
            )
            assert until(lambda: refused in said(callmon))
            assert callmon.health()[1]["troubles"] == [NEVER]
            secret.write_text("right\n")
            callmon.signal(signal.SIGHUP)
            with MqttBoard(broker.port, "right") as board:
                assert until(lambda: is_told(board))
            assert said(callmon).count("refuses the login") == 1
            assert "right" not in said(callmon).split()
        finally:
            callmon.stop()
            callmon.end_everything()


def test_tls_with_a_client_certificate_works_and_another_is_refused(lab: None, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client = authority.issue_cert("callmon.example")
    client.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    more = f'tls = true\nca_file = "{tmp_path}/ca.pem"\nclient_certificate = "{tmp_path}/client.pem"\n'
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    context.load_cert_chain(str(tmp_path / "client.pem"))
    with Mosquitto(certificate=authority.issue_cert("127.0.0.1"), authority=authority) as broker:
        callmon = callmon_at(tmp_path, broker.port, more)
        try:
            with MqttBoard(broker.port, context=context) as board:
                assert until(lambda: is_told(board))
        finally:
            callmon.stop()
            callmon.end_everything()
    with Mosquitto(certificate=authority.issue_cert("broker.example")) as broker:
        callmon = callmon_at(tmp_path, broker.port, more)
        try:
            refused = f"mqtt: 127.0.0.1:{broker.port} shows a certificate that is not accepted for '127.0.0.1'"
            assert until(lambda: refused in said(callmon))
        finally:
            callmon.stop()
            callmon.end_everything()


def test_a_reload_takes_over_another_broker_and_none(broker: Mosquitto, tmp_path: Path) -> None:
    callmon = callmon_at(tmp_path, broker.port)
    try:
        text = callmon.config.read_text()
        with Mosquitto() as other, MqttBoard(broker.port) as board, MqttBoard(other.port) as second:
            assert until(lambda: is_told(board))
            callmon.config.write_text(text.replace(table(broker.port), table(other.port)))
            callmon.signal(signal.SIGHUP)
            assert until(lambda: is_told(second))
            assert until(lambda: is_told(board, "offline"))
            callmon.config.write_text(text.replace(table(broker.port), ""))
            callmon.signal(signal.SIGHUP)
            assert until(lambda: is_told(second, "offline"))
            assert callmon.figure("callmon_sink_backlog", sink="mqtt") is None
            callmon.config.write_text(text)
            callmon.signal(signal.SIGHUP)
            assert until(lambda: is_told(board))
    finally:
        callmon.stop()
        callmon.end_everything()


def test_a_broker_that_accepts_and_is_silent_does_not_delay_the_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        callmon = callmon_at(tmp_path, mute.getsockname()[1])
        try:
            assert until(lambda: callmon.get("/-/ready")[0] == 200)
            assert callmon.stop() == 0
        finally:
            callmon.end_everything()


def total_today(board: MqttBoard) -> dict[str, int]:
    """Outcome → calls of all lines, as the board shows them; only those that there are."""
    counts: Counter[str] = Counter()
    for line in LINES:
        counts.update(board.json(line)["today"]["calls"])
    return dict(+counts)


def test_a_real_call_is_on_the_board_and_ends_as_it_is_stored(asterisk: Asterisk, tmp_path: Path) -> None:
    with Mosquitto() as broker, MqttBoard(broker.port) as board:
        with Callmon(tmp_path, asterisk.ami_port, asterisk.secret, more=table(broker.port)) as callmon:
            assert until(lambda: is_told(board))
            calls = play(asterisk, named("answered_ring3", "vm_message"))
            assert until(lambda: len(board.all_of("callmon/calls/ended")) == len(calls))
            ended = board.all_of("callmon/calls/ended")
            expected = dict(Counter(call["outcome"] for call in ended))
            assert set(expected) == {"answered", "voicemail_message"}
            assert until(lambda: total_today(board) == expected)
            reported = [reported for line in LINES for reported in board.all_of(line)]
            rings = {reported["ringing"]["longest_ring"] for reported in reported}
            assert rings - {5} == {
                None,
                1,
                2,
                3,
                4,
            }  # the time-out of 24 s may come a moment after the fifth began
            assert [
                reported
                for reported in reported
                if reported["ringing"]["calls"] and not reported["ringing"]["since"]
            ] == []
            assert max(reported["talking"] for reported in reported) >= 1
            assert until(lambda: all(board.json(line)["heard"] for line in LINES))
            callmon.stop()
            callmon.start()
            assert until(lambda: is_told(board))
            assert total_today(board) == expected
            callmon.stop()
        assert {call["call"]: call for call in ended} == stored(callmon, [call["call"] for call in ended])


def stored(callmon: Callmon, names: list[str]) -> dict[str, Any]:
    """The calls as the database has them, less what no broker is told."""
    store = open_with_keys(callmon.settings())
    found = {}
    for name in names:
        (row,) = queries.stored_calls(store, name, numbers=True)
        assert row.account is not None
        assert row.account.caller is not None
        found[name] = json.loads(topics.of_call(row.exchange, row.account, row.findings))
    store.close()
    return found


# The sink by itself, with a ledger of our own.


@asynccontextmanager
async def telling(sink: Mqtt, ledger: Ledger | None = None) -> AsyncIterator[None]:
    """The sink as the daemon runs it: a snapshot now, then ten a second."""
    ledger = ledger or Ledger()

    async def look() -> None:
        while True:
            sink.publish_snapshot(ledger.snapshot())
            await asyncio.sleep(0.1)

    sink.publish_snapshot(ledger.snapshot())
    tasks = [asyncio.create_task(look()), asyncio.create_task(sink.run())]
    try:
        yield
    finally:
        sink.end()
        await asyncio.wait(tasks[1:], timeout=3)
        for task in tasks:
            task.cancel()


async def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - a board in a thread has no event
        await asyncio.sleep(0.02)
    return condition()


def sink_for(port: int, max_waiting: int = 1000, client_id: str = "callmon") -> Mqtt:
    settings = MqttSettings(host="127.0.0.1", port=port, max_waiting=max_waiting, client_id=client_id)
    return Mqtt(settings, Today(ZoneInfo("America/Toronto")))


async def test_a_callback_is_shown_until_it_is_closed(broker: Mosquitto) -> None:
    ledger = Ledger(LedgerRow("1.0"), LedgerRow("2.0"))
    with MqttBoard(broker.port) as board:
        async with telling(sink_for(broker.port), ledger):
            both = ["callmon/callbacks/1.0", "callmon/callbacks/2.0"]
            assert await soon(lambda: board.topics("callmon/callbacks/") == both)
            assert board.json(both[0]) == {
                "id": "1.0",
                "line": "general",
                "language": "fr",
                "opened": "2026-11-24T13:42:13.217087Z",
                "due": "2026-11-25T13:42:13.217087Z",
                "actionable": None,
                "state": "open",
                "attempts": 0,
                "unattributed": None,
                "in_hand": False,
            }
            ledger.change(LedgerRow("1.0", "overdue", 2))
            assert await soon(lambda: board.json(both[0])["state"] == "overdue")
            ledger.close("1.0")
            assert await soon(lambda: board.topics("callmon/callbacks/") == both[1:])
        with MqttBoard(broker.port, name="later") as later:
            assert await soon(lambda: later.topics("callmon/") == [both[1], "callmon/status"])
        assert [payload for topic, payload, _, _ in board.heard if topic == both[1]] == [board.shown[both[1]]]


async def test_what_was_closed_while_either_was_away_is_cleared(lab: None) -> None:
    with Mosquitto(keeps=True) as broker:
        ledger = Ledger(LedgerRow("1.0"), LedgerRow("2.0"), LedgerRow("3.0"))
        async with telling(sink_for(broker.port), ledger):
            with MqttBoard(broker.port) as board:
                assert await soon(lambda: len(board.topics("callmon/callbacks/")) == 3)
            await asyncio.to_thread(broker.halt)
            ledger.close("1.0")
            await asyncio.sleep(0.5)
            await asyncio.to_thread(broker.start)
            with MqttBoard(broker.port) as board:
                assert await soon(
                    lambda: board.topics("callmon/callbacks/") == [f"callmon/callbacks/{n}.0" for n in (2, 3)]
                )
        ledger.close("2.0")  # while no callmon runs
        async with telling(sink_for(broker.port), ledger):
            with MqttBoard(broker.port) as board:
                assert await soon(lambda: board.topics("callmon/callbacks/") == ["callmon/callbacks/3.0"])


async def test_ended_calls_wait_for_the_broker_and_lost_ones_are_counted(broker: Mosquitto) -> None:
    sink = sink_for(broker.port, max_waiting=3)
    for number in range(5):
        assert sink.offer(Outcome("toronto", calls=(account(answered_call(number)),)))
    assert (sink.backlog(), sink.refused(), sink.has_room()) == (3, 2, True)
    assert sink.behind_for() > timedelta(0)
    with MqttBoard(broker.port) as board:
        async with telling(sink):
            assert await soon(lambda: sink.backlog() == 0)
            assert sink.behind_for() == timedelta(0)
            assert await soon(lambda: len(board.all_of("callmon/calls/ended")) == 3)
    reported = [call["call"] for call in board.all_of("callmon/calls/ended")]
    assert reported == [f"{1795527733 + n}.{n}" for n in (2, 3, 4)]


async def test_after_a_refused_login_a_reload_tries_at_once(
    lab: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callmon.sinks.mqtt.sink.REFUSED_WAIT", 3600.0)
    secret = tmp_path / "mqtt.secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    with Mosquitto(password="right") as broker:
        sink = sink_for(broker.port)
        sink.configure(MqttSettings(host="127.0.0.1", port=broker.port, username="callmon", password_file=secret))
        async with telling(sink, Ledger(LedgerRow("1.0"))):
            assert await soon(lambda: "refuses the login" in (sink.trouble() or ""))
            secret.write_text("right\n")
            sink.configure(sink.settings)
            assert await soon(lambda: sink.backlog() == 0)


async def test_nine_hundred_callbacks_are_reported_in_seconds(broker: Mosquitto) -> None:
    ledger = Ledger(*(LedgerRow(f"{n}.0") for n in range(900)))
    sink = sink_for(broker.port)
    async with telling(sink, ledger):
        assert sink.backlog() == 900
        assert await soon(lambda: sink.backlog() == 0)
    with MqttBoard(broker.port) as board:
        assert await soon(lambda: len(board.topics("callmon/callbacks/")) == 900)


async def test_neither_a_broker_that_comes_nor_one_that_goes_blocks_the_loop(broker: Mosquitto) -> None:
    sink = sink_for(broker.port)
    with blockbuster_ctx():
        async with telling(sink, Ledger(LedgerRow("1.0"))):
            assert await soon(lambda: sink.backlog() == 0)
            await asyncio.to_thread(broker.crash)
            assert await soon(lambda: sink.trouble() is not None)
            sink.offer(Outcome("toronto", calls=(account(answered_call(1)),)))
            await asyncio.to_thread(broker.start)
            assert await soon(lambda: sink.backlog() == 0)


async def test_what_a_broker_loses_is_published_again(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "AGAIN_SECONDS", 0.2)
    topic = "callmon/callbacks/1.0"
    with MqttBoard(broker.port) as board:
        async with telling(sink_for(broker.port), Ledger(LedgerRow("1.0"))):
            assert await soon(lambda: board.topics(topic) == [topic])
            board.put(topic, "")
            assert await soon(lambda: board.shown[topic] == "")
            assert await soon(lambda: board.topics(topic) == [topic])
            with MqttBoard(broker.port, name="later") as later:
                assert await soon(lambda: later.topics(topic) == [topic])


async def test_who_stands_by_tells_nothing_and_leaves_without_a_word(broker: Mosquitto) -> None:
    # With one client_id for both, the broker would end the connection of the first and publish its last will.
    first, second = (sink_for(broker.port, client_id=name) for name in ("first", "second"))
    second.lead(False)
    with MqttBoard(broker.port) as board:
        async with telling(first), telling(second):
            assert await soon(lambda: board.shown.get("callmon/status") == "online")
            first.lead(False)
            second.lead(True)
            assert await soon(lambda: said_so(board) == ["online", "online"])
            await asyncio.sleep(0.5)
            assert (said_so(board), board.shown["callmon/status"]) == (["online", "online"], "online")
            second.lead(False)
            await asyncio.sleep(0.5)
            assert board.shown["callmon/status"] == "online"  # the next that leads will say so itself


async def test_a_last_will_that_comes_late_is_put_right(broker: Mosquitto) -> None:
    sink = sink_for(broker.port)
    with MqttBoard(broker.port) as board, MqttBoard(broker.port, name="frozen") as other:
        async with telling(sink):
            assert await soon(lambda: board.shown.get("callmon/status") == "online")
            other.put("callmon/status", "offline")
            assert await soon(lambda: said_so(board)[:3] == ["online", "offline", "online"])
            assert board.shown["callmon/status"] == "online"


def said_so(board: MqttBoard) -> list[str]:
    return [payload for topic, payload, *_ in board.heard if topic == "callmon/status"]
