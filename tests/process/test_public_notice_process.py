"""The public notice of a running daemon: it follows what staff announce and what callmon hears."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from callmon.main import main
from tests.support.daemon_process import free_port
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until


class PublishingCallmon(WarmCallmon):
    """A daemon whose public notice is in `notice`."""

    def __init__(self, place: Path, port: int) -> None:
        super().__init__(place, port, "secret")
        self.notice = place / "notice"
        text = self.config.read_text(encoding="utf-8")
        text = text.replace("[disruptions] ", f'[disruptions]\npublish = "{self.notice}"\n')
        self.config.write_text(text, encoding="utf-8")

    def reported(self) -> dict[str, Any]:
        """The published JSON; {} while there is none."""
        path = self.notice / "disruptions.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def test_a_notice_is_published_within_seconds_of_each_change(tmp_path: Path) -> None:
    with FalseExchange() as exchange, PublishingCallmon(tmp_path, exchange.port) as callmon:
        assert until(lambda: "public notice: not written" in callmon.log.read_text(encoding="utf-8"))
        assert callmon.health()[1]["remarks"] == [
            f"The public notice in {callmon.notice} is not up to date (No such file or directory). Give callmon a "
            "folder in which it may write: [disruptions] publish."
        ]
        callmon.notice.mkdir()
        assert until(lambda: callmon.reported() != {}), callmon.log.read_text()
        assert (callmon.reported()["heard"], callmon.reported()["disruptions"]) == (True, [])
        words = ["disruptions", "announce", "--line", "tty", "--reason-fr", "panne", "--reason-en", "failure"]
        done = CliRunner().invoke(main, [*words, "--by", "m", "--config", str(callmon.config)])
        assert (done.exit_code, done.stderr) == (0, "")
        assert until(lambda: len(callmon.reported()["disruptions"]) == 1)
        assert callmon.reported()["disruptions"][0]["reason"] == {"fr": "panne", "en": "failure"}
        assert "Motif : panne" in (callmon.notice / "index.html").read_text(encoding="utf-8").replace("\xa0", " ")
        exchange.leave()
        assert until(lambda: not callmon.reported()["heard"])


def test_a_daemon_that_hears_no_exchange_does_not_publish_that_all_is_well(tmp_path: Path) -> None:
    callmon = PublishingCallmon(tmp_path, free_port())
    os.mkdir(callmon.notice)
    try:
        callmon.start(until_heard=False)
        assert until(lambda: callmon.reported() != {}), callmon.log.read_text()
        assert callmon.reported()["heard"] is False
        page = (callmon.notice / "disruptions.html").read_text(encoding="utf-8")
        assert ("No disruption is known" in page, "Monitoring of the telephone lines is interrupted" in page) == (
            False, True,
        )  # fmt: skip
    finally:
        callmon.end_everything()
