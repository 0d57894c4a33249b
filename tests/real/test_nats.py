"""callmon and three NATS servers that speak MQTT: one after the other ends without warning, and boards go on.

NATS first elects a new leader of its stored messages, which takes seconds. So what took how long is printed, and
`LONGEST` is generous.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.nats import NODES, Address, Cluster, Node
from tests.lab.needed import needed
from tests.real.test_mqtt_broker import callmon_at, is_told
from tests.real.test_real_leader import listed
from tests.support.daemon_process import Callmon
from tests.support.mqtt_subscriber import Board
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab
LONGEST = 60.0
STREAMS = 5


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with needed("cluster"):
        running = Cluster().__enter__()
    with ExitStack() as stack:
        stack.push(running)
        for number in range(NODES):  # each node makes or reads the streams for its first client
            with Address(running.ports, number) as address, Board(address.port, name="first") as first:
                for payload in ("x", ""):
                    first.put("first", payload)
        assert until(lambda: all(len(node.replicas()) == STREAMS for node in running.nodes))
        yield running


def took(condition: Callable[[], bool], began: float) -> float:
    """Seconds since `began` until it is true for the first time."""
    while not condition():
        assert time.monotonic() - began < LONGEST
        time.sleep(0.05)
    return time.monotonic() - began


def retained(board: Board) -> dict[str, str]:
    return {topic: payload for topic, payload in board.shown.items() if payload}


def shows_all_of(address: Address, expected: dict[str, str]) -> bool:
    """Whether a board that connects only now is told the same retained topics."""
    try:
        with Board(address.port, name=f"later{time.monotonic_ns()}") as later:
            return until(lambda: retained(later) == expected, 2.0)
    except (AssertionError, OSError):  # not subscribed: the server waits for an election
        return False


def crash(number: int, node: Node, boards: list[Board], address: Address, callmon: Callmon) -> list[float]:
    """How long it takes until the board of that node, a new board, and callmon are well again."""
    expected = retained(boards[number])
    began = time.monotonic()
    node.crash()
    boards[number].shown.clear()
    seconds = [
        took(lambda: retained(boards[number]) == expected, began),
        took(lambda: shows_all_of(address, expected), began),
        took(lambda: callmon.health()[1].get("remarks") == [], began),
    ]
    until(lambda: all(retained(board) == expected for board in boards))
    assert [sorted(retained(board).items() ^ expected.items()) for board in boards] == [[]] * NODES
    return seconds


def test_each_node_is_killed_and_every_board_shows_the_same_again(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        addresses = [stack.enter_context(Address(cluster.ports, first)) for first in range(NODES)]
        callmon = callmon_at(tmp_path, addresses[0].port)
        stack.callback(callmon.end_everything)
        boards = [stack.enter_context(Board(one.port, name=f"board{n}")) for n, one in enumerate(addresses)]
        for board in boards:
            assert until(lambda: is_told(board))  # noqa: B023  called at once
        for number, node in enumerate(cluster.nodes):
            seconds = crash(number, node, boards, addresses[number], callmon)
            with capsys.disabled():
                sys.stdout.write(
                    f"\nnode {number} killed: its board, a new one, callmon after {listed(seconds)} s"
                )
            if number == NODES - 1:
                break
            node.start()
            assert until(cluster.is_whole)
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
