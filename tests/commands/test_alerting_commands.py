"""`callmon alerting`: hours into Alertmanager's configuration, and the test alert, to a real HTTP server."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from callmon.errors import ConfigError
from callmon.main import main
from callmon.tools import alerting
from callmon.tools.alerting import with_section
from tests.support.hostile_peer import HostilePeer, dripping, flooding, growth_at_most, silent
from tests.unit.test_alerts import EXAMPLE, ROUTES

SECTION = "time_intervals:\n  - name: x\n    time_intervals: []\n"


def command(*words: str) -> Result:
    return CliRunner().invoke(main, ["alerting", *words, "--config", str(EXAMPLE)])


def hours(*words: str) -> Result:
    return command("hours", *words, "--since", "2026-11-24")


# ── hours ──


def test_what_is_printed_is_what_ships() -> None:
    done = hours()
    assert (done.exit_code, done.output) == (0, "time_intervals:\n" + ROUTES.split("\ntime_intervals:\n")[1])


def test_the_file_that_ships_is_right_already_and_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(ROUTES)
    file.chmod(0o400)
    before = file.stat().st_mtime_ns
    done = hours(str(file), "--lang", "en")
    assert (done.exit_code, done.output) == (0, f"{file}: its hours are the calendar's already.\n")
    assert (file.stat().st_mtime_ns, file.read_text()) == (before, ROUTES)


def test_old_hours_in_a_file_are_replaced_and_nothing_else_in_it_is(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(re.sub(r'"(?:25|28)"', '"24"', ROUTES) + "\nlast: here\n")
    file.chmod(0o640)
    done = hours(str(file), "--lang", "fr")
    assert (done.exit_code, done.output.replace("\u00a0", " ")) == (
        0, f"{file} : heures mises à jour; faites relire sa configuration à Alertmanager.\n",
    )  # fmt: skip
    assert (file.read_text(), file.stat().st_mode & 0o777) == (ROUTES + "\nlast: here\n", 0o640)
    assert [path.name for path in tmp_path.iterdir()] == ["alertmanager.yml"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", "\n" + SECTION),
        ("route: {}", "route: {}\n\n" + SECTION),
        ("a: 1\ntime_intervals:\n  - name: old\n", "a: 1\n" + SECTION),
        ("time_intervals:\n- name: old\n\n\n", SECTION),
        ("time_intervals: []\nroute: {}\n", SECTION + "\nroute: {}\n"),
        ("time_intervals:\n  - old\n\n# mine\nroute: {}\n", SECTION + "\n# mine\nroute: {}\n"),
        ("a:\n  time_intervals:\n    - b\n", "a:\n  time_intervals:\n    - b\n\n" + SECTION),
    ],
)
def test_only_the_section_on_the_top_level_is_replaced(written: str, expected: str) -> None:
    assert with_section(written, SECTION) == expected
    assert with_section(expected, SECTION) == expected


def test_two_sections_are_left_to_a_person() -> None:
    with pytest.raises(ConfigError, match="The file has 2 sections time_intervals:; keep one"):
        with_section("time_intervals:\n  - a\nb: 1\ntime_intervals:\n  - c\n", SECTION)


# ── the test alert ──


@contextmanager
def answering(status: int) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A server that answers so; its address, and what it was told."""
    reported: list[tuple[str, Any]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reported.append((self.path, json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taker)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", reported
    finally:
        server.shutdown()
        server.server_close()


def test_a_test_alert_names_its_recipient_and_that_nothing_is_to_do() -> None:
    with answering(200) as (address, reported):
        done = command("test", "--to", "team", "--alertmanager", address + "/", "--lang", "en")
    assert (done.exit_code, done.output) == (0, 'Test handed to Alertmanager: a message must reach "team".\n')
    ((path, (alert,)),) = reported
    assert (path, alert["labels"]) == ("/api/v2/alerts", {"alertname": "CallmonTest", "to": "team"})
    assert alert["annotations"] == {
        "summary_fr": "Essai d’alerte de callmon : vous recevez bien les messages. Rien à faire.",
        "summary": "Test alert of callmon: messages do reach you. Nothing to do.",
    }


def test_what_is_no_alertmanager_is_named_as_such() -> None:
    with answering(404) as (address, _):
        done = command("test", "--alertmanager", address)
    assert (done.exit_code, done.output) == (
        1, f"Le serveur à {address}/api/v2/alerts refuse l’alerte (404 Not Found); "
        "vérifiez que --alertmanager est l’adresse d’Alertmanager.\n",
    )  # fmt: skip


def answered_by(act: Callable[[socket.socket], None]) -> tuple[int, str]:
    with HostilePeer(act) as peer, growth_at_most():
        done = command("test", "--alertmanager", f"http://127.0.0.1:{peer.port}", "--lang", "en")
    assert not done.exception or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output.replace(str(peer.port), "PORT")


def test_no_escape_of_a_server_reaches_the_terminal() -> None:
    said = b"HTTP/1.1 500 \x1b]0;pwned\x07\x1b[2J\r\nContent-Length: 0\r\n\r\n"
    status, output = answered_by(lambda wire: (wire.recv(65536), wire.sendall(said)))
    where = "http://127.0.0.1:PORT/api/v2/alerts"
    assert (status, output) == (
        1, f"The server at {where} refuses the alert (500 ?]0;pwned??[2J); "
        "check that --alertmanager is Alertmanager's address.\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    "act",
    [
        lambda wire: flooding(wire, b"HTTP/1.1 200 OK\r\n"),
        lambda wire: (wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), flooding(wire, b"x")),
        lambda wire: (wire.recv(65536), wire.sendall(b"\x1b]0;x\x07 no HTTP\r\n")),
        silent,
        dripping(b"H"),
    ],
    ids=["endless head", "endless body", "no HTTP", "silent", "slow"],
)
def test_a_server_without_an_end_is_left_in_time_and_reported_of(
    act: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "ANSWER_SECONDS", 1.0)
    status, output = answered_by(act)
    assert (status, output.isascii(), "\x1b" in output) == (1, True, False)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "127.0.0.1:9093", "http://", ""])
def test_an_address_is_one_of_http(address: str) -> None:
    done = command("test", "--alertmanager", address)
    assert (done.exit_code, done.output) == (
        2, f"--alertmanager {address} : écrivez l’adresse comme http://127.0.0.1:9093.\n",
    )  # fmt: skip
