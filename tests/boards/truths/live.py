"""What the wall screen must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from dashboards.source import live
from tests.boards.day import WITHIN, Happened
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    OBLIGATIONS,
    TO_CALL,
    Row,
    Truth,
    at,
    between,
    in_words,
    lasting,
    opened_at,
    over_time,
    played,
    value,
    voice_today,
)
from tests.support.year import A, B, T, V

POCI = "POCI", "OINP"  # its abbreviation: the whole name is not read from three metres
OUTCOMES = (
    {"answered"},
    {"voicemail_message"},
    {"voicemail_no_message", "voicemail"},
    {"abandoned", "no_answer"},
    {"busy", "failed", "lost"},
    {"announcement", "unknown"},
)
CAUSES = (
    *("nobody_free", "rang_unanswered", "no_phone_reachable", "sent_to_voicemail_early", "late_hunting", "other"),
)


def by_outcome(calls: Iterable[Happened]) -> list[Any]:
    reported = Counter(call.outcome for call in calls)
    return [sum(reported[key] for key in keys) for keys in OUTCOMES]


def by_cause(verdicts: Iterable[tuple[str, str, str]]) -> list[Any]:
    """Of verdict, reason and cause."""
    reported = Counter(cause for verdict, _, cause in verdicts if verdict == "not_met")
    return [reported[key] for key in CAUSES]


def opening(scene: Scene) -> list[Row]:
    office, change = in_words(scene, "Bureau", "Office"), in_words(scene, "prochain changement", "next change")
    return [{office: 1}, {change: at(scene.closes.timestamp())}]


def promise(scene: Scene, standard: str, fr: str, en: str, counted: str = "met") -> list[Row]:
    verdicts = [c.verdicts[standard][0] for c in voice_today(scene) if standard in c.verdicts]
    both = verdicts.count("met") + verdicts.count("not_met")
    return [{in_words(scene, fr, en): verdicts.count(counted)}, {in_words(scene, "sur", "of"): both}]


def now_rows(scene: Scene) -> list[Row]:
    """Two ring, one waits in a queue, one talks; the phones of the configuration."""
    # It waits from when the queue took it: on a busy machine seconds after the INVITE.
    invited = played(scene, "still_waits")[0].invited
    waited = between(scene.asked.looked - invited - 3.0, scene.asked.now - invited, "seconds")
    name = f"name_{scene.language}"
    general = {name: in_words(scene, "Renseignements généraux", "General inquiries")}
    return [
        {**general, "mode": "voice", "Value #C": 2, "Value #B": 3, "Value #D": 1, "Value #E": waited,
         "Value #F": 0, "Value #G": 0, "Value #H": 3, "Value #I": 0},
        {**general, "mode": "tty", "Value #C": 0, "Value #B": None, "Value #D": 0, "Value #E": None,
         "Value #F": 0, "Value #G": 1, "Value #H": 1, "Value #I": 0},
        {name: in_words(scene, *POCI), "mode": "voice", "Value #C": 0, "Value #B": None, "Value #D": 0,
         "Value #E": None, "Value #F": 1, "Value #G": 1, "Value #H": 2, "Value #I": 0},
    ]  # fmt: skip


def next_callback(scene: Scene) -> list[Row]:
    due = min(opened_at(scene, one) for one in TO_CALL) + WITHIN
    before, left = in_words(scene, "avant", "before"), in_words(scene, "il reste", "time left")
    return [{"": "A", before: at(due, 1.5)}, {"": "B", left: lasting(0, 0)}]


CALLBACKS_NOW: dict[str, Truth] = {
    "Next callback to make": next_callback,
    "Callbacks to make": value(len(TO_CALL)),
    "Due soon": value(sum(one.soon for one in OBLIGATIONS)),
    "Overdue callbacks": value(sum(one.overdue for one in OBLIGATIONS)),
}
LIVE: dict[str, Truth] = {
    "Opening hours": opening,
    "Time": value(lambda s: at(s.asked.now, 0.001)),
    "Measuring": value(1),
    "Service disruption": value(2),
    "Now, by service": now_rows,
    "Today: before the 4th ring": lambda s: promise(s, A, "avant la 4e", "before the 4th"),
    "Today: voicemail on time": lambda s: promise(s, V, "à temps", "on time"),
    "Today: redirected too often": lambda s: promise(s, T, "plus d’une fois", "more than once", "not_met"),
    "Today: in French": lambda s: promise(s, B, "en français", "in French"),
    **CALLBACKS_NOW,
    **over_time(live.OFFERED, lambda s: by_outcome(c for c in voice_today(s) if c.is_over)),
    **over_time(live.CAUSES, lambda s: by_cause(c.verdicts[A] for c in voice_today(s) if A in c.verdicts)),
    # Two ring, one waits in a queue, one talks.
    **over_time(live.IN_PROGRESS, lambda s: [2, 1, 1, 0]),
}
