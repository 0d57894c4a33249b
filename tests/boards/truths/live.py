"""What the wall screen must show."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median

from tests.boards.day import WITHIN
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    OWED,
    TO_CALL,
    Either,
    Row,
    Truth,
    at,
    between,
    by_size,
    half_hour,
    in_words,
    lasting,
    opened_at,
    over,
    played,
    today_of,
    value,
    voice_today,
)
from tests.year import TORONTO, A, B, T, V

POCI = "POCI", "OINP"  # its abbreviation: the whole name is not read from three metres


def opening(scene: Scene) -> list[Row]:
    office, change = in_words(scene, "Bureau", "Office"), in_words(scene, "prochain changement", "next change")
    return [{office: 1}, {change: at(scene.closes.timestamp())}]


def promise(scene: Scene, standard: str, counted: str = "met") -> list[Row]:
    verdicts = [c.verdicts[standard][0] for c in voice_today(scene) if standard in c.verdicts]
    both = verdicts.count("met") + verdicts.count("not_met")
    return [{"promise": f"{verdicts.count(counted)} {in_words(scene, 'sur', 'of')} {both}"}]


def voicemail_today(scene: Scene) -> list[Row]:
    reasons = [c.verdicts[V][1] for c in voice_today(scene) if V in c.verdicts]
    early = reasons.count("voicemail_early") + reasons.count("voicemail_nothing_rang")
    taken = sum(reason.startswith("voicemail") for reason in reasons)
    return [{"promise": f"{taken} ({early} {in_words(scene, 'trop tôt', 'too early')})"}]


def half_hours_today(scene: Scene) -> list[Row]:
    today = today_of(scene)
    by_day: dict[date, Counter[int]] = {}
    for call in over(scene):
        day = call.local.date()
        if not call.line.startswith("tty") and (today - day).days % 7 == 0:
            by_day.setdefault(day, Counter())[half_hour(call)] += 1
    rows: list[Row] = []
    for half in sorted({h for counted in by_day.values() for h in counted}):
        begins = datetime(today.year, today.month, today.day, half // 2, half % 2 * 30, tzinfo=TORONTO)
        before = [counted[half] for day, counted in by_day.items() if day < today and counted[half]]
        usual = median(before) if before else None
        has_begun = begins.timestamp() <= scene.asked.now
        count = by_day.get(today, Counter())[half] if has_begun else None
        rows.append({"time": at(begins.timestamp()), "today": count, "usual": usual})
    return rows


def causes_today(scene: Scene) -> list[Row]:
    told = Counter(c.verdicts[A][2] for c in voice_today(scene) if c.verdicts.get(A, ("",))[0] == "not_met")
    return by_size(scene, told, "cause", "reason")


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


def notice(scene: Scene) -> list[Row]:
    """Of the two disruptions that go on, the one of which the public was told."""
    announced, lasts = scene.told["poci"], timedelta(hours=2).total_seconds()
    ends = [datetime.fromtimestamp(moment + lasts, TORONTO) for moment in announced]
    if scene.language == "fr":
        clocks = [f"{end.hour} h {end:%M}" for end in ends]
        text = "▲ panne du fournisseur · {} · composez le numéro sans frais · et 1 de plus"
    else:
        clocks = [f"{end.hour % 12 or 12}:{end:%M} {'am' if end.hour < 12 else 'pm'}" for end in ends]
        text = "▲ carrier failure · {} · call the toll-free number · and 1 more"
    return [{"notice": Either(tuple(text.format(clock) for clock in clocks))}]


CALLBACKS_NOW: dict[str, Truth] = {
    "Next callback to make": next_callback,
    "Callbacks to make": value(len(TO_CALL)),
    "Callbacks due soon": value(sum(one.soon for one in OWED)),
    "Overdue callbacks": value(sum(one.overdue for one in OWED)),
}
LIVE: dict[str, Truth] = {
    "Opening hours": opening,
    "Time": value(lambda s: at(s.asked.now, 0.001)),
    "Measuring": value(1),
    "Service disruption": notice,
    "Now, by service": now_rows,
    "Today: before the 4th ring": lambda s: promise(s, A),
    "Today: voicemail": voicemail_today,
    "Today: redirected too often": lambda s: promise(s, T, "not_met"),
    "Today: in French": lambda s: promise(s, B),
    **CALLBACKS_NOW,
    "Calls offered by half hour": half_hours_today,
    "Why the standard was not met today": causes_today,
}
