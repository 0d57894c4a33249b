"""callmon and three NATS servers that speak MQTT: one after the other ends without warning, and boards go on.

NATS elects a new leader of what the server led: 4 to 9 s, a constant of NATS. Until then it lets no client in that
needs that leader, and answers a request that was made too early never (4 s later it ends the connection). So what
took how long is printed, and no time is asserted. Two things of NATS 2.10 would make it half a minute, and are
avoided: a subscription with QoS 1, and a server that no board has used since its start. For both NATS makes a
consumer, and takes a server that was killed for alive meanwhile.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.nats import NODES, Address, Cluster
from tests.lab.needed import needed
from tests.real.test_mqtt_broker import callmon_at, is_told
from tests.real.test_real_leader import listed
from tests.support.daemon_process import Callmon
from tests.support.mqtt_subscriber import Board
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab
STREAMS = 5


def is_used(cluster: Cluster, number: int) -> bool:
    """A server has its first client: NATS then makes, or reads, the streams. False: the client was not let in."""
    try:
        with Address(cluster.ports, number) as address, Board(address.port, name="first", qos=0):
            pass
    except (AssertionError, OSError):
        return False
    return True


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with needed("cluster"):
        running = Cluster().__enter__()
    with ExitStack() as stack:
        stack.push(running)
        for number in range(NODES):
            assert until(lambda: is_used(running, number))  # noqa: B023  called at once
        has_all = until(lambda: all(len(node.replicas()) == STREAMS for node in running.nodes))
        assert has_all, [node.replicas() for node in running.nodes]
        yield running


def retained(board: Board) -> dict[str, str]:
    return {topic: payload for topic, payload in board.shown.items() if payload}


def shows_all_of(address: Address, expected: dict[str, str]) -> bool:
    """Whether a board that connects only now is told the same retained topics."""
    try:
        with Board(address.port, name=f"later{time.monotonic_ns()}", qos=0) as later:
            return until(lambda: retained(later) == expected, 2.0)
    except (AssertionError, OSError):  # not let in: NATS elects a leader
        return False


def errors(cluster: Cluster) -> list[str]:
    """What the servers logged of boards, last."""
    lines = [line for node in cluster.nodes for line in node.log.splitlines() if " - mid:" in line]
    return sorted(line[:300] for line in lines if "[ERR]" in line)[-20:]


def crash(cluster: Cluster, number: int, boards: list[Board], address: Address, callmon: Callmon) -> list[float]:
    """Seconds until the board of that server, a new board, and callmon are well again."""
    expected, seconds = retained(boards[number]), list[float]()
    cluster.nodes[number].crash()
    began = time.monotonic()
    boards[number].shown.clear()
    well: list[Callable[[], bool]] = [
        lambda: retained(boards[number]) == expected,
        lambda: shows_all_of(address, expected),
        lambda: callmon.health()[1].get("remarks") == [],
    ]
    for is_well in well:
        differs = sorted(retained(boards[number]).items() ^ expected.items())
        assert until(is_well), (seconds, differs, callmon.health(), errors(cluster))
        seconds.append(time.monotonic() - began)
    assert [retained(board) for board in boards] == [expected] * NODES
    return seconds


def test_each_node_is_killed_and_every_board_shows_the_same_again(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        addresses = [stack.enter_context(Address(cluster.ports, first)) for first in range(NODES)]
        callmon = callmon_at(tmp_path, addresses[0].port)
        stack.callback(callmon.end_everything)
        named = enumerate(addresses)
        boards = [stack.enter_context(Board(one.port, name=f"board{n}", qos=0)) for n, one in named]
        for board in boards:
            assert until(lambda: is_told(board))  # noqa: B023  called at once
        for number, node in enumerate(cluster.nodes):
            seconds = crash(cluster, number, boards, addresses[number], callmon)
            with capsys.disabled():
                told = f"node {number} killed: its board, a new one, callmon after {listed(seconds)} s"
                sys.stdout.write(f"\n{told}")
            node.start()
            assert until(cluster.is_whole)
            assert until(lambda: is_used(cluster, number))  # noqa: B023  called at once
        callmon.stop()
        for board in boards:
            assert until(lambda: is_told(board, "offline"))  # noqa: B023  called at once


def test_every_stream_is_on_all_nodes(cluster: Cluster) -> None:
    with Address(cluster.ports) as address, Board(address.port) as board:
        board.put("callmon/status", "online")
        found = {stream for node in cluster.nodes for stream in node.replicas()}
        assert found == {
            ("$MQTT_msgs", 3),
            ("$MQTT_out", 3),
            ("$MQTT_qos2in", 3),
            ("$MQTT_rmsgs", 3),
            ("$MQTT_sess", 3),
        }
