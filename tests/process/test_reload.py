"""SIGHUP: a running callmon takes over staff, survey and samples, or refuses a mistake and stays as it was."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from callmon.config.settings import load, parse, refuse_what_needs_a_restart
from callmon.daemon.daemon import Daemon
from callmon.errors import ConfigError
from callmon.site import FEATURES
from callmon.store import opening
from callmon.web.app import RELOAD_SECONDS
from tests.support.daemon_process import Callmon, configuration, free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

STAFF = '\n[[staff]]\nextension = "102"\nlanguages = ["fr"]\n'


def enabled(callmon: WarmCallmon, standard: str) -> float | None:
    return callmon.figure("callmon_standard_enabled", standard=standard)


def test_a_reload_takes_over_staff_and_survey_and_refuses_a_mistake(tmp_path: Path) -> None:
    # No exchange answers at this port: the figures do not depend on it.
    callmon = WarmCallmon(tmp_path, free_port(), "secret")
    callmon.start(until_heard=False)
    try:
        assert until(lambda: enabled(callmon, "bilingual_person") == 0.0)
        assert enabled(callmon, "feedback_offered") == 0.0
        text = callmon.config.read_text(encoding="utf-8")
        callmon.config.write_text(
            text.replace("# survey_extensions", "survey_extensions") + STAFF, encoding="utf-8"
        )
        callmon.signal(signal.SIGHUP)
        assert until(lambda: enabled(callmon, "bilingual_person") == 1.0)
        assert enabled(callmon, "feedback_offered") == 1.0
        callmon.config.write_text(text + STAFF + STAFF, encoding="utf-8")
        callmon.signal(signal.SIGHUP)
        assert until(lambda: 'staff[2].extension: "102" is listed' in callmon.log.read_text(encoding="utf-8"))
        assert enabled(callmon, "bilingual_person") == 1.0
    finally:
        callmon.stop()


def test_a_reload_over_http_is_refused_until_the_file_is_right(tmp_path: Path) -> None:
    callmon = Callmon(tmp_path, free_port(), "secret")
    text = callmon.config.read_text(encoding="utf-8").replace("# reload = true", "reload = true")
    callmon.config.write_text(text, encoding="utf-8")
    callmon.start(until_heard=False)
    try:
        successful, at = (
            "callmon_config_last_reload_successful",
            "callmon_config_last_reload_success_timestamp_seconds",
        )
        assert until(lambda: callmon.figure(at))
        began = callmon.figure(at) or 0.0
        assert callmon.figure(successful) == 1.0
        callmon.config.write_text(text + STAFF + STAFF, encoding="utf-8")
        status, reported = posted(callmon, "/-/reload")
        assert (status, 'staff[2].extension: "102" is listed' in reported) == (500, True)
        assert (callmon.figure(successful), callmon.figure(at)) == (0.0, began)
        callmon.config.write_text(text + STAFF, encoding="utf-8")
        time.sleep(RELOAD_SECONDS)
        assert posted(callmon, "/-/reload") == (200, "The configuration was applied.\n")
        assert callmon.figure(successful) == 1.0
        assert (callmon.figure(at) or 0.0) > began
        assert enabled(callmon, "bilingual_person") == 1.0
    finally:
        callmon.stop()


def posted(callmon: Callmon, path: str) -> tuple[int, str]:
    try:
        with urlopen(Request(f"http://127.0.0.1:{callmon.web_port}{path}", b"", method="POST")) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ('survey_extensions = ["750"]', True),
        ('trunks = ["SIP/voisin"]', True),
        ('queue_languages = { francais = "fr" }', True),
        ("port = 5039", False),
        ('host = "10.0.0.2"', False),
        ("tls = true", False),
    ],
)
def test_only_what_reaches_an_exchange_makes_a_new_connection(more: str, same: bool) -> None:
    def exchange(settings: str) -> str:
        host = "" if "host" in settings else 'host = "10.0.0.1"\n'
        return f'[exchanges.toronto]\n{host}secret_env = "X"\n{settings}\n'

    before, now = (parse(exchange(settings)).exchanges["toronto"] for settings in ("", more))
    assert now.is_reached_as(before) is same


def test_another_time_zone_needs_a_restart_for_the_roll_ups() -> None:
    before, now = parse(""), parse('timezone = "America/Vancouver"')
    refuse_what_needs_a_restart(before, before)
    with pytest.raises(ConfigError, match=r"^timezone has changed: restart callmon to change it\.$"):
        refuse_what_needs_a_restart(before, now)


async def test_a_reload_shows_the_lines_that_are_configured_now(tmp_path: Path) -> None:
    file = tmp_path / "callmon.toml"
    text = configuration(free_port(), free_port(), f"sqlite:///{tmp_path}/callmon.db")
    text = text.replace('secret_env = "LAB_SECRET"', f'secret_file = "{tmp_path}/none"')
    file.write_text(text, encoding="utf-8")
    store = await asyncio.to_thread(opening.open_for_writing, load(file))
    daemon = Daemon(load(file), store, FEATURES, file)
    running = asyncio.create_task(daemon.run())
    async with asyncio.timeout(60):
        while not daemon.address:  # noqa: ASYNC110  # a daemon says it to nobody
            await asyncio.sleep(0.05)

    def lines() -> set[str]:
        page = daemon.metrics.render(daemon.metrics.read())[0].decode()
        return set(re.findall(r'^callmon_calls_total\{.*line="([^"]+)"', page, re.MULTILINE))

    before = lines()
    file.write_text(text.replace("[lines.tty]", "[lines.ats]"), encoding="utf-8")
    reported = daemon.reload()
    after = lines()
    daemon.stop()
    await running
    store.close()
    assert (reported, before - after, after - before) == ([], {"tty"}, {"ats"})
