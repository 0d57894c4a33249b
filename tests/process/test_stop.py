"""SIGTERM ends callmon within 20 s, whatever the peers do: mail server, notice's folder, database."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.engine import make_url

from tests.process.test_public_notice_process import PublishingCallmon
from tests.process.test_report_mail_process import MailingCallmon
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.hostile_peer import HostilePeer, dripping, silent
from tests.support.store_fixtures import until

PATIENCE = 400.0


@pytest.mark.parametrize("act", [silent, dripping(b"2", seconds=PATIENCE)], ids=["silent", "slow"])
def test_a_mail_server_that_never_ends_an_answer_does_not_hold_the_stop(
    tmp_path: Path, act: Callable[[socket.socket], None]
) -> None:
    with HostilePeer(act) as peer:
        callmon = MailingCallmon(tmp_path, cast(Any, peer))
        callmon.set_clock(timedelta())
        try:
            callmon.start(until_heard=False)
            assert until(lambda: peer.connections == 1, PATIENCE), callmon.log.read_text()
            assert callmon.stop() == 0, callmon.log.read_text()
        finally:
            callmon.end_everything()


def test_a_notice_locked_by_another_program_does_not_delay_the_stop(tmp_path: Path) -> None:
    with FalseExchange() as exchange:
        callmon = PublishingCallmon(tmp_path, exchange.port)
        callmon.notice.mkdir()
        folder = os.open(callmon.notice, os.O_RDONLY)
        file = os.open(callmon.notice / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            fcntl.flock(file, fcntl.LOCK_EX)
            callmon.start()
            time.sleep(3.0)  # it has tried to publish
            assert callmon.stop() == 0, callmon.log.read_text()
        finally:
            callmon.end_everything()
            os.close(folder)
            os.close(file)


class StoppedWire:
    """A way to a server, which passes everything on until it falls silent: then it takes and gives nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._to, self.is_silent = (host, port), threading.Event()

    def act(self, client: socket.socket) -> None:
        with socket.create_connection(self._to) as server:
            other = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            other.start()
            self._pass(client, server)
            other.join()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self.is_silent.is_set():
                    time.sleep(0.1)
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_database_that_falls_silent_does_not_hold_the_stop(tmp_path: Path, url: str) -> None:
    server = make_url(url)
    wire = StoppedWire(server.host or "127.0.0.1", server.port or 5432)
    with HostilePeer(wire.act) as peer, FalseExchange() as exchange:
        way = server.set(host="127.0.0.1", port=peer.port, query={}).render_as_string(hide_password=False)
        callmon = WarmCallmon(tmp_path, exchange.port, "secret", store=way)
        try:
            callmon.start()
            wire.is_silent.set()
            time.sleep(3.0)
            assert callmon.stop() == 0, callmon.log.read_text()
        finally:
            wire.is_silent.clear()
            callmon.end_everything()


def test_a_database_locked_by_another_program_does_not_delay_the_stop(tmp_path: Path) -> None:
    import sqlite3

    with FalseExchange() as exchange:
        callmon = WarmCallmon(tmp_path, exchange.port, "secret")
        try:
            callmon.start()
            other = sqlite3.connect(tmp_path / "callmon.db", isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            exchange.leave()
            time.sleep(1.0)
            assert callmon.stop() == 0, callmon.log.read_text()
            other.close()
        finally:
            callmon.end_everything()
