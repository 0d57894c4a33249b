"""More channels at once than callmon follows: later calls are followed, and /healthz says what is given up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from callmon.ami import events as e
from callmon.ami.framing import END
from callmon.core.calls.channels import MAX_CHANNELS
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from tests.support.ami_builders import MORNING, listener
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

EXCHANGE = "toronto"
SENTENCE = (
    f"The exchange toronto has {MAX_CHANNELS} channels without a hang-up: each new channel replaces "
    "the one that has been idle longest."
)


def newchannel(uniqueid: str, exten: str = "", state: str = "0") -> e.Newchannel:
    return e.Newchannel(
        MORNING, f"PJSIP/trunk-{uniqueid}", state, "4165550101", "", "en", "", exten, uniqueid, uniqueid
    )


def crowded(first: list[e.Newchannel]) -> Monitor:
    """As many channels as are followed, none of which ends."""
    monitor = listener()
    for event in [*first, *(newchannel(f"9.{n}") for n in range(MAX_CHANNELS - len(first)))]:
        monitor.feed(EXCHANGE, event)
    return monitor


def heard(monitor: Monitor, *events: e.Event) -> list[Outcome]:
    return [outcome for event in events if (outcome := monitor.feed(EXCHANGE, event)) is not None]


def ended(uniqueid: str) -> e.Hangup:
    return e.Hangup(MORNING + timedelta(seconds=5), "en", "", "4163272422", uniqueid, "16")


def test_a_call_is_followed_though_too_many_channels_have_not_ended() -> None:
    monitor = crowded([])
    reported = heard(monitor, newchannel("1.1", "4163272422", "4"), ended("1.1"))
    assert [call.outcome for outcome in reported for call in outcome.calls] == ["announcement"]
    crowd = monitor.exchanges[EXCHANGE].tracker.state.limit
    exchange = monitor.exchanges.get(EXCHANGE)
    assert exchange is not None
    assert (len(exchange.tracker.state.legs), crowd.given_up, crowd.is_full) == (MAX_CHANNELS - 1, 1, False)


def test_the_channel_longest_without_an_event_is_given_up_first() -> None:
    calls = [newchannel(name, "4163272422", "4") for name in ("1.1", "1.2")]
    monitor = crowded(calls)
    heard(monitor, e.Newstate(MORNING, "4", "en", "", "", "1.1"))
    reported = heard(monitor, newchannel("1.3"))
    assert [(call.call, call.outcome) for outcome in reported for call in outcome.calls] == [("1.2", "unknown")]
    reported = heard(monitor, ended("1.1"))
    assert [(call.call, call.outcome) for outcome in reported for call in outcome.calls] == [
        ("1.1", "announcement")
    ]


def test_memory_is_bounded_however_many_channels_do_not_end() -> None:
    monitor = crowded([])
    for n in range(5_000):
        monitor.feed(EXCHANGE, newchannel(f"8.{n}", "4163272422"))
    exchange = monitor.exchanges.get(EXCHANGE)
    assert exchange is not None
    assert (len(exchange.tracker.state.legs), len(exchange.tracker.state.unborn)) == (MAX_CHANNELS, 5_000)


def test_healthz_reports_given_up_channels_and_a_later_call_counts(tmp_path: Path) -> None:
    one = b"Event: Newchannel\r\nChannel: PJSIP/trunk-1\r\nChannelState: 0\r\nUniqueid: 9.%d\r\nLinkedid: 9.1"
    one += END
    with FalseExchange() as exchange, WarmCallmon(tmp_path, exchange.port, "secret") as callmon:
        for begin in range(0, MAX_CHANNELS, 10_000):
            exchange.send(b"".join(one % n for n in range(begin, begin + 10_000)))
        assert until(lambda: SENTENCE in str(callmon.health()[1]), 120), callmon.log.read_text()
        assert callmon.health()[0] == 503
        exchange.call()
        assert until(lambda: callmon.total("callmon_calls_total", line="general") == 1.0, 60)
