"""What the board of callmon itself must show."""

from __future__ import annotations

import callmon
from callmon.config.standards import ALL_STANDARDS
from tests.boards.scene import Scene
from tests.boards.truths.counting import Near, Row, Truth, at, between, said, today, unheard


def build(scene: Scene) -> list[Row]:
    return [{
        "instance": f"127.0.0.1:{scene.callmon.web_port}", "version": callmon.__version__, "Value #B": 1,
        "Value #C": Near(scene.memory, scene.memory * 0.1, "bytes"), "Value #D": at(scene.started, 3),
        "Value #E": 0,
    }]  # fmt: skip


def ingest(scene: Scene) -> list[Row]:
    """As many as the network had carried when Prometheus looked last, with those of callmon's own listings."""
    least, most = scene.events
    return [{
        "exchange": "toronto", "Value #A": between(least, most), "Value #C": unheard(scene),
        "Value #D": 0, "Value #E": 0,
    }]  # fmt: skip


def corrected(scene: Scene) -> list[Row]:
    return [
        {
            f"title_{scene.language}": said(scene, "standard", name),
            "Value #A": len(today(scene, name)),
            "Value #B": 0,
            "Value #C": 1,
        }
        for name in ALL_STANDARDS
    ]


def sinks(scene: Scene) -> list[Row]:
    """While somebody else holds the tables and no call changes: the heartbeats since then, one a second, and the
    age of the first, when Prometheus looked last. One heartbeat may have been on its way when the hold began.
    """
    begun, asked = scene.reported["held up"]
    most = asked - begun + 1
    least = scene.asked.at(asked).looked - begun - 1
    waiting = between(max(1, int(least)), int(most) + 1)
    return [{"sink": "database", "Value #A": waiting, "Value #B": between(least, most, "seconds"), "Value #C": 0}]


ITSELF: dict[str, Truth] = {
    "Version and role": build,
    "What is heard, by exchange": ingest,
    "Verdicts corrected since callmon was put into service": corrected,
    "Sinks": sinks,
}
