"""What the board of disruptions and gaps must show."""

from __future__ import annotations

from collections import Counter

from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    LINES,
    Near,
    Row,
    Truth,
    at,
    between,
    in_words,
    lasting,
    midnight,
    said,
    titled,
    today_of,
    value,
)


def disrupted(scene: Scene) -> list[Row]:
    reason = in_words(scene, "panne du fournisseur", "carrier failure")
    missing = in_words(scene, "▲ à donner", "▲ to be given")
    rows: list[Row] = []
    for line in ("poci", "tty-toll-free", "tty"):
        began, end = scene.told[line], scene.told.get(f"{line} over")
        last = end or (scene.asked.now - 1, scene.asked.now)
        rows.append({
            "name": titled(scene, line), "source": said(scene, "disruption", "staff"), "began_at": moments(began),
            "ended_at": moments(end) if end else None,
            "lasted_seconds": between(last[0] - began[1], last[1] - began[0], "seconds"),
            "reason": reason if line == "poci" else missing,
            "notice_seconds": lasting(0, 0) if line == "poci" else None,
        })  # fmt: skip
    return rows


def moments(span: tuple[float, float]) -> Near:
    """As Grafana writes moments: milliseconds."""
    return between(span[0] * 1000, span[1] * 1000, "milliseconds")


def disrupted_by_line(scene: Scene) -> list[Row]:
    rows = [{"name": row["name"], "lasted_seconds": row["lasted_seconds"]} for row in disrupted(scene)]
    return sorted(rows, key=lambda row: -row["lasted_seconds"].value)


def gaps_by_day(scene: Scene) -> list[Row]:
    return [{"time": at(midnight(today_of(scene))), "unheard_seconds": unheard(scene)}]


def unheard(scene: Scene) -> Near:
    """From when the network was cut until it carried again and callmon had noticed."""
    cut, again = scene.told["cut"], scene.told["heard again"]
    return between(again[0] - cut[1], again[1] - cut[0], "seconds")


def phones(scene: Scene) -> list[Row]:
    told = {
        "general": (0, 3, 0), "general-toll-free": (0, 3, 0), "tty": (1, 0, 0), "poci": (1, 1, 0),
        "poci-toll-free": (1, 0, 0), "tty-toll-free": (1, 0, 0),
    }  # fmt: skip
    return [
        {
            f"name_{scene.language}": titled(scene, line),
            **dict(zip(("Value #B", "Value #C", "Value #D"), told[line], strict=True)),
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


DISRUPTIONS: dict[str, Truth] = {
    "Disruptions going on": value(2),
    "Notice to the public owed since": value(lambda s: moments(s.told["tty-toll-free"])),
    "Measuring, by exchange": lambda s: [{"toronto": 1}],
    "Disruptions, the latest first": disrupted,
    "Disrupted time, by line": disrupted_by_line,
    "Unheard time, by day": gaps_by_day,
    "Measurement gaps": lambda s: [
        {"exchange": "toronto", "unheard_seconds": unheard(s), "began_at": moments(s.told["cut"])}
    ],
    "Mailboxes": boxes,
    "Phones, by line": phones,
}
