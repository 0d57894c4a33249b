"""Three NATS servers that speak MQTT: the streams of retained messages are on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.nats import NatsCluster, NatsNode
from tests.lab.needed import needed
from tests.support.mqtt_subscriber import MqttBoard
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab
STREAMS = 5


def is_used(node: NatsNode) -> bool:
    """A server has its first client: NATS then makes, or reads, the streams. False: the client was not let in."""
    try:
        with MqttBoard(node.mqtt_port, name="first", qos=0):
            pass
    except (AssertionError, OSError):
        return False
    return True


@pytest.fixture
def cluster() -> Iterator[NatsCluster]:
    with needed("cluster"):
        running = NatsCluster().__enter__()
    with ExitStack() as stack:
        stack.push(running)
        for node in running.nodes:
            assert until(lambda: is_used(node))  # noqa: B023  called at once
        has_all = until(lambda: all(len(node.replicas()) == STREAMS for node in running.nodes))
        assert has_all, [node.replicas() for node in running.nodes]
        yield running


def test_every_stream_is_on_all_nodes(cluster: NatsCluster) -> None:
    with MqttBoard(cluster.nodes[0].mqtt_port) as board:
        board.put("callmon/status", "online")
        found = {stream for node in cluster.nodes for stream in node.replicas()}
        assert found == {
            ("$MQTT_msgs", 3),
            ("$MQTT_out", 3),
            ("$MQTT_qos2in", 3),
            ("$MQTT_rmsgs", 3),
            ("$MQTT_sess", 3),
        }
