"""What each panel must show: counted in plain Python over what happened, by none of the boards' queries.

By board and English title: a function that gives the rows. A row says the columns that it is sure of; a moment or
a length that people's own side saw is `Near` what callmon heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

import callmon
from callmon.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.words import word
from tests import year
from tests.boards.day import C24, CFR, CUT, HEARD_AGAIN, P2, P15, WITHIN, Happened
from tests.boards.scene import Scene
from tests.year import TORONTO, A, B, T, V

Row = Mapping[str, Any]
VERDICTS = ("met", "not_met", "exempt", "unknown")
LINES = ("general", "general-toll-free", "tty", "tty-toll-free", "poci", "poci-toll-free")
NAMES = {
    "general": "General inquiries, Toronto",
    "general-toll-free": "General inquiries, toll-free",
    "tty": "TTY, Toronto",
    "tty-toll-free": "TTY, toll-free",
    "poci": "OINP, Toronto",
    "poci-toll-free": "OINP, toll-free",
}


@dataclass(frozen=True)
class Near:
    """Equal within so much."""

    value: float
    by: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and abs(other - self.value) <= self.by

    __hash__ = None  # type: ignore[assignment]  # what is near has no hash


@dataclass(frozen=True)
class Either:
    """One or the other: what it was depends on which side of a full minute it happened."""

    values: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return other in self.values

    __hash__ = None  # type: ignore[assignment]  # as above


def between(least: float, most: float) -> Near:
    return Near((least + most) / 2, (most - least) / 2)


@dataclass(frozen=True)
class Owed:
    """A callback of today, as the script made it."""

    name: str
    line: str
    language: str
    state: str
    verdicts: Mapping[str, str]
    opening: str = "message"
    hidden: str = ""
    overdue: bool = False
    soon: bool = False
    pays: str = ""  # the call that pays it


def said(kind: str, key: str) -> str:
    return word(kind, key, "en")


OWED = (
    Owed("paid", "general", "unknown", "paid", {C24: "met", CFR: "unknown"}, pays="pays"),
    Owed("asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "met"}, "request", pays="pays_in_french"),
    Owed(
        "asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "not_met"}, "request", pays="pays_in_english"
    ),
    Owed("asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "unknown"}, "request", pays="pays_unlisted"),
    Owed("never", "poci", "unknown", "open", {C24: "not_met"}, overdue=True),
    Owed("withheld", "poci", "unknown", "open", {C24: "exempt"}, hidden="withheld"),
    Owed("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("tty_message", "tty", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("still_owed", "general", "unknown", "open", {}, soon=True),
)
TO_CALL = [one for one in OWED if one.state == "open" and not one.hidden]
PAID = [one for one in OWED if one.state == "paid"]


# ── counting ──


def judged(scene: Scene, standard: str) -> list[tuple[str, str, str, str, date, str]]:
    """line, language, verdict, reason, day, cause of every verdict on it."""
    if standard in CALL_STANDARDS:
        return [
            (c.line, c.language, *c.verdicts[standard][:2], c.local.date(), c.verdicts[standard][2])
            for c in scene.calls
            if standard in c.verdicts
        ]
    today = today_of(scene)
    found = [(o.line, o.language, o.verdicts[standard], "", today, "") for o in OWED if standard in o.verdicts]
    found += [
        ("general", ("fr", "en")[n % 2], told[standard], "", today - timedelta(days=25 - n), "")
        for n, told in enumerate(scene.complaints)
        if standard in told
    ]
    return found


def today_of(scene: Scene) -> date:
    return datetime.fromtimestamp(scene.asked.now, TORONTO).date()


def share(part: int, whole: int) -> float | None:
    """Cut to a tenth of a per cent; none below 20."""
    if whole < 20:
        return None
    return max(part * 1000 // whole, 1 if part else 0) / 10


def counts(verdicts: Iterable[str]) -> dict[str, Any]:
    told = Counter(verdicts)
    both = told["met"] + told["not_met"]
    return {**{v: told[v] for v in VERDICTS}, "judged": both, "rate_percent": share(told["met"], both)}


def by_size(counted: Counter[str], kind: str, first: str = "part") -> list[Row]:
    rows = [{first: said(kind, key), "calls": n} for key, n in counted.items()]
    return sorted(rows, key=lambda row: (-row["calls"], row[first]))


def over(scene: Scene) -> list[Happened]:
    return [call for call in scene.calls if call.is_over]


def voice_today(scene: Scene) -> list[Happened]:
    return [c for c in scene.calls if c.local.date() == today_of(scene) and not c.line.startswith("tty")]


def played(scene: Scene, name: str) -> list[Any]:
    return [call for call in scene.played if call.situation.name == name]


def opened_at(scene: Scene, one: Owed) -> float:
    """When the message was left (the caller hung up), or the key pressed: seconds since 1970."""
    among = [o for o in OWED if o.name == one.name]
    call = played(scene, one.name)[among.index(one)]
    at = call.invited + 1.5 if one.opening == "request" else call.ended
    assert at is not None, f"{one.name} has not hung up"
    return float(at)


def paid_after(scene: Scene, one: Owed) -> float:
    (payer,) = played(scene, one.pays)
    assert payer.answered is not None
    return float(payer.answered) - opened_at(scene, one)


# ── live ──


def promise(scene: Scene, standard: str, counted: str = "met") -> list[Row]:
    verdicts = [c.verdicts[standard][0] for c in voice_today(scene) if standard in c.verdicts]
    both = verdicts.count("met") + verdicts.count("not_met")
    return [{"promise": f"{verdicts.count(counted)} of {both}"}]


def voicemail_today(scene: Scene) -> list[Row]:
    reasons = [c.verdicts[V][1] for c in voice_today(scene) if V in c.verdicts]
    early = reasons.count("voicemail_early") + reasons.count("voicemail_nothing_rang")
    return [{"promise": f"{sum(r.startswith('voicemail') for r in reasons)} ({early} too early)"}]


def half_hour(call: Happened) -> int:
    return call.local.hour * 2 + (call.local.minute >= 30)


def half_hours_today(scene: Scene) -> list[Row]:
    today = today_of(scene)
    by_day: dict[date, Counter[int]] = {}
    for call in over(scene):
        day = call.local.date()
        if not call.line.startswith("tty") and (today - day).days % 7 == 0:
            by_day.setdefault(day, Counter())[half_hour(call)] += 1
    rows: list[Row] = []
    for half in sorted({h for counted in by_day.values() for h in counted}):
        at = datetime(today.year, today.month, today.day, half // 2, half % 2 * 30, tzinfo=TORONTO)
        before = [counted[half] for day, counted in by_day.items() if day < today and counted[half]]
        usual = median(before) if before else None
        rows.append({"time": at.timestamp() * 1000, "today": by_day.get(today, Counter())[half], "usual": usual})
    return rows


def causes_today(scene: Scene) -> list[Row]:
    told = Counter(c.verdicts[A][2] for c in voice_today(scene) if c.verdicts.get(A, ("",))[0] == "not_met")
    return by_size(told, "cause", "reason")


def now_rows(scene: Scene) -> list[Row]:
    """Two ring, one waits in a queue, one talks; the phones of the configuration."""
    # It waits from when the queue took it.
    waited = Near(scene.asked.now - played(scene, "still_waits")[0].invited - 1.5, 1.5)
    general = {"name_en": "General inquiries"}
    return [
        {**general, "mode": "voice", "Value #C": 2, "Value #B": 3, "Value #D": 1, "Value #E": waited,
         "Value #F": 0,
         "Value #G": 0, "Value #H": 3, "Value #I": 0},
        {**general, "mode": "tty", "Value #C": 0, "Value #B": None, "Value #D": 0, "Value #E": None, "Value #F": 0,
         "Value #G": 1, "Value #H": 1, "Value #I": 0},
        {"name_en": "Ontario Immigrant Nominee Program (OINP)", "mode": "voice", "Value #C": 0, "Value #B": None,
         "Value #D": 0, "Value #E": None, "Value #F": 1, "Value #G": 1, "Value #H": 2, "Value #I": 0},
    ]  # fmt: skip


def first_due(scene: Scene) -> float:
    return min(opened_at(scene, one) for one in TO_CALL) + WITHIN


def next_callback(scene: Scene) -> list[Row]:
    return [{"": "A", "before": Near(first_due(scene) * 1000, 1500)}, {"": "B", "time left": 0}]


def value(number: Any) -> Callable[[Scene], list[Row]]:
    """A stat with one figure."""
    return lambda scene: [{"Value": number(scene) if callable(number) else number}]


def notice(scene: Scene) -> list[Row]:
    """Of the two disruptions that go on, the one of which the public was told."""
    ends = (datetime.fromtimestamp(at, TORONTO) + timedelta(hours=2) for at in scene.told["poci"])
    clocks = [f"{at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'}" for at in ends]
    return [
        {
            "notice": Either(
                tuple(f"▲ carrier failure · {at} · call the toll-free number · and 1 more" for at in clocks)
            )
        }
    ]


LIVE: dict[str, Callable[[Scene], list[Row]]] = {
    "Opening hours": lambda s: [{"Office": 1}, {"next change": s.closes.timestamp() * 1000}],
    "Time": value(lambda s: Near(s.asked.now * 1000, 1)),
    "Measuring": value(1),
    "Service disruption": notice,
    "Now, by service": now_rows,
    "Today: before the 4th ring": lambda s: promise(s, A),
    "Today: voicemail": voicemail_today,
    "Today: redirected too often": lambda s: promise(s, T, "not_met"),
    "Today: in French": lambda s: promise(s, B),
    "Next callback to make": next_callback,
    "Callbacks to make": value(len(TO_CALL)),
    "Callbacks due soon": value(sum(one.soon for one in OWED)),
    "Overdue callbacks": value(sum(one.overdue for one in OWED)),
    "Calls offered by half hour": half_hours_today,
    "Why the standard was not met today": causes_today,
}


# ── service standards ──


def each_standard(scene: Scene, among: Iterable[str] = ALL_STANDARDS) -> list[Row]:
    told = {name: [verdict for _, _, verdict, *_ in judged(scene, name)] for name in among}
    rows = [{"standard": said("standard", k), "key": k, **counts(v)} for k, v in told.items() if v]
    return sorted(rows, key=lambda row: str(row["standard"]))


def third_by(scene: Scene, cut: Callable[[Any], str], first: str) -> list[Row]:
    told: dict[str, list[str]] = {}
    for one in judged(scene, A):
        told.setdefault(cut(one), []).append(one[2])
    return [{first: name, **counts(told[name])} for name in sorted(told)]


def mode(line: str) -> str:
    return "tty" if line.startswith("tty") else "voice"


def by_day(scene: Scene) -> list[Row]:
    return third_by(scene, lambda one: one[4].isoformat(), "date")


def by_day_as_series(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for row in by_day(scene):
        day = date.fromisoformat(row["date"])
        at = datetime(day.year, day.month, day.day, tzinfo=TORONTO).timestamp() * 1000
        rows.append({"time": at, **{v: row[v] for v in VERDICTS}})
    return rows


def rings(scene: Scene) -> list[Row]:
    told = Counter("6+" if c.ring >= 6 else str(c.ring) for c in over(scene) if c.outcome == "answered" and c.ring)
    return [{"part": ring, "calls": told[ring]} for ring in sorted(told)]


def rings_by_hour(scene: Scene) -> list[Row]:
    told: dict[float, Counter[int]] = {}
    for call in over(scene):
        if call.outcome == "answered" and call.ring:
            hour = call.local.replace(minute=0, second=0, microsecond=0).timestamp() * 1000
            told.setdefault(hour, Counter())[min(call.ring, 6)] += 1
    return [{"time": at, **{f"ring_{n}": told[at][n] for n in range(1, 7)}} for at in sorted(told)]


def transfers(scene: Scene) -> list[Row]:
    known = [c.transfers for c in over(scene) if c.verdicts.get(T, ("",))[0] in ("met", "not_met")]
    told = Counter("3+" if n is not None and n >= 3 else str(n) for n in known)
    return [{"part": part, "calls": told[part]} for part in sorted(told)]


def reasons(scene: Scene, standard: str, verdicts: tuple[str, ...]) -> Counter[str]:
    return Counter(reason for _, _, verdict, reason, *_ in judged(scene, standard) if verdict in verdicts)


def week(scene: Scene) -> list[Row]:
    told = Counter((c.local.hour, c.local.isoweekday()) for c in over(scene))
    return [
        {"hour": f"{hour:02}:00", **{f"day_{n}": told[hour, n] for n in range(1, 8)}}
        for hour in sorted({hour for hour, _ in told})
    ]


def half_hour_table(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for half in sorted({half_hour(c) for c in over(scene)}):
        calls = [c for c in over(scene) if half_hour(c) == half]
        rows.append({
            "hour": f"{half // 2:02}:{half % 2 * 30:02}",
            "offered": len(calls),
            "answered": sum(c.outcome == "answered" for c in calls),
            "by_third_ring": sum(c.verdicts[A][0] == "met" for c in calls),
            "nobody_free": sum(c.verdicts[A][2] == "nobody_free" for c in calls),
            # Callers' own side and the exchange may order a hang-up and an arrival otherwise.
            "at_once": Near(max(at_once(scene, c) for c in calls), 1),
        })  # fmt: skip
    return rows


def at_once(scene: Scene, call: Happened) -> int:
    assert call.arrived is not None
    return sum(
        c.line == call.line and c.arrived <= call.arrived < c.ended  # type: ignore[operator]  # all of these are over
        for c in over(scene)
    )


def completeness(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in LINES:
        told = Counter(c.heard for c in over(scene) if c.line == line)
        whole = told["full"] + told["filled"]
        rows.append({
            "name": NAMES[line], "offered": told.total(), "heard": told["full"], "filled": told["filled"],
            "partly": told["partly"], "complete_percent": share(whole, told.total()),
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["name"])


def last_opening_day(today: date) -> date:
    calendar = year.settings().calendar()
    return next(day for n in range(1, 10) if calendar.periods_on(day := today - timedelta(days=n)))


def targets(scene: Scene) -> list[Row]:
    """92.5 % on one line, beside its last opening day before today."""
    before = [one for one in judged(scene, "reach_a_person") if one[4] < today_of(scene) and one[0] == "general"]
    told = Counter(one[2] for one in before if one[4] == last_opening_day(today_of(scene)))
    row = {"title_en": said("standard", "reach_a_person"), "name_en": NAMES["general"], "Value #A": 92.5}
    return [{**row, "Value #B": told["met"], "Value #C": told["met"] + told["not_met"]}]


STANDARDS: dict[str, Callable[[Scene], list[Row]]] = {
    "Each standard": each_standard,
    "Internal targets": targets,
    "Answer by the third ring, by line": lambda s: third_by(s, lambda one: NAMES[one[0]], "name"),
    "By mode: voice and TTY": lambda s: third_by(s, lambda one: said("mode", mode(one[0])), "side"),
    "By language asked for": lambda s: third_by(s, lambda one: said("language", one[1]), "side"),
    "Answer by the third ring, by day": by_day_as_series,
    "Answer by the third ring, by day (table)": by_day,
    "Cause of misses": lambda s: by_size(Counter(x[5] for x in judged(s, A) if x[2] == "not_met"), "cause"),
    "Answers by a person, by ring": rings,
    "Ring of the answer, by hour of arrival": rings_by_hour,
    "Redirections of an answered call": transfers,
    "Voicemail: too early, on time, too late": lambda s: by_size(reasons(s, V, ("met", "not_met")), "reason"),
    "Calls offered, by outcome": lambda s: by_size(Counter(c.outcome for c in over(s)), "outcome"),
    "Typical week: calls offered, by hour and day": week,
    "By half hour, for planning staff": half_hour_table,
    "Completeness: what was heard": completeness,
}


# ── callbacks ──


def callbacks_by_line(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in LINES:
        own = [one for one in TO_CALL if one.line == line]
        first = min((opened_at(scene, one) for one in own), default=None)
        rows.append({
            "name_en": NAMES[line], "Value #B": len(own), "Value #C": sum(one.soon for one in own),
            "Value #D": sum(one.overdue for one in own), "Value #E": sum(one.overdue for one in own),
            "Value #F": 0,
            "Value #G": sum(one.hidden != "" and one.line == line for one in OWED),
            "Value #H": 7 if line == "general" else 0,
            "Value #I": None if first is None else Near((first + WITHIN) * 1000, 1500),
        })  # fmt: skip
    return rows


def open_entries(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for one in sorted(TO_CALL, key=lambda one: opened_at(scene, one)):
        opened = opened_at(scene, one) * 1000
        rows.append({
            "name": NAMES[one.line], "spoken": said("language", one.language),
            "reason": said("opening", one.opening),
            "opened_at": Near(opened, 1500), "due_at": Near(opened + WITHIN * 1000, 1500),
            "actionable_at": Near(opened + WITHIN * 1000, 1500),
            "state": "■ overdue" if one.overdue else "▲ due soon", "attempts": 0,
        })  # fmt: skip
    # The two general messages and the one for TTY were left in the same second.
    return rows


def became(scene: Scene) -> list[Row]:
    today = today_of(scene)
    at = datetime(today.year, today.month, today.day, tzinfo=TORONTO).timestamp() * 1000
    waiting = sum(one.state == "open" and not one.overdue for one in OWED)
    overdue = sum(one.overdue for one in OWED)
    return [{"time": at, "made": len(PAID), "reached_us": 0, "closed": 0, "overdue": overdue, "waiting": waiting}]


def delays(scene: Scene) -> list[Row]:
    told = sorted(paid_after(scene, one) for one in PAID)
    return [{
        "made": len(told), "median_seconds": Near(median(told), 1.0), "high_seconds": Near(told[-1], 1.0),
        "most_seconds": Near(told[-1], 1.0),
    }]  # fmt: skip


CALLBACKS: dict[str, Callable[[Scene], list[Row]]] = {
    **{
        name: LIVE[name]
        for name in ("Next callback to make", "Callbacks to make", "Callbacks due soon", "Overdue callbacks")
    },
    "Callbacks now, by line": callbacks_by_line,
    "Open entries, the most urgent first": open_entries,
    "The standards of callbacks and complaints": lambda s: each_standard(s, (C24, CFR, P2, P15)),
    "Callbacks by day of the message": became,
    "From the message to the callback": lambda s: [{"part": "1 · ≤ 1 h", "calls": len(PAID)}],
    "Delay: median, 95th percentile, longest": delays,
    "Not returnable: messages to listen to": lambda s: [
        {"reason": said("not_returnable", "withheld"), "messages": 1, "waiting": 1}
    ],
}  # fmt: skip


# ── parity ──


def parity(
    scene: Scene, one: tuple[str, Callable[[Any], bool]], other: tuple[str, Callable[[Any], bool]]
) -> list[Row]:
    rows: list[Row] = []
    for standard in ALL_STANDARDS:
        verdicts = judged(scene, standard)
        row: dict[str, Any] = {"standard": said("standard", standard), "key": standard}
        rates = []
        for name, belongs in (one, other):
            told = counts(x[2] for x in verdicts if belongs(x))
            row |= {
                f"{name}_met": told["met"],
                f"{name}_judged": told["judged"],
                f"{name}_percent": told["rate_percent"],
            }
            rates.append(100 * told["met"] / told["judged"] if told["judged"] >= 20 else None)
        known = None not in rates
        row["difference_percent"] = Near(rates[0] - rates[1], 0.0501) if known else None  # type: ignore[operator]
        rows.append(row)
    return sorted(rows, key=lambda row: str(row["standard"]))


def ever(scene: Scene) -> list[Row]:
    """Of what this callmon counted: today's alone; from five on either side."""
    rows: list[Row] = []
    today = today_of(scene)
    sides: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], bool]], ...] = (
        ("tty_voice", lambda x: mode(x[0]) == "tty", lambda x: mode(x[0]) == "voice"),
        ("french_english", lambda x: x[1] == "fr", lambda x: x[1] == "en"),
    )
    for standard in ALL_STANDARDS:
        verdicts = [x for x in judged(scene, standard) if x[4] == today and x[2] in ("met", "not_met")]
        for comparison, first, second in sides:
            one, other = ([x[2] for x in verdicts if belongs(x)] for belongs in (first, second))
            difference = None
            if min(len(one), len(other)) >= 5:
                rates = [100 * side.count("met") / len(side) for side in (one, other)]
                difference = Near(rates[0] - rates[1], 1e-6)
            rows.append({
                "comparison": comparison, "title_en": said("standard", standard),
                "Value #B": len(one), "Value #C": len(other), "Value #A": difference,
            })  # fmt: skip
    return rows


def last_calls(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    started = [*scene.calls, *scene.up]
    for line in LINES:
        last = max(c.arrived for c in started if c.line == line and c.arrived is not None)
        row = {"name_en": NAMES[line], "mode": mode(line), "Value #B": Near(last.timestamp() * 1000, 1000)}
        rows.append({**row, "Value #C": None, "Value #D": 0 if mode(line) == "tty" else None})
    return rows


PARITY: dict[str, Callable[[Scene], list[Row]]] = {
    "TTY parity: teletypewriter and voice": lambda s: parity(
        s, ("tty", lambda x: mode(x[0]) == "tty"), ("voice", lambda x: mode(x[0]) == "voice")
    ),
    "Language parity: French and English": lambda s: parity(
        s, ("fr", lambda x: x[1] == "fr"), ("en", lambda x: x[1] == "en")
    ),
    "Calls asked for in French: who answered first": lambda s: by_size(
        reasons(s, B, ("met", "not_met", "unknown")), "reason", "reason"
    ),
    "Through a relay service": lambda s: by_size(
        Counter(c.outcome for c in over(s) if c.relay), "outcome", "outcome"
    ),
    "Differences since callmon was put into service": ever,
    "Last call and test call of each line": last_calls,
}


# ── disruptions and gaps ──

GAP = Near(HEARD_AGAIN - CUT, 6.5)


def disrupted(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in ("poci", "tty-toll-free", "tty"):
        began, end = scene.told[line], scene.told.get(f"{line} over")
        last = end or (scene.asked.now, scene.read)
        rows.append({
            "name": NAMES[line], "source": said("disruption", "staff"), "began_at": moments(began),
            "ended_at": moments(end) if end else None,
            "lasted_seconds": between(last[0] - began[1], last[1] - began[0]),
            "reason": "carrier failure" if line == "poci" else "▲ to be given",
            "notice_seconds": 0 if line == "poci" else None,
        })  # fmt: skip
    return rows


def moments(span: tuple[float, float]) -> Near:
    """As Grafana writes moments: milliseconds."""
    return between(span[0] * 1000, span[1] * 1000)


def disrupted_by_line(scene: Scene) -> list[Row]:
    rows = [{"name": row["name"], "lasted_seconds": row["lasted_seconds"]} for row in disrupted(scene)]
    return sorted(rows, key=lambda row: -row["lasted_seconds"].value)


def gaps_by_day(scene: Scene) -> list[Row]:
    today = today_of(scene)
    at = datetime(today.year, today.month, today.day, tzinfo=TORONTO).timestamp() * 1000
    return [{"time": at, "unheard_seconds": GAP}]


def listening(scene: Scene) -> list[Row]:
    """0 while the network was cut, 1 before and after."""
    return [{"heard": {0.0, 1.0}}]


def phones(scene: Scene) -> list[Row]:
    told = {
        "general": (0, 3, 0), "general-toll-free": (0, 3, 0), "tty": (1, 0, 0), "poci": (1, 1, 0),
        "poci-toll-free": (1, 0, 0), "tty-toll-free": (1, 0, 0),
    }  # fmt: skip
    return [
        {
            "name_en": NAMES[line],
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


DISRUPTIONS: dict[str, Callable[[Scene], list[Row]]] = {
    "Disruptions going on": value(2),
    "Notice to the public owed since": value(lambda s: moments(s.told["tty-toll-free"])),
    "Measuring, by exchange": lambda s: [{"toronto": 1}],
    "Disruptions, the latest first": disrupted,
    "Disrupted time, by line": disrupted_by_line,
    "Unheard time, by day": gaps_by_day,
    "Measurement gaps": lambda s: [
        {"exchange": "toronto", "unheard_seconds": GAP, "began_at": Near((s.begun + CUT) * 1000, 6000)}
    ],
    "Mailboxes": boxes,
    "Phones, by line": phones,
}


# ── callmon itself ──


def build(scene: Scene) -> list[Row]:
    return [{
        "instance": f"127.0.0.1:{scene.callmon.web_port}", "version": callmon.__version__, "Value #B": 1,
        "Value #C": Near(scene.memory, scene.memory * 0.1), "Value #D": Near(scene.started * 1000, 3000),
        "Value #E": 0,
    }]  # fmt: skip


def ingest(scene: Scene) -> list[Row]:
    """As many as the network had carried when Prometheus looked last, with those of callmon's own listings."""
    least, most = scene.messages
    return [{
        "exchange": "toronto", "Value #A": between(least, most), "Value #C": GAP,
        "Value #D": 0, "Value #E": 0,
    }]  # fmt: skip


def corrected(scene: Scene) -> list[Row]:
    today = today_of(scene)
    return [
        {
            "title_en": said("standard", name),
            "Value #A": sum(x[4] == today for x in judged(scene, name)),
            "Value #B": 0,
            "Value #C": 1,
        }
        for name in ALL_STANDARDS
    ]


ITSELF: dict[str, Callable[[Scene], list[Row]]] = {
    "Version and role": build,
    "What is heard, by exchange": ingest,
    "Verdicts corrected since callmon was put into service": corrected,
    "Sinks": lambda s: [{"sink": "database", "Value #A": 0, "Value #B": 0, "Value #C": 0}],
}

TRUTHS = {
    "live": LIVE,
    "standards": STANDARDS,
    "callbacks": CALLBACKS,
    "parity": PARITY,
    "disruptions": DISRUPTIONS,
    "itself": ITSELF,
}
