"""An exchange that sends a message without an end, or no message: the daemon takes little memory and goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.hostile_peer import MEGABYTE, MOST_GROWTH, memory_of
from tests.support.store_fixtures import until

PIECES = {
    "header": b"x" * MEGABYTE,
    "headers": b"A: " + b"x" * 60 + b"\r\n",
    "no message": b"\0\r\n\r\n",
    "events": b"Event: PeerStatus\r\nPeer: x\r\n\r\n",
    "long events": b"Event: Newexten\r\nAppData: " + b"x" * 60_000 + b"\r\n\r\n",
}


@pytest.mark.long
@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_sixty_four_megabytes_of_an_exchange_take_twenty_at_most(tmp_path: Path, piece: bytes) -> None:
    with FalseExchange() as exchange, WarmCallmon(tmp_path, exchange.port, "secret") as callmon:
        Path(f"/proc/{callmon.pid}/clear_refs").write_text("5")
        before = memory_of("VmRSS", callmon.pid)
        exchange.send(b"Event: X\r\nA: ")
        for _ in range(64):
            exchange.send(piece * (MEGABYTE // len(piece)))
        exchange.send(b"\r\n\r\n")
        time.sleep(1.0)
        assert callmon.health()[0] in (200, 503)
        assert memory_of("VmHWM", callmon.pid) - before <= MOST_GROWTH
        exchange.call()
        assert until(lambda: callmon.total("callmon_calls_total") == 1), callmon.log.read_text()
