"""Traces of a running `callmon run`: turned on and off by a reload, and sent again after a kill."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.collector import Collector
from tests.support.daemon_process import Callmon
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until


def with_traces(collector: Collector) -> str:
    return f'\n[traces]\nendpoint = "{collector.endpoint}"\n'


def reload(callmon: Callmon, text: str) -> None:
    callmon.config.write_text(text, encoding="utf-8")
    callmon.signal(signal.SIGHUP)


def test_a_reload_turns_traces_on_and_off(tmp_path: Path) -> None:
    """The calls of the last minutes are sent too: they ended while nobody sent."""
    with (
        Collector() as collector,
        FalseExchange() as exchange,
        WarmCallmon(tmp_path, exchange.port, "secret") as callmon,
    ):
        text = callmon.config.read_text("utf-8")
        exchange.call()
        assert until(lambda: callmon.total("callmon_calls_total") == 1)
        assert callmon.figure("callmon_sink_backlog", sink="traces") is None
        reload(callmon, text + with_traces(collector))
        assert until(lambda: callmon.figure("callmon_sink_backlog", sink="traces") == 0)
        exchange.call()
        assert until(lambda: collector.names() == ["call", "call"])
        assert len(collector.traces()) == 2
        reload(callmon, text)
        assert until(lambda: callmon.figure("callmon_sink_backlog", sink="traces") is None)
        assert callmon.stop() == 0


def test_what_a_killed_callmon_did_not_send_is_sent_after_the_start(tmp_path: Path) -> None:
    with (
        Collector(status=503) as collector,
        FalseExchange() as exchange,
        WarmCallmon(tmp_path, exchange.port, "secret", more=with_traces(collector)) as callmon,
    ):
        exchange.call()
        assert until(lambda: callmon.figure("callmon_sink_backlog", sink="traces") == 1)
        assert until(lambda: callmon.total("callmon_calls_total") == 1)  # it is stored
        callmon.kill()
        collector.status = 200
        callmon.start()
        assert until(lambda: collector.names() == ["call"])
        assert callmon.figure("callmon_sink_refused_total", sink="traces") == 0
