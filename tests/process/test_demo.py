"""The demonstration: what it plays is what was recorded, moved to now; and the command shows it alive."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

import pytest

from callmon.ami.events import StatusComplete
from callmon.ami.framing import END, parse_headers
from callmon.ami.recording import public_numbers
from callmon.ami.session import Session, SessionState
from callmon.config.lines import Lines
from callmon.config.settings import Settings, example
from callmon.core.monitor import Monitor
from callmon.text.labels import LANGUAGES, translate
from callmon.tools.demo import HEADINGS, LONGEST_CALL, ROW, demo_settings, open_every_day
from callmon.tools.demo.access import CONTEXT
from callmon.tools.demo.exchange import USER, DemoExchange
from callmon.tools.demo.schedule import (
    LOAD,
    MORNING,
    TRUNK,
    USUAL,
    CallPace,
    RecordingPlayer,
    calls,
    messages,
    recording,
)
from callmon.tools.replay import Replay

HERE = Path(__file__).parents[1]
TRUTHS = HERE / "recordings"
SHIPPED = HERE.parent / "callmon" / "tools" / "demo" / "recordings"
BEGIN = 1_800_000_000.25
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def said(loops: int) -> list[tuple[float, bytes]]:
    return list(messages(BEGIN, RecordingPlayer(Random(1)), loops))


@pytest.fixture(scope="module")
def two_loops() -> list[tuple[float, bytes]]:
    return said(2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo_settings("127.0.0.1:0", 5038, "secret", tmp_path, datetime.fromtimestamp(BEGIN, UTC))


def concluded(settings: Settings, *parts: bytes) -> list[dict[str, Any]]:
    replay = Replay(Monitor(settings, "demo", every_call=True, token=str), "demo")
    list(replay.connection([BANNER, *parts]))
    return replay.calls()


def truth(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((TRUTHS / f"{name}.truth.json").read_text(encoding="utf-8"))[0]["expect"]
    return expected


def test_the_demonstration_is_open_on_the_closed_days_of_three_years() -> None:
    """Its calls are those of fourteen months, and it may run on New Year's Day."""
    closed = open_every_day("08:30-16:30", 2026)["closed_days_remove"]
    found = [date(year, 12, 25) in closed for year in (2023, 2024, 2025, 2026, 2027)]
    assert found == [False, True, True, True, True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_heads_of_the_printed_calls_stand_in_their_columns(language: str) -> None:
    heads = [translate(x, language, CONTEXT) for x in HEADINGS]
    assert re.split(r" {2,}|(?<=sonnerie) ", ROW[language].format(*heads)) == [*heads]


# ── what is played ──


def test_the_recordings_that_ship_are_those_of_the_morning_and_stay_small() -> None:
    shipped = {path.stem: path.stat().st_size for path in SHIPPED.glob("*.ami")}
    assert sorted(shipped) == sorted(MORNING)
    assert sum(shipped.values()) < 400_000


@pytest.mark.parametrize("pace", [LOAD, USUAL], ids=["load", "usual"])
def test_every_call_of_a_loop_comes_out_as_it_did_when_it_was_recorded(pace: CallPace, settings: Settings) -> None:
    names = {}
    for start, name in calls(BEGIN, 1, pace):
        reported = RecordingPlayer(Random(1)).retimed(recording(name), start)
        names[f"{reported[0][0]:.6f}"] = name
    found = concluded(settings, *(message for _, message in messages(BEGIN, RecordingPlayer(Random(1)), 1, pace)))
    assert len(found) == len(names) == sum(MORNING.values())
    wrong = []
    for call in found:
        name = names[f"{_epoch(call['arrived']):.6f}"]
        expected = truth(name)
        verdicts = {s: v for s, v in (expected.get("verdicts") or {}).items() if s in call["verdicts"]}
        reported = {key: call[key] for key in ("direction", "line", "outcome", "rings") if key in expected}
        if reported != {key: expected[key] for key in reported} or verdicts != call["verdicts"]:
            wrong.append((name, call))
    assert wrong == []


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_calls_come_once_or_twice_a_minute_and_talks_are_longer(settings: Settings) -> None:
    reported = list(messages(BEGIN, RecordingPlayer(Random(1)), 2, USUAL))
    starts = [at for at, _ in calls(BEGIN, 2, USUAL)]
    assert {30 <= after - before <= 60 for before, after in itertools.pairwise(starts)} == {True}
    found = concluded(settings, *(message for _, message in reported))
    talked = [_epoch(x["ended"]) - _epoch(x["answered"]) for x in found if x["answered"]]
    assert 20 <= min(talked) < mean(talked) < max(talked) < LONGEST_CALL.total_seconds()


def test_on_a_bad_day_the_trunk_is_cut_and_no_call_comes_until_it_is_back() -> None:
    reported = list(messages(BEGIN, RecordingPlayer(Random(1)), 1, USUAL._replace(is_cut=True)))
    states = [(at - BEGIN, _header(x, b"State")) for at, x in reported if _header(x, b"Device") == TRUNK.encode()]
    assert states == [(0.0, b"NOT_INUSE"), (90.0, b"UNAVAILABLE"), (690.0, b"NOT_INUSE")]
    begun = [at - BEGIN for at, x in reported if _header(x, b"Event") == b"Newchannel"]
    assert [at for at in begun if 92 <= at < 690] == []
    assert (min(begun) < 90, max(begun) > 690) == (True, True)


def test_the_second_loop_holds_new_calls(settings: Settings, two_loops: list[tuple[float, bytes]]) -> None:
    found = concluded(settings, *(message for _, message in two_loops))
    assert len({call["call"] for call in found}) == 2 * sum(MORNING.values())
    assert [call["call"] for call in found if call["ended"] is None] == []


def test_the_exchange_never_goes_back_in_time_by_more_than_asterisk_does(
    two_loops: list[tuple[float, bytes]],
) -> None:
    times = [float(re.search(rb"\r\nTimestamp: ([0-9.]+)", m)[1]) for _, m in two_loops]  # type: ignore[index]
    backwards = [before - after for before, after in itertools.pairwise(times) if after < before]
    assert max(backwards, default=0.0) <= 0.005
    assert abs(times[0] - BEGIN) < 1.0


def test_nothing_is_left_of_the_time_at_which_it_was_recorded(two_loops: list[tuple[float, bytes]]) -> None:
    recorded = {int(recording(name)[0][0]) // 10_000 for name in MORNING}
    seconds = {int(digits) for _, m in two_loops for digits in re.findall(rb"(?<!\d)1[0-9]{9}(?=\.)", m)}
    assert {second // 10_000 for second in seconds} & recorded == set()
    assert int(BEGIN) <= min(seconds)
    assert max(seconds) < int(BEGIN) + 300


def test_no_channel_and_no_bridge_of_one_call_is_met_in_another(two_loops: list[tuple[float, bytes]]) -> None:
    of: dict[bytes, set[bytes]] = {}
    for _, message in two_loops:
        channel = re.search(rb"\r\nChannel: (\S+)", message)
        unique = re.search(rb"\r\nUniqueid: (\S+)", message)
        if channel and unique:
            of.setdefault(channel[1], set()).add(unique[1])
    assert [name for name, ids in of.items() if len(ids) > 1] == []
    bridges: dict[bytes, set[bytes]] = {}
    for _, message in two_loops:
        bridge = re.search(rb"\r\nBridgeUniqueid: (\S+)", message)
        linked = re.search(rb"\r\nLinkedid: (\S+)", message)
        if bridge and linked:
            bridges.setdefault(bridge[1], set()).add(linked[1])
    assert [name for name, ids in bridges.items() if len(ids) > 1] == []


def test_callers_are_nobody_and_vary(two_loops: list[tuple[float, bytes]]) -> None:
    public = {number.lstrip("+") for number in public_numbers(Lines(example().lines()))}
    numbers = {n.decode() for _, m in two_loops for n in re.findall(rb"(?<![\w.-])9?1?[2-9]\d{9}(?![\w.-])", m)}
    callers = {n for n in numbers if n not in public and n.removeprefix("9") not in public}
    assert [n for n in callers if not re.fullmatch(r"9?1?[2-9]\d{2}55501\d{2}", n)] == []
    assert len(callers) > 60


def test_about_a_dozen_calls_are_up_at_once(two_loops: list[tuple[float, bytes]]) -> None:
    up: Counter[bytes] = Counter()
    counts = []
    for at, message in two_loops:
        event, unique, linked = (_header(message, n) for n in (b"Event", b"Uniqueid", b"Linkedid"))
        if event == b"Newchannel" and unique == linked:
            up[unique] = 1
        elif event == b"Hangup":
            del up[unique]
        if BEGIN + 30 < at < BEGIN + 120:
            counts.append(len(up))
    assert 9 <= mean(counts) <= 15
    assert min(counts) >= 5


def _header(message: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?:^|\r\n)" + name + rb": (.*?)\r\n", message)
    return found[1] if found else b""


# ── how it is spoken to ──


@pytest.mark.parametrize("md5", [True, False])
async def test_callmons_own_session_logs_in_and_has_the_calls_listed(md5: bool) -> None:
    async with DemoExchange() as exchange, asyncio.timeout(60):
        began = time.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        session = Session("demo", USER, exchange.secret, time.monotonic(), md5=md5)
        heard: list[object] = []
        while not any(type(event) is StatusComplete for event in heard):
            heard += session.receive_data(await reader.read(4096), time.monotonic())
            writer.write(session.data_to_send())
        assert session.state is SessionState.LISTENING
        clock = session.exchange_time(time.monotonic())
        assert clock is not None
        assert began - 0.001 <= clock.timestamp() <= time.time() + 0.001  # however late it was read
        writer.close()


async def test_a_wrong_password_is_refused_and_a_stranger_is_reported_nothing() -> None:
    async with DemoExchange() as exchange, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        writer.write(b"Action: Status\r\n\r\nAction: Login\r\nUsername: callmon\r\nSecret: guess\r\n\r\n")
        answer = await reader.read()
        assert answer == BANNER + (
            b"Response: Error\r\nMessage: Permission denied\r\n\r\n"
            b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"
        )
        writer.close()


async def listed(reader: asyncio.StreamReader, event: str) -> list[dict[str, str]]:
    """The messages up to the end of a list."""
    found = [parse_headers(await reader.readuntil(END))]
    while found[-1].get("Event") != event:
        found.append(parse_headers(await reader.readuntil(END)))
    return found


async def test_each_client_hears_calls_of_its_own_and_the_list_has_those_alone() -> None:
    async with DemoExchange() as exchange, asyncio.timeout(60):
        begun: list[set[str]] = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
            secret = exchange.secret.encode()
            writer.write(b"Action: Login\r\nUsername: callmon\r\nSecret: " + secret + b"\r\n\r\n")
            writer.write(b"Action: Status\r\n\r\n")
            assert [x for x in await listed(reader, "StatusComplete") if "Uniqueid" in x] == []
            events: list[dict[str, str]] = []
            while [x.get("Event") for x in events].count("Newchannel") < 3:
                events.append(parse_headers(await reader.readuntil(END)))
            writer.write(b"Action: CoreShowChannels\r\n\r\n")
            events += await listed(reader, "CoreShowChannelsComplete")
            of = {
                name: {x["Uniqueid"] for x in events if x.get("Event") == name}
                for name in ("Newchannel", "Hangup", "CoreShowChannel")
            }
            assert of["CoreShowChannel"] == of["Newchannel"] - of["Hangup"]
            begun.append(of["Newchannel"])
            writer.close()
        assert begun[0] & begun[1] == set()


async def test_a_client_after_one_dropped_in_mid_answer_is_served() -> None:
    async with DemoExchange() as exchange, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        assert await reader.readuntil(b"\r\n") == BANNER
        (listener,) = exchange.listeners
        # Made now, so that the exchange's next connection has the descriptor of the dropped one.
        next_client = socket.socket()
        listener.close()
        listener.data_received(b"Action: Ping\r\n\r\n")
        assert await reader.read() == b""
        next_client.connect(("127.0.0.1", exchange.port))
        reader, next_writer = await asyncio.open_connection(sock=next_client)
        next_writer.write(b"Action: Ping\r\n\r\n")
        assert await reader.readuntil(END) == BANNER + b"Response: Error\r\nMessage: Permission denied\r\n\r\n"
        writer.close()
        next_writer.close()


# ── the command ──


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "callmon", "demo", *options]


def page(address: str, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(address + path, timeout=30) as answer:
        return answer.status, answer.read().decode()


def figures(text: str, name: str) -> Iterator[float]:
    return (float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + "{"))


def test_calls_are_on_the_metrics_page_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    real = tmp_path / "real.db"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "CALLMON_STORE__URL": f"sqlite:///{real}"}
    began = time.monotonic()
    with subprocess.Popen(
        command("--listen", "127.0.0.1:0", "--fast"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            assert demo.stdout is not None
            reported = ""
            while not (found := re.search(r"(http://\S+)/healthz", reported)) and (line := demo.stdout.readline()):
                reported += line
            assert found is not None, reported
            past = sum(figures(page(found[1], "/metrics")[1], "callmon_calls_total"))
            ended = up = 0.0
            while time.monotonic() < began + 240 and not (ended >= 3 and up >= 3):
                time.sleep(0.5)
                _, text = page(found[1], "/metrics")
                ended = sum(figures(text, "callmon_calls_total")) - past
                up = sum(figures(text, "callmon_calls_in_progress"))
            assert (past >= 4000, ended >= 3, up >= 3) == (True, True, True)
            said = [
                path for path in re.findall(rf"{re.escape(found[1])}(/\S*)", reported) if "/months/" not in path
            ]
            assert [path.partition("?")[0] for path in said] == [
                "/en/callbacks", "/en/calls", "/en/", "/fr/", "/metrics", "/healthz",
            ]  # fmt: skip
            assert {page(found[1], path)[0] for path in said} == {200}
            assert list(figures(text, "callmon_exchange_unheard_seconds_total")) == [0.0]
            assert_documented(text)
        finally:
            demo.send_signal(signal.SIGINT)
            rest, complaints = demo.communicate(timeout=60)
    assert (demo.returncode, complaints) == (0, "")
    assert re.search(r"\n\d\d:\d\d:\d\d  \S+ +\w.*  (met|not met|exempt) ", reported + rest)
    assert list(tmp_path.iterdir()) == []


def assert_documented(metrics: str) -> None:
    """`sizes.md` has the size of this page and the number of its series, to a twentieth."""
    written = (Path(__file__).parents[2] / "docs/en/explanation/sizes.md").read_text(encoding="utf-8")
    row = re.search(r"`/metrics` \| (\d+) KB .* \(([\d,]+) series\), (\d+) KB compressed", written)
    assert row is not None
    series = sum(not line.startswith("#") for line in metrics.splitlines())
    packed = len(gzip.compress(metrics.encode()))
    for found, documented in zip((len(metrics) / 1e3, series, packed / 1e3), row.groups(), strict=True):
        assert found == pytest.approx(float(documented.replace(",", "")), rel=0.05)


def test_it_stops_by_itself_when_reported_for_how_long() -> None:
    done = subprocess.run(
        command("--listen", "127.0.0.1:0", "--for", "1s"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_in_use_is_one_sentence_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--listen", f"127.0.0.1:{port}"), capture_output=True, text=True, timeout=120, check=False
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"--listen: 127.0.0.1:{port} cannot be bound")
    assert "callmon demo --listen" in done.stderr
