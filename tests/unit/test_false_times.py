"""One exchange that tells impossible times: it alone is affected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callmon.ami.events import LATEST, FullyBooted, instant
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

YEAR_9999 = b"253402300799.000000"
OTHER = """
[exchanges.ottawa]
host = "127.0.0.1"
username = "callmon"
secret_env = "LAB_SECRET"
port = {port}
ping_every = "1s"
"""
# An internal error, planted where the exchange's time is read (`ponged`) or asked for (`time`).
YEAR_2199 = b"7258000000.000000"
PLANTED = """
from callmon.ami.clock import Clock
right = Clock.{name}
def wrong(self, *told):
    if any(at and at[0].year == 2199 for at in [told, self._reported] if at and hasattr(at[0], "year")):
        raise OverflowError("planted")
    return right(self, *told)
Clock.{name} = wrong
"""


@pytest.mark.parametrize(
    ("reported", "kept"),
    [
        ("0", "0"),
        ("86400", "86400"),
        ("1500000000", "1500000000"),
        ("1500000001", ""),
        ("99999999999", ""),
        ("9" * 5000, ""),
        ("-5", ""),
        ("1e9", ""),
        ("1_0", ""),
        ("٣", ""),
        ("", ""),
    ],
)
def test_an_uptime_that_no_exchange_can_have_is_none(reported: str, kept: str) -> None:
    assert FullyBooted(datetime(1991, 1, 2, tzinfo=UTC), reported).uptime == kept


FLOOD = b"Event: FullyBooted\r\nTimestamp: %s\r\nUptime: 99999999999\r\nStatus: Fully Booted\r\n\r\n"
# An internal error in each event of a kind that a test sends.
BROKEN = """
from callmon.core.monitor import Monitor
right = Monitor.feed
def wrong(self, name, event):
    if type(event).__name__ == "FullyBooted" and event.uptime == "7":
        raise ValueError("planted")
    return right(self, name, event)
Monitor.feed = wrong
"""


def test_six_thousand_impossible_uptimes_are_no_error(tmp_path: Path) -> None:
    with FalseExchange() as exchange, WarmCallmon(tmp_path, exchange.port, "secret") as callmon:
        exchange.send(FLOOD % exchange.stamp() * 6000)
        exchange.call()
        assert until(lambda: callmon.total("callmon_calls_total") == 1)
        assert callmon.figure("callmon_faults_total") == 0


def test_a_flood_of_internal_errors_slows_nothing_and_fills_no_log(tmp_path: Path) -> None:
    with FalseExchange() as exchange, FalseExchange() as other:
        callmon = WarmCallmon(tmp_path, exchange.port, "secret", more=OTHER.format(port=other.port))
        callmon.planted = BROKEN
        with callmon:
            assert until(lambda: callmon.figure("callmon_exchange_connected", exchange="ottawa") == 1)
            before = callmon.log.stat().st_size
            flood = FLOOD.replace(b"99999999999", b"7") % exchange.stamp() * 6000
            for _ in range(5):
                exchange.send(flood)
                callmon.get("/healthz")
            other.call()
            assert until(lambda: callmon.total("callmon_calls_total") == 1)
            written = callmon.log.read_text()[before:]
            assert (written.count("Traceback"), len(written) < 20_000) == (1, True), written
            assert "daemon: too many internal errors in an exchange's events; connecting again" in written
            assert 20 <= (callmon.figure("callmon_faults_total") or 0) <= 6000


@pytest.mark.parametrize(
    ("reported", "year"),
    [
        ("662688000", 1991),
        (f"{LATEST.timestamp() - 0.001}", 2199),
        ("662687999.999", None),
        (f"{LATEST.timestamp()}", None),
        ("253402300799", None),
        ("-62135596800", None),
        ("0.000000", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("", None),
        ("noon", None),
        ('"2026-11-24T15:56:01"', None),
        ("[" * 256, None),
    ],
)
def test_a_time_outside_the_years_1991_to_2199_is_none(reported: str, year: int | None) -> None:
    at = instant(reported)
    assert (at and at.year) == year


@contextmanager
def heard(place: Path) -> Iterator[tuple[WarmCallmon, FalseExchange, FalseExchange]]:
    """A daemon, ready to be started, with two exchanges."""
    with ExitStack() as all_of_them:
        toronto, ottawa = (all_of_them.enter_context(FalseExchange()) for _ in range(2))
        callmon = WarmCallmon(place, toronto.port, "secret", more=OTHER.format(port=ottawa.port))
        try:
            yield callmon, toronto, ottawa
        finally:
            callmon.end_everything()


def connected(callmon: WarmCallmon, name: str) -> bool:
    return callmon.figure("callmon_exchange_connected", exchange=name) == 1.0


def test_an_exchange_in_the_year_9999_does_not_silence_the_other(tmp_path: Path) -> None:
    with heard(tmp_path) as (callmon, toronto, ottawa):
        callmon.start()
        assert until(lambda: connected(callmon, "ottawa")), callmon.log.read_text()
        ottawa.reported = YEAR_9999
        asked = ottawa.pings
        assert until(lambda: ottawa.pings >= asked + 3), callmon.log.read_text()
        toronto.call()
        assert until(lambda: callmon.total("callmon_calls_total", line="general") == 1.0), callmon.log.read_text()
        assert (connected(callmon, "ottawa"), callmon.figure("callmon_faults_total")) == (True, 0.0)
        assert callmon.stop() == 0


@pytest.mark.parametrize("name", ["ponged", "time"])
def test_an_internal_error_of_one_exchange_leaves_the_other(tmp_path: Path, name: str) -> None:
    with heard(tmp_path) as (callmon, toronto, ottawa):
        callmon.planted = PLANTED.format(name=name)
        callmon.start()
        assert until(lambda: connected(callmon, "ottawa")), callmon.log.read_text()
        ottawa.reported = YEAR_2199
        assert until(lambda: not connected(callmon, "ottawa")), callmon.log.read_text()
        assert until(lambda: (callmon.figure("callmon_faults_total") or 0) >= 1), callmon.log.read_text()
        assert until(lambda: len(list((tmp_path / "faults").glob("ottawa-*.ami"))) >= 1)
        toronto.call()
        assert until(lambda: callmon.total("callmon_calls_total", line="general") == 1.0), callmon.log.read_text()
        ottawa.reported = None  # its clock is right again: it is heard again
        assert until(lambda: connected(callmon, "ottawa"), 60), callmon.log.read_text()
        assert callmon.stop() == 0
