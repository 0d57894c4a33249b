"""`callmon run` of a site without a feature: it starts, hears a call, judges it and shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.daemon_process import Callmon
from tests.support.fake_exchange import FalseExchange
from tests.support.store_fixtures import until

OPTIONAL = ("months", "questions", "webhooks")
RUN = """
from callmon import site
site.FEATURES = tuple(x for x in site.FEATURES if x.package.rpartition(".")[2] not in {taken})
from callmon.main import main
main(prog_name="callmon")
"""


@pytest.mark.parametrize("taken", [*((name,) for name in OPTIONAL), OPTIONAL], ids=" ".join)
def test_a_site_without_a_feature_hears_judges_and_shows(taken: tuple[str, ...], tmp_path: Path) -> None:
    with FalseExchange() as exchange:
        callmon = Callmon(tmp_path, exchange.port, "secret")
        callmon.command = [sys.executable, "-c", RUN.format(taken=taken)]
        with callmon:
            exchange.call()
            assert until(lambda: callmon.total("callmon_calls_total") == 1)
            judged = callmon.total("callmon_verdicts_total", standard="answer_by_third_ring")
            pages = [
                callmon.get(path)[0]
                for path in ("/en/", "/en/calls", "/en/promises", *(f"/en/{x}" for x in taken))
            ]
            stopped = callmon.stop()
    assert (judged, pages, stopped) == (1, [200, 200, 200, *(404 for _ in taken)], 0)
