"""A real Asterisk: its phones go, its trunk's far end goes, it stops, it crashes: all on record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.exchange import Asterisk
from tests.lab.leg import Leg
from tests.lab.mosquitto import Mosquitto
from tests.lab.proxy import Proxy
from tests.lab.site import HOME, TRUNK_ADDRESS
from tests.lab.station import Station
from tests.support.daemon_process import ROOT, Callmon
from tests.support.mqtt_subscriber import MqttBoard
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab

NUMBERS = 'numbers = ["416 327-2422"]'
TRUNKS = 'trunks = ["PJSIP/trunk*"]'
LASTS = 2.0  # the setting `after` of this test
SOON = 120.0  # the bound of each wait for a condition
TEXTS = ("--reason-fr", "panne de courant", "--reason-en", "power failure", "--alternative-fr",
         "composez le numéro sans frais", "--alternative-en", "call the toll-free number")  # fmt: skip


def lived(exchange: Asterisk, place: Path, broker: Mosquitto, link: Proxy) -> Callmon:
    more = f'\n[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
    callmon = Callmon(place, link.port, exchange.secret, more=more)
    text = callmon.config.read_text()
    text = text.replace(NUMBERS, f'{NUMBERS}\nextensions = ["101", "102"]', 1)
    text = text.replace('# series = "slim"', 'series = "all"', 1)
    text = text.replace(TRUNKS, 'trunks = ["PJSIP/trunk"]', 1)
    callmon.config.write_text(text.replace('# after = "10s"', f'after = "{LASTS:g}s"', 1))
    return callmon


def command(callmon: Callmon, *words: str) -> list[dict[str, Any]]:
    """A command as an officer on call gives it; what it shows, as JSON."""
    arguments = [sys.executable, "-m", "callmon", "disruptions", *words, "--json", "--config", str(callmon.config)]
    done = subprocess.run(
        arguments, cwd=callmon.place, env={**os.environ, "PYTHONPATH": str(ROOT), "LAB_SECRET": "x"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


async def nobody(leg: Leg) -> None:
    """Nobody calls in this test."""


class DisruptionScene:
    """The phones, the trunk's far end, and a callmon that is looked at without holding them up."""

    def __init__(self, exchange: Asterisk, callmon: Callmon, link: Proxy) -> None:
        self.exchange, self.callmon, self.link = exchange, callmon, link
        self.phones = Station(HOME, exchange.ports.phones, self._sip, exchange.secrets.phones, nobody)
        self.far_end = Station(TRUNK_ADDRESS, exchange.ports.trunk, self._sip, "", nobody)

    @property
    def _sip(self) -> tuple[str, int]:
        return HOME, self.exchange.ports.sip

    async def open(self) -> None:
        await self.phones.open()
        await self.far_end.open()
        await self.register(3600, "101", "102")
        await self.qualify()

    async def register(self, seconds: int, *phones: str) -> None:
        for phone in phones:
            await self.phones.register(phone, seconds)

    async def qualify(self) -> None:
        """The exchange asks by itself once a day (`tests.lab.site`)."""
        await asyncio.to_thread(self.exchange.cli, "pjsip qualify trunk")

    async def until_open(self, source: str, count: float, line: str = "general") -> None:
        """Waits until so many disruptions of the line come from this."""
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            if await asyncio.to_thread(self._open, line, source) == count:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"callmon_disruptions_open of {line}, {source} did not become {count}")

    def _open(self, line: str, source: str) -> float | None:
        return self.callmon.figure("callmon_disruptions_open", line=line, source=source)

    async def asked(self, *words: str) -> list[dict[str, Any]]:
        return await asyncio.to_thread(command, self.callmon, *words)

    async def listed(self, count: int, *words: str) -> list[dict[str, Any]]:
        """What callmon saw, once so many are stored: a row may come after its figure."""
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            found = [one for one in await self.asked("list", *words) if one["source"] != "work"]
            if len(found) == count:
                return found
        raise AssertionError(f"callmon disruptions list {' '.join(words)} did not show {count}: {found}")

    async def over(self, count: int = 1) -> dict[str, Any]:
        """The last of so many that are over."""
        return (await self.listed(count, "--state", "over"))[-1]


@pytest.fixture
async def run(
    exchange: Asterisk, tmp_path: Path
) -> Callable[[Callable[[DisruptionScene, MqttBoard], Awaitable[None]]], Awaitable[None]]:
    async def play(story: Callable[[DisruptionScene, MqttBoard], Awaitable[None]]) -> None:
        with Mosquitto() as broker, MqttBoard(broker.port) as board, Proxy(exchange.ami_port) as link:
            scene = DisruptionScene(exchange, lived(exchange, tmp_path, broker, link), link)
            await scene.open()
            try:
                await asyncio.to_thread(scene.callmon.start)
                await story(scene, board)
                assert await asyncio.to_thread(scene.callmon.stop) == 0
            finally:
                await asyncio.to_thread(scene.callmon.end_everything)
                await scene.phones.close()
                await scene.far_end.close()

    return play


Play = Callable[[Callable[[DisruptionScene, MqttBoard], Awaitable[None]]], Awaitable[None]]


async def test_phones_that_go_are_on_record_and_the_public_is_reported(run: Play) -> None:
    async def story(scene: DisruptionScene, board: MqttBoard) -> None:
        await scene.until_open("phones", 0.0)
        went = time.time()
        await scene.register(0, "101", "102")
        await scene.until_open("phones", 1.0)
        since = scene.callmon.figure("callmon_disruption_unannounced_since_timestamp_seconds", line="general")
        assert since is not None
        assert went - 1 < since < time.time()  # the exchange's clock is known to some milliseconds
        await scene.listed(1)
        (one,) = await scene.asked("announce", *TEXTS, "--for", "2h", "--by", "m.tremblay")
        assert (one["missing"], one["by"], one["state"]) == ([], "m.tremblay", "going_on")
        assert 0 < one["seconds_to_notice"] < time.time() - since
        unannounced = "callmon_disruption_unannounced_since_timestamp_seconds"
        await reported(lambda: scene.callmon.figure(unannounced, line="general") is None)
        topic = f"callmon/disruptions/{one['id']}"
        await reported(lambda: topic in board.topics("callmon/disruptions/") and not board.json(topic)["missing"])
        assert board.json(topic)["reason"] == {"fr": "panne de courant", "en": "power failure"}
        await scene.register(3600, "102")
        await scene.until_open("phones", 0.0)
        over = await scene.over()
        assert (over["source"], over["lines"], over["ended_how"]) == ("phones", ["general"], "over")
        await reported(lambda: board.topics("callmon/disruptions/") == [])
        await reported(
            lambda: scene.callmon.figure("callmon_disruptions_total", line="general", source="phones") == 1.0
        )

    await run(story)


async def reported(what: Callable[[], bool]) -> None:
    assert await asyncio.to_thread(until, what)


async def test_a_trunk_whose_far_end_goes_disrupts_every_line(run: Play) -> None:
    async def story(scene: DisruptionScene, board: MqttBoard) -> None:
        await scene.until_open("trunk", 0.0)
        await scene.far_end.close()
        await scene.qualify()
        await scene.until_open("trunk", 1.0, "tty")
        scene.far_end = Station(
            TRUNK_ADDRESS, scene.exchange.ports.trunk, (HOME, scene.exchange.ports.sip), "", nobody
        )
        await scene.far_end.open()
        await scene.qualify()
        await scene.until_open("trunk", 0.0, "tty")
        over = await scene.over()
        assert (over["source"], len(over["lines"]), over["ended_how"]) == ("trunk", 6, "over")

    await run(story)


async def test_a_stopped_exchange_is_a_disruption_and_a_cut_link_is_not(run: Play) -> None:
    async def story(scene: DisruptionScene, board: MqttBoard) -> None:
        await scene.until_open("exchange", 0.0)
        (work,) = await scene.asked(
            "plan", "2099-12-01 02:00", "04:00", "--line", "tty", *TEXTS, "--by", "m.tremblay"
        )
        assert (work["state"], work["seconds_to_notice"]) == ("planned", 0.0)
        (none,) = await scene.asked("end", work["id"], "--by", "m.tremblay")
        assert none["state"] == "cancelled"
        await asyncio.to_thread(scene.exchange.halt)
        await scene.until_open("exchange", 1.0)
        (one,) = await scene.listed(1)
        assert (one["source"], one["confirmed"], len(one["lines"])) == ("exchange", True, 6)
        await asyncio.to_thread(scene.exchange.start)
        await scene.until_open("exchange", 0.0)
        over = await scene.over(1)
        assert (over["id"], over["ended_how"]) == (one["id"], "over")
        await asyncio.to_thread(scene.exchange.crash)
        await scene.until_open("exchange", 1.0)
        (crashed,) = await scene.listed(1)
        assert crashed["confirmed"] is None
        await asyncio.to_thread(scene.exchange.start)
        await scene.until_open("exchange", 0.0)
        over = await scene.over(2)
        assert (over["id"], over["ended_how"], over["confirmed"]) == (crashed["id"], "over", True)
        scene.link.refuse()
        scene.link.cut()
        await scene.until_open("exchange", 1.0)
        scene.link.allow()
        await scene.until_open("exchange", 0.0)
        over = await scene.over(3)
        assert (over["ended_how"], over["confirmed"], over["state"]) == ("measuring", False, "cancelled")
        await reported(
            lambda: scene.callmon.figure("callmon_disruptions_total", line="tty", source="exchange") == 2.0
        )

    await run(story)
