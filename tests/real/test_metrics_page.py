"""promtool on the page for Prometheus of a running `callmon run`: before any call and after a real Asterisk's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.exchange import Asterisk
from tests.lab.play import Playing
from tests.lab.prometheus import promtool
from tests.real.test_real_callbacks import leaves
from tests.support.daemon_process import Callmon
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
NOTHING = (0, "", "")


def findings(callmon: Callmon) -> tuple[int, str, str]:
    """What `promtool check metrics` says of the page."""
    status, page = callmon.get("/metrics")
    assert status == 200
    done = promtool("check", "metrics", read=page)
    return done.returncode, done.stdout, done.stderr


def test_promtool_finds_nothing_wrong_before_and_after_calls(fast_exchange: Asterisk, tmp_path: Path) -> None:
    with WarmCallmon(tmp_path, fast_exchange.ami_port, fast_exchange.secret) as callmon:
        assert callmon.total("callmon_calls_total") == 0
        assert findings(callmon) == NOTHING
        with Playing(fast_exchange, [leaves("first")]) as playing:
            playing.wait()
        assert until(lambda: callmon.total("callmon_calls_total") == 1)
        assert until(lambda: callmon.total("callmon_callbacks_open") == 1)
        assert findings(callmon) == NOTHING
