"""Webhooks of a running daemon: a kill loses nothing, and without one nothing is imported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from callmon.store.database import Database, parse_url
from callmon.store.instances import found_rows
from callmon.store.key_file import add_new_key
from callmon.store.tables.webhooks import WebhookRow
from tests.support.daemon_process import ROOT
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import POSTGRESQL, until
from tests.support.webhook_receiver import Receiver

KILLS, CALLS = 20, 4
KILLS_OF_PAIR = 4


def missed(store: Database) -> set[str]:
    """The stored calls that no person answered."""
    with store.reading() as connection:
        calls = "SELECT \"call\" FROM \"call\" WHERE outcome NOT IN ('answered', 'unknown', 'lost')"
        return set(connection.exec_driver_sql(calls).scalars())


def stored(store: Database) -> list[WebhookRow]:
    with store.reading() as connection:
        return found_rows(connection, select(WebhookRow).order_by(WebhookRow.n, WebhookRow.id))  # type: ignore[arg-type]


def leads(callmon: WarmCallmon) -> bool:
    return callmon.figure("callmon_leader") == 1.0


def table(receiver: Receiver) -> str:
    return (
        f'[webhooks.desk]\nurl = "{receiver.url}"\nallow_private = true\nformat = "standard"\n'
        'secret_env = "LAB_SECRET"\nevents = ["call.missed"]\n'
    )


def test_a_daemon_killed_twenty_times_loses_no_event(tmp_path: Path) -> None:
    with Receiver(delay=0.01) as receiver, FalseExchange() as exchange:
        callmon = WarmCallmon(tmp_path, exchange.port, "c2VjcmV0", more=table(receiver))
        try:
            for n in range(KILLS):
                callmon.start()
                for _ in range(CALLS):
                    exchange.call()
                time.sleep(0.15 * (n % 10))
                callmon.kill()
            callmon.start()
            store = Database(parse_url(callmon.store))
            assert until(lambda: {row.state for row in stored(store)} == {"done"}), stored(store)
            assert callmon.stop() == 0
        finally:
            callmon.end_everything()
        arrived = {x.id: json.loads(x.body)["data"]["call"] for x in receiver.received}
        assert (len(missed(store)) > KILLS, missed(store)) == (True, set(arrived.values()))
        assert len(arrived) == len(set(arrived.values()))  # an event that came twice has one identifier
        assert list(arrived) == [row.id for row in stored(store)]  # the first time, in their order
        store.close()


@pytest.mark.parametrize("url", [POSTGRESQL], indirect=True)
def test_two_callmons_lose_no_event_though_each_is_killed_in_turn(tmp_path: Path, url: str) -> None:
    key = tmp_path / "number.key"
    add_new_key(key, date(2026, 11, 24))
    with Receiver(delay=0.01) as receiver, FalseExchange() as exchange:
        pair = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            callmon = WarmCallmon(tmp_path / name, exchange.port, "c2VjcmV0", url, table(receiver))
            text = callmon.config.read_text(encoding="utf-8")
            callmon.config.write_text(text.replace("[privacy]\n", f'[privacy]\nkey_file = "{key}"\n', 1))
            pair.append(callmon)
        try:
            for callmon in pair:
                callmon.start()
            for n in range(KILLS_OF_PAIR):
                for _ in range(CALLS):
                    exchange.call()
                leader, standby = pair[n % 2], pair[1 - n % 2]
                leader.kill()
                exchange.call()
                assert until(partial(leads, standby)), standby.log.read_text()
                leader.start()  # after the take-over: the unit restarts it after 2 s
            store = Database(parse_url(url))
            count = KILLS_OF_PAIR * (CALLS + 1)
            assert until(lambda: [row.state for row in stored(store)] == ["done"] * count), stored(store)
            assert [callmon.stop() for callmon in pair] == [0, 0]
        finally:
            for callmon in pair:
                callmon.end_everything()
        arrived = {x.id: json.loads(x.body)["data"]["call"] for x in receiver.received}
        assert (len(arrived), set(arrived.values())) == (count, missed(store))
        assert list(arrived) == [row.id for row in stored(store)]
        store.close()


def test_a_reload_adds_the_first_webhook_and_removes_it(tmp_path: Path) -> None:
    with Receiver() as receiver, FalseExchange() as exchange:
        callmon = WarmCallmon(tmp_path, exchange.port, "c2VjcmV0")
        without = callmon.config.read_text(encoding="utf-8")
        try:
            callmon.start()
            callmon.config.write_text(without + table(receiver), encoding="utf-8")
            callmon.signal(signal.SIGHUP)
            assert until(lambda: callmon.figure("callmon_webhook_deliveries", webhook="desk", state="dead") == 0)
            exchange.call()
            assert until(lambda: len(receiver.received) == 1), callmon.log.read_text()
            callmon.config.write_text(without, encoding="utf-8")
            callmon.signal(signal.SIGHUP)
            assert until(lambda: callmon.figures("callmon_webhook_deliveries") == {})
            exchange.call()
            assert until(lambda: callmon.total("callmon_calls_total") == 2)
            assert callmon.stop() == 0
        finally:
            callmon.end_everything()
        store = Database(parse_url(callmon.store))
        assert ([row.state for row in stored(store)], len(receiver.received)) == (["done"], 1)
        store.close()


def test_without_a_webhook_nothing_of_it_is_imported_or_read(tmp_path: Path) -> None:
    with FalseExchange() as exchange:
        callmon = WarmCallmon(tmp_path, exchange.port, "secret")
        try:
            callmon.start()
            exchange.call()
            assert until(lambda: callmon.total("callmon_calls_total") == 1)
            assert callmon.figures("callmon_webhook_deliveries") == {}
            assert callmon.stop() == 0
        finally:
            callmon.end_everything()
    code = """
import sys, callmon.daemon.daemon
from callmon.feature import parts
from callmon.site import FEATURES
opened = [*parts(FEATURES, "pages"), *parts(FEATURES, "workers")]
print(sorted(name.rpartition(".")[2] for name in sys.modules if "features.webhooks." in name))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['formats', 'page', 'worker']\n"
