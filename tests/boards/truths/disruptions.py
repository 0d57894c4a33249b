"""What the board of disruptions and gaps must show."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboards.source import disruptions
from dashboards.source.history import LINES
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    Near,
    Row,
    Truth,
    between,
    moment,
    moments,
    over_time,
    titled,
    unheard,
    value,
)


def phones(scene: Scene) -> list[Row]:
    reported = {
        "general": (0, 3, 0), "general-toll-free": (0, 3, 0), "tty": (1, 0, 0), "poci": (1, 1, 0),
        "poci-toll-free": (1, 0, 0), "tty-toll-free": (1, 0, 0),
    }  # fmt: skip
    return [
        {
            f"name_{scene.language}": titled(scene, line),
            **dict(zip(("Value #B", "Value #C", "Value #D"), reported[line], strict=True)),
        }
        for line in LINES
    ]


def boxes(scene: Scene) -> list[Row]:
    """Messages that were left and that nobody has listened to; 500 as asterisk/voicemail.conf allows."""
    left = Counter(
        "504" if c.line.startswith("tty") else "500"
        for c in scene.calls
        if c.outcome == "voicemail_message" and c.name
    )
    return [
        {"exchange": "toronto", "mailbox": box, "Value #A": left[box], "Value #B": 500, "Value #C": 0}
        for box in ("500", "504")
    ]


def unheard_minutes(scene: Scene) -> Near:
    seconds = unheard(scene)
    return Near(seconds.value / 60, seconds.by / 60, "minutes")


def lasted(scene: Scene) -> list[Row]:
    """One disruption is over."""
    began, end = scene.reported["tty"], scene.reported["tty over"]
    rows: list[Row] = []
    for line in LINES:
        least, most = (end[0] - began[1], end[1] - began[0]) if line == "tty" else (0, 0)
        minutes = between(least / 60, most / 60, "minutes")
        rows.append({titled(scene, line): minutes, "Time": moment(scene)})
    return rows


def lasted_table(scene: Scene) -> list[Row]:
    name = f"name_{scene.language}"
    return [
        {"Time": moment(scene), name: key, "Value": minutes}
        for one in lasted(scene)
        for key, minutes in one.items()
        if key != "Time"
    ]


def phones_in_all(scene: Scene) -> list[Any]:
    return [sum(row[f"Value #{letter}"] for row in phones(scene)) for letter in "BCD"]


def states(scene: Scene) -> list[Row]:
    """Open, but for two disruptions that last; an hour of the table is its last moment."""
    name = f"name_{scene.language}"
    return [
        {"Time": moment(scene), name: titled(scene, line), "Value": 3 if line in ("poci", "tty-toll-free") else 1}
        for line in LINES
    ]


LASTED = disruptions.LASTED.title.en
DISRUPTIONS: dict[str, Truth] = {
    "Disruptions going on": value(2),
    "Notice to the public due since": value(lambda s: moments(s.reported["tty-toll-free"])),
    "Measuring, by exchange": lambda s: [{"toronto": 1}],
    # Staff announced both.
    **over_time(disruptions.BY_SOURCE, lambda s: [0, 0, 0, 2, 0]),
    **over_time(disruptions.GAPS, lambda s: [unheard_minutes(s)]),
    "The state of each line (table)": states,
    LASTED: lasted,
    f"{LASTED} (table)": lasted_table,
    **over_time(disruptions.PHONES_OVER_TIME, phones_in_all),
    "Mailboxes": boxes,
    "Phones, by line": phones,
}
