"""Thirty days of invented calls, as Prometheus would have them from callmon: for the pictures of the boards.

The figures are made up by a seed, on the ministry's opening days; nothing of them is a test.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from callmon.core.verdicts import CAUSES, VERDICTS
from callmon.text.labels import KINDS, label
from tests.support.year import TORONTO, A, B, R, S, T, V

STEP, FINE, FINEST = 1800, 240, 15  # seconds between samples: long ago, in the last day, and lately
LATELY = 900  # seconds
FORGOTTEN = STEP + 60  # seconds after which Prometheus has to forget a sample
DAYS = 30
NOW = datetime(2026, 11, 26, 14, 10, tzinfo=TORONTO)
BEGIN = NOW.replace(minute=0) - timedelta(days=DAYS)
OPENS, CLOSES = 8.5, 17.0
BUSY = (0.4, 0.8, 1.5, 1.6, 1.1, 0.7, 1.2, 1.3, 0.9)  # by hour from eight on
LINES = ("general", "general-toll-free", "tty", "tty-toll-free", "poci", "poci-toll-free")
NAMES = {
    "general": ("Renseignements généraux, Toronto", "General inquiries, Toronto"),
    "general-toll-free": ("Renseignements généraux, sans frais", "General inquiries, toll-free"),
    "tty": ("ATS, Toronto", "TTY, Toronto"),
    "tty-toll-free": ("ATS, sans frais", "TTY, toll-free"),
    "poci": ("POCI, Toronto", "OINP, Toronto"),
    "poci-toll-free": ("POCI, sans frais", "OINP, toll-free"),
}
SHARES = dict(zip(LINES, (46, 22, 7, 3, 15, 7), strict=True))
RING_SHARES = {1: 44, 2: 30, 3: 14, 4: 7, 5: 4, 6: 1}
SERVICES = {
    "general": ("Renseignements généraux", "General inquiries"),
    "poci": (
        "Programme ontarien des candidats à l’immigration (POCI)",
        "Ontario Immigrant Nominee Program (OINP)",
    ),
}
BOUNDS = {
    "callmon_rings_before_answer": (1, 2, 3, 4, 5, 6, 8, 10),
    "callmon_transfers_per_call": (0, 1, 2, 3, 5),
    "callmon_callback_delay_seconds": tuple(3600 * n for n in (1, 2, 4, 8, 16, 24, 48, 72, 168)),
}
GAP = (NOW - timedelta(days=2, hours=4), timedelta(minutes=40))
DOWN = (NOW - timedelta(days=3, hours=1), timedelta(hours=2, minutes=30))  # of the two lines of one service
STILL_DOWN = (NOW - timedelta(hours=1), timedelta(hours=3))

Key = tuple[str, tuple[tuple[str, str], ...]]
Added = tuple[float, Key, float]  # when, which counter, how much


def key(metric: str, **labels: str) -> Key:
    return metric, tuple(sorted(labels.items()))


def mode(line: str) -> str:
    return "tty" if line.startswith("tty") else "voice"


def is_open(at: datetime) -> bool:
    return at.weekday() < 5 and OPENS <= at.hour + at.minute / 60 < CLOSES


def within(at: datetime, span: tuple[datetime, timedelta]) -> bool:
    return span[0] <= at < span[0] + span[1]


class History:
    """Counters by what was added when, callbacks by when they were open."""

    def __init__(self) -> None:
        self._random = Random(7)
        self.added: list[Added] = []
        self.callbacks: list[tuple[str, str, float, float]] = []  # line, language, opened, made
        self.calls_now: Counter[tuple[str, str]] = Counter()
        day = BEGIN.replace(hour=0, minute=0, second=0)
        while day < NOW:
            for hour, busy in enumerate(BUSY, 8):
                for _ in range(self._random.randrange(4, 9) if day.weekday() < 5 else 0):
                    at = day + timedelta(hours=hour, seconds=self._random.randrange(3600))
                    if self._random.random() < busy and at < NOW and is_open(at):
                        self._call(at)
            day += timedelta(days=1)
        self.added.sort(key=lambda one: one[0])

    def _add(self, at: datetime, metric: str, value: float = 1, **labels: str) -> None:
        self.added.append((at.timestamp(), key(metric, **labels), value))

    def _observe(self, at: datetime, metric: str, value: float, **labels: str) -> None:
        for bound in (*BOUNDS[metric], float("inf")):
            if value <= bound:
                self._add(
                    at, f"{metric}_bucket", le="+Inf" if bound == float("inf") else repr(float(bound)), **labels
                )

    def _judge(self, at: datetime, standard: str, line: str, language: str, verdict: str, cause: str = "") -> None:
        self._add(at, "callmon_verdicts_total", standard=standard, line=line, language=language, verdict=verdict)
        if verdict == "not_met":
            self._add(at, "callmon_not_met_cause_total", standard=standard, line=line, cause=cause or "other")

    def _call(self, at: datetime) -> None:
        random = self._random
        line = random.choices(LINES, [SHARES[name] for name in LINES])[0]
        language = random.choices(("en", "fr", "unknown"), (60, 22, 18))[0]
        weights = (72, 10, 5, 9, 2, 2)
        names = ("answered", "voicemail_message", "voicemail_no_message", "abandoned", "busy", "announcement")
        outcome = random.choices(names, weights)[0]
        heard = "partly" if within(at, GAP) else random.choices(("full", "filled"), (97, 3))[0]
        self._add(at, "callmon_calls_total", line=line, outcome=outcome, language=language, hours="open")
        self._add(at, "callmon_calls_completeness_total", line=line, heard=heard)
        if random.random() < 0.03:
            self._add(at, "callmon_relay_calls_total", line=line, outcome=outcome)
        cause = random.choices(CAUSES, (34, 30, 6, 12, 10, 8))[0]
        if heard == "partly":
            for standard in (A, V, T, R, B, S):
                self._judge(at, standard, line, language, "unknown")
        elif outcome == "answered":
            self._answered(at, line, language, cause)
        else:
            self._missed(at, line, language, outcome, cause)

    def _answered(self, at: datetime, line: str, language: str, cause: str) -> None:
        random = self._random
        shift = 0.9 if mode(line) == "tty" else 0.35 if language == "fr" else 0.0
        ring = random.choices(list(RING_SHARES), list(RING_SHARES.values()))[0] + (random.random() < shift * 0.5)
        transfers = random.choices((0, 1, 2, 3), (78, 17, 4, 1))[0]
        self._observe(at, "callmon_rings_before_answer", ring, line=line, language=language)
        self._observe(at, "callmon_transfers_per_call", transfers, line=line)
        self._judge(at, A, line, language, "met" if ring <= 3 else "not_met", cause)
        self._judge(at, V, line, language, "exempt")
        self._judge(at, R, line, language, "met")
        self._judge(at, T, line, language, "met" if transfers <= 1 else "not_met")
        self._judge(at, S, line, language, "met" if random.random() < 0.7 else "not_met")
        if language == "fr":
            first = random.choices(("yes", "no", "unknown"), (78, 17, 5))[0]
            self._add(at, "callmon_french_at_first_answer_total", line=line, first=first)
            self._judge(at, B, line, language, "met" if first == "yes" or random.random() < 0.6 else "not_met")
        else:
            self._judge(at, B, line, language, "exempt")

    def _missed(self, at: datetime, line: str, language: str, outcome: str, cause: str) -> None:
        random = self._random
        is_short = outcome == "abandoned" and random.random() < 0.4
        self._judge(at, A, line, language, "exempt" if is_short else "not_met", cause)
        self._judge(at, R, line, language, "exempt" if is_short else "not_met", cause)
        for standard in (T, B, S):
            self._judge(at, standard, line, language, "exempt")
        if not outcome.startswith("voicemail"):
            self._judge(at, V, line, language, "exempt")
            return
        when = random.choices(("met", "early", "late"), (70, 20, 10))[0]
        early = "sent_to_voicemail_early" if when == "early" else "other"
        self._judge(at, V, line, language, "met" if when == "met" else "not_met", early)
        if outcome == "voicemail_message":
            self._callback(at, line, language)

    def _callback(self, at: datetime, line: str, language: str) -> None:
        random = self._random
        hours = random.choices(
            (random.uniform(0.2, 1), random.uniform(1, 4), random.uniform(4, 23), 30.0), (40, 34, 22, 4)
        )[0]
        made = at + timedelta(hours=hours)
        while not is_open(made):
            made += timedelta(minutes=20)
        delay = (made - at).total_seconds()
        self.callbacks.append((line, language, at.timestamp(), made.timestamp()))
        if made < NOW:
            self._observe(made, "callmon_callback_delay_seconds", delay, line=line, language=language)
            self._judge(made, "callback_within_24_hours", line, language, "met" if delay <= 86_400 else "not_met")
            if language == "fr":
                verdict = "met" if random.random() < 0.85 else "not_met"
                self._judge(made, "callback_in_french", line, language, verdict)


# ── as text ──


def exposition() -> Iterator[str]:
    """OpenMetrics, by series: what `promtool tsdb create-blocks-from openmetrics` reads."""
    history = History()
    first, last = BEGIN.timestamp(), NOW.timestamp()
    moments = [first + n * STEP for n in range(int((DAYS - 1) * 86_400 / STEP))]
    moments += [moments[-1] + n * FINE for n in range(1, int((last - LATELY - moments[-1]) / FINE))]
    moments += [last - n for n in range(LATELY, -1, -FINEST)]
    series: dict[Key, list[tuple[float, float]]] = {**_counters(history, moments), **_gauges(history, moments)}
    for metric in sorted({name for name, _ in series}):
        yield f"# TYPE {metric} unknown\n"
        for (name, labels), points in series.items():
            if name == metric:
                reported = ",".join(f'{one}="{value}"' for one, value in (("job", "callmon"), *labels))
                yield from (f"{name}{{{reported}}} {value!r} {at:.0f}\n" for at, value in points)
    yield "# EOF\n"


def _counters(history: History, moments: list[float]) -> dict[Key, list[tuple[float, float]]]:
    by_key: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    for at, which, much in history.added:
        by_key[which].append((at, much))
    found = {}
    for which, changes in by_key.items():
        total, place, points = 0.0, 0, []
        for at in moments:
            while place < len(changes) and changes[place][0] <= at:
                total += changes[place][1]
                place += 1
            points.append((at, total))
        found[which] = points
    return found


def _gauges(history: History, moments: list[float]) -> dict[Key, list[tuple[float, float]]]:
    found: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    random = Random(11)
    for at in moments:
        now = datetime.fromtimestamp(at, TORONTO)
        unheard = min(max((now - GAP[0]).total_seconds(), 0), GAP[1].total_seconds())
        for which, value in (
            *_of_lines(now, random),
            *_of_callbacks(history, now),
            *_of_host(now, unheard, random),
            *_of_questions(history, now),
        ):
            found[which].append((at, value))
    return found


def _of_lines(now: datetime, random: Random) -> Iterator[tuple[Key, float]]:
    opened = is_open(now)
    for line in LINES:
        fr, en = NAMES[line]
        service = line.removesuffix("-toll-free").replace("tty", "general")
        names = {"line": line, "mode": mode(line), "public_service": service, "name_fr": fr, "name_en": en}
        yield key("line:callmon_line_names:now", **names), 1
        yield key("callmon_line_info", **names), 1
        yield key("callmon_line_open", line=line), int(opened)
        is_down = (line.startswith("poci") and within(now, DOWN)) or (line == "poci" and within(now, STILL_DOWN))
        yield key("callmon_disruptions_open", line=line, source="staff"), int(is_down)
        for source in ("exchange", "trunk", "phones", "work"):
            yield key("callmon_disruptions_open", line=line, source=source), 0
        in_use = random.choice((0, 1, 1, 2)) if opened and SHARES[line] > 10 else 0
        for state, n in (("free", 3 - in_use), ("in_use", in_use), ("unreachable", int(line == "poci"))):
            yield key("callmon_phones", line=line, state=state), n
        for state, n in (("ringing", int(opened and random.random() < 0.3)), ("talking", in_use), ("queue", 0)):
            yield key("callmon_calls_in_progress", line=line, state=state), n
        yield (
            key("callmon_line_last_call_timestamp_seconds", line=line),
            now.timestamp() - 600 * SHARES["general"] / SHARES[line],
        )
        change = now.replace(hour=17, minute=0, second=0)
        yield key("callmon_opening_change_timestamp_seconds", line=line), change.timestamp()
    yield from _of_services(now, opened)


def _of_services(now: datetime, opened: bool) -> Iterator[tuple[Key, float]]:
    rows = (("general", "voice", 2, 2, 1), ("general", "tty", 0, 0, 1), ("poci", "voice", 1, 1, 0))
    for service, kind, talks, rings, free in rows:
        fr, en = SERVICES[service]
        of = {"public_service": service, "mode": kind}
        yield key("public_service_mode:callmon_row_names:now", name_fr=fr, name_en=en, **of), 1
        for state, n in (("ringing", rings), ("talking", talks), ("queue", int(rings == 2)), ("menu", 0)):
            yield key("public_service_mode_state:callmon_calls_in_progress:sum", state=state, **of), n * opened
        if opened and rings:
            yield key("public_service_mode_state:callmon_longest_wait_rings:max", state="ringing", **of), rings + 1
        if opened and rings == 2:
            yield key("public_service_mode_state:callmon_longest_wait_seconds:max", state="queue", **of), 48
        in_use = talks
        if now < NOW - timedelta(minutes=30):
            in_use = min(talks + free, round(BUSY[now.hour - 8] * (talks + free) / 1.6)) if opened else 0
        for state, n in (
            ("free", free + talks - in_use),
            ("in_use", in_use),
            ("unreachable", int(service == "poci")),
        ):
            yield key("callmon_service_phones", state=state, **of), n


def _of_callbacks(history: History, now: datetime) -> Iterator[tuple[Key, float]]:
    at = now.timestamp()
    waiting = [one for one in history.callbacks if one[2] <= at < one[3]]
    for line in LINES:
        own = [one for one in waiting if one[0] == line]
        for language in ("fr", "en", "unknown"):
            ages = [at - opened for _, spoken, opened, _ in own if spoken == language]
            late, soon = sum(age > 86_400 for age in ages), sum(72_000 < age <= 86_400 for age in ages)
            of = {"line": line, "language": language}
            yield key("callmon_callbacks_open", **of), len(ages)
            yield key("callmon_callbacks_overdue", **of), late
            yield key("callmon_callbacks_overdue_untaken", **of), late
            yield key("callmon_callbacks_due_soon", **of), soon
            yield key("callmon_callbacks_no_open_hour", **of), 0
            yield key("callmon_complaints_open", **of), int(line == "general" and language == "en")
        yield key("callmon_callbacks_to_listen_to", line=line), int(line == "general")
        if own:
            first = min(opened for *_, opened, _ in own)
            yield key("callmon_callback_earliest_opened_timestamp_seconds", line=line), first
            yield key("callmon_callback_earliest_actionable_timestamp_seconds", line=line), first + 86_400


def _of_host(now: datetime, unheard: float, random: Random) -> Iterator[tuple[Key, float]]:
    yield key("callmon_exchange_connected", exchange="toronto"), int(not within(now, GAP))
    yield key("callmon_exchange_unheard_seconds_total", exchange="toronto"), unheard
    yield key("callmon_exchange_events_total", exchange="toronto"), (now - BEGIN).total_seconds() // 2
    yield from _of_itself(now, random)
    for box, n in (("500", 12), ("504", 1)):
        of = {"exchange": "toronto", "mailbox": box}
        yield key("callmon_mailbox_messages", **of), n + random.choice((0, 1))
        yield key("callmon_mailbox_capacity", **of), 100
        yield key("callmon_mailbox_messages_unheard", **of), int(box == "500")
    for name in KINDS["standard"]:
        titles = {"title_fr": label("standard", name, "fr"), "title_en": label("standard", name, "en")}
        yield key("callmon_standard_info", standard=name, **titles), 1
    yield key("callmon_target_ratio", standard=A, line="general"), 0.9
    for verdict, n in zip(VERDICTS, (41, 6, 3, 0), strict=False):
        yield key("callmon_last_day_verdicts", standard=A, line="general", verdict=verdict), n
    down = [one for one in (DOWN, STILL_DOWN) if within(now, one)]
    if down:
        since: dict[str, Any] = {"line": "poci"}
        yield key("callmon_disruption_unannounced_since_timestamp_seconds", **since), down[0][0].timestamp()
    over = DOWN[1].total_seconds() if now >= DOWN[0] + DOWN[1] else 0
    for line in LINES:
        length = over if line.startswith("poci") else 0
        yield key("callmon_disrupted_seconds_total", line=line, source="staff"), length


def _of_questions(history: History, now: datetime) -> Iterator[tuple[Key, float]]:
    """The needs of the month."""
    month = now.replace(day=1, hour=0, minute=0, second=0).timestamp()
    until = now.timestamp() - 86_400
    calls = [
        labels for at, (name, labels), _ in history.added if name == "callmon_calls_total" and month <= at <= until
    ]
    for service, (french, english) in SERVICES.items():
        yield key("callmon_service_info", public_service=service, name_fr=french, name_en=english), 1
        own = [dict(labels) for labels in calls if (service == "poci") == dict(labels)["line"].startswith("poci")]
        answered = sum(labels["outcome"] == "answered" for labels in own)
        later = sum(labels["outcome"] == "voicemail_message" for labels in own)
        for result, count in (
            ("met_at_first", answered),
            ("met_later", later),
            ("not_met", len(own) - answered - later),
        ):
            yield key("callmon_needs_total", public_service=service, result=result), count


def _of_itself(now: datetime, random: Random) -> Iterator[tuple[Key, float]]:
    of: dict[str, Any] = {"instance": "callmon:10469"}
    yield key("callmon_build_info", version="0.1.0", **of), 1
    yield key("callmon_leader", **of), 1
    yield key("callmon_faults_total", **of), 0
    yield key("process_resident_memory_bytes", **of), (88 + random.choice((0, 1, 2))) * 2**20
    yield key("process_start_time_seconds", **of), BEGIN.timestamp()
    heard = 9000 + (now - BEGIN).total_seconds() // 700
    yield key("exchange:callmon_exchange_last_event_age_seconds:now", exchange="toronto"), random.choice((1, 2, 3))
    yield key("callmon_messages_unusable_total", exchange="toronto", reason="too_long"), 0
    yield key("callmon_calls_vanished_total", exchange="toronto"), 0
    yield key("callmon_exchange_calls_processed_total", exchange="toronto"), heard
    yield key("callmon_exchange_calls_heard_total", exchange="toronto"), heard
    for sink, waits in (("database", random.choice((0, 0, 1, 3))), ("mqtt", random.choice((0, 1)))):
        yield key("callmon_sink_backlog", sink=sink), waits
        yield key("callmon_sink_behind_seconds", sink=sink), 0.4 * waits
        yield key("callmon_sink_refused_total", sink=sink), 0
    for standard in KINDS["standard"]:
        yield key("callmon_standard_enabled", standard=standard), 1
        corrected: dict[str, Any] = {"from": "unknown", "to": "met"}
        yield key("callmon_verdicts_corrected_total", standard=standard, line="general", **corrected), 4
