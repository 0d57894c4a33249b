"""Three NATS servers that speak MQTT: retained state is in JetStream, on each of them."""

from __future__ import annotations

import json
import socket
import urllib.error
from collections.abc import Sequence
from contextlib import ExitStack

from tests.lab.ports import free_port
from tests.lab.server import Server, ServerGroup
from tests.lab.site import HOME

NODES = 3


class NatsNode(Server):
    """`port` is that of its monitoring pages, `mqtt_port` what a board connects to."""

    program = "nats-server"
    debian = "cluster"
    ready = "/varz"

    def __init__(self) -> None:
        super().__init__()
        self.mqtt_port, self.route, self._client_port = (free_port(socket.SOCK_STREAM, HOME) for _ in range(3))
        self.peers: Sequence[NatsNode] = ()

    def furnish(self) -> None:
        configuration = {
            "server_name": f"node-{self.port}",
            "listen": f"{HOME}:{self._client_port}",
            "http": f"{HOME}:{self.port}",
            "jetstream": {"store_dir": self.inside("data")},
            "cluster": {
                "name": f"callmon-{self.peers[0].port}",  # another one whose port was free before is refused
                "listen": f"{HOME}:{self.route}",
                "routes": [f"nats://{HOME}:{peer.route}" for peer in self.peers if peer is not self],
            },
            "mqtt": {"listen": f"{HOME}:{self.mqtt_port}", "stream_replicas": NODES},
        }
        (self.place / "nats.conf").write_text(json.dumps(configuration))

    def options(self) -> list[str]:
        return ["--config", self.inside("nats.conf")]

    def is_whole(self) -> bool:
        """Whether it has every stream, and all of each."""
        try:
            return bool(self.get("/healthz")["status"] == "ok")
        except (urllib.error.URLError, OSError):
            return False

    def replicas(self) -> list[tuple[str, int]]:
        """The streams that this server has, each with its number of replicas."""
        accounts = self.get("/jsz?accounts=true&streams=true&config=true")["account_details"]
        found = [stream for account in accounts for stream in account.get("stream_detail", ())]
        return [(stream["name"], stream["config"]["num_replicas"]) for stream in found]


class NatsCluster(ServerGroup):
    """`with Cluster() as cluster:` has NODES servers that have found each other."""

    def start(self, stack: ExitStack) -> None:
        self.nodes = [NatsNode() for _ in range(NODES)]
        for node in self.nodes:
            node.peers = self.nodes
            stack.enter_context(node)

    def fault(self) -> str:
        return f"the NATS servers do not find each other: {self.nodes[0].log[-500:]}"

    def is_whole(self) -> bool:
        return all(node.is_whole() for node in self.nodes)
