"""kill -9 of callmon with a callback overdue: the alert stays until callmon is back and says that it is paid."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from callmon.features import actions
from callmon.main import main
from callmon.store import opening
from callmon.store.database import upgrade
from tests.lab.prometheus import Prometheus
from tests.support.daemon_process import free_port
from tests.support.fact_builder import Office
from tests.support.forked_daemon import WarmCallmon
from tests.support.moments import opening_hour
from tests.support.store_fixtures import until, wrote

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
EACH = 5.0  # seconds from one scrape to the next: fifteen as it ships
DOWN = 5  # scrapes that find no callmon
ENTRY = "1700000001.0"  # the first call of an Office
WAITS = "Request noted; it waits for `callmon run`, which is not running or does not answer.\n"
FIRING = 'ALERTS{alertname="CallmonCallbackOverdue",alertstate="firing"}'


class Slower(Prometheus):
    """It scrapes and evaluates every `EACH` seconds."""

    def furnish(self) -> None:
        super().furnish()
        file = self.place / "prometheus.yml"
        configured = file.read_text("utf-8")
        assert configured.count("interval: 1s") == 2
        file.write_text(configured.replace("interval: 1s", f"interval: {EACH:.0f}s"), "utf-8")

    def samples(self, selector: str) -> list[tuple[float, float]]:
        """(moment, value) of each sample of a selector's one series."""
        found = self.get(f"/api/v1/query?{urlencode({'query': selector + '[10m]'})}")["data"]["result"]
        return [(float(at), float(value)) for one in found for at, value in one["values"]]


def test_an_overdue_callbacks_alert_outlives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    callmon = WarmCallmon(tmp_path, free_port(), "secret")
    monkeypatch.setenv("LAB_SECRET", "secret")
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.1)
    upgrade(callmon.store).close()
    store = opening.open_for_writing(callmon.settings())
    office = Office()
    office.hear(office.message(opening_hour(datetime.now(UTC), days=9), language="fr"))  # overdue by either clock
    wrote(store, *office.outcomes)
    store.close()
    with Slower(f"127.0.0.1:{callmon.web_port}", ()) as prometheus:
        try:
            callmon.start(until_heard=False)
            assert until(lambda: prometheus.samples(FIRING) != [], 120)
            callmon.kill()
            killed = time.time()
            words = ["callbacks", "attempt", ENTRY, "--result", "spoke", "--by", "m.tremblay", "--lang", "en"]
            noted = CliRunner().invoke(main, [*words, "--config", str(callmon.config)])
            assert (noted.exit_code, noted.output) == (0, WAITS)
            assert until(lambda: len(since(prometheus, killed, 0.0)) >= DOWN, 120)
            back_after = time.time()
            callmon.start(until_heard=False)
            assert until(lambda: len(since(prometheus, back_after, 1.0)) >= 4, 120)
        finally:
            callmon.end_everything()
        first, second, *_ = since(prometheus, back_after, 1.0)
        fired = [at for at, _ in prometheus.samples(FIRING)]
    assert [at for at in fired if at > second + EACH / 2] == []
    while_down = [at for at in fired if killed <= at <= first]
    assert len(while_down) >= DOWN
    assert max(b - a for a, b in pairwise(while_down)) < 1.5 * EACH


def since(prometheus: Slower, moment: float, up: float) -> list[float]:
    """The moments, after that one, of the scrapes that found callmon up (1) or down (0)."""
    return [at for at, value in prometheus.samples('up{job="callmon"}') if at > moment and value == up]
