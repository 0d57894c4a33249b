"""A year of calls with known totals, from a seed: events are decided first, and the rows follow from them.

Each story of `stories` gives callmon the facts of one call (as the tracker would). Beside them it records
the required result, in the words of standards.md. `obligations` does so for callbacks and complaints. `rows`
inserts the rows into a database. `totals` counts the events without any of the product's code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from callmon.config.settings import Settings, example_text, parse
from callmon.core import facts as f

TORONTO = ZoneInfo("America/Toronto")
EXCHANGE = "toronto"
YEAR = 2024  # a leap year
# The thirteen closed days of that year, entered manually.
CLOSED = {
    *(date(2024, 1, 1), date(2024, 2, 19), date(2024, 3, 29), date(2024, 4, 1), date(2024, 5, 20)),
    *(date(2024, 7, 1), date(2024, 8, 5), date(2024, 9, 2), date(2024, 9, 30), date(2024, 10, 14)),
    *(date(2024, 11, 11), date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1)),
}
LINES = {
    "general": ("4163272422", "general_inquiries", "voice", 10),
    "general-toll-free": ("8002677329", "general_inquiries", "voice", 5),
    "tty": ("4163250866", "general_inquiries", "tty", 1),
    "tty-toll-free": ("8668532137", "general_inquiries", "tty", 1),
    "poci": ("4163270374", "poci", "voice", 5),
    "poci-toll-free": ("8662146820", "poci", "voice", 3),
}
NEW_LINE, BEGAN = "poci-toll-free", datetime(2024, 7, 15, 4, tzinfo=UTC)  # added in mid-month
STAFF = (
    '\n[[staff]]\nextension = "102"\nlanguages = ["fr", "en"]\n[[staff]]\nextension = "101"\nlanguages = ["en"]\n'
)
SURVEY = ('# survey_extensions = ["750"]', 'survey_extensions = ["750"]')


def settings(url: str = "", more: str = "") -> Settings:
    """The example's lines, with staff and a survey, so that every standard is judged."""
    text = example_text().replace(*SURVEY) + STAFF + more
    return parse(text.replace('url = "sqlite:///callmon.db"', f'url = "{url}"') if url else text)


@dataclass
class YearTruth:
    """The events of one call, and the required result."""

    name: str
    line: str
    language: str
    arrived: datetime
    outcome: str = ""
    heard: str = "full"
    abandoned_in: str = ""
    waited: float | None = None  # seconds of ringing
    answered: bool = False
    ring: int | None = None
    from_arrival: float | None = None
    transfers: int | None = 0  # None: a gap may hide one
    strict: int | None = 0
    message: str = ""  # left, none
    voicemail_when: str = ""
    by_seconds: bool = False  # music, no ringing
    start: str = "told"  # what the start of the wait is known from
    relay: bool = False
    relay_early: bool = False
    signs: tuple[str, ...] = ()
    hold: float | None = None
    first_french: str = ""
    verdicts: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # standard → verdict, reason, cause

    @property
    def local(self) -> datetime:
        return self.arrived.astimezone(TORONTO)

    @property
    def in_hours(self) -> bool:
        return is_open(self.local)


@dataclass
class Owing:
    """The result of one callback or complaint."""

    kind: str
    line: str
    language: str
    opened: datetime
    opening: str
    fate: str  # by the 24-hour clock
    business: str
    delay: float | None = None
    count: int = 1
    no_open_hour: bool = False
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)


def is_open(local: datetime) -> bool:
    """8:30 to 17:00 on a business day."""
    return is_business(local.date()) and (local.hour, local.minute) >= (8, 30) and local.hour < 17


def is_business(day: date) -> bool:
    return day.weekday() < 5 and day not in CLOSED


def business_due(opened: datetime) -> datetime:
    """Closing of the business day after that of receipt."""
    local = opened.astimezone(TORONTO)
    day = local.date() + timedelta(days=local.hour >= 17)
    received = next(x for x in _days(day) if is_business(x))
    due = next(x for x in _days(received + timedelta(days=1)) if is_business(x))
    return datetime(due.year, due.month, due.day, 17, tzinfo=TORONTO).astimezone(UTC)


def _days(first: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range(30))


def has_open_hour(begin: datetime, end: datetime) -> bool:
    minute = begin
    while minute < end:
        if is_open(minute.astimezone(TORONTO)):
            return True
        minute += timedelta(minutes=10)
    return False


def seconds(count: float) -> timedelta:
    return timedelta(microseconds=round(count * 1_000_000))


OUTSIDE_HOURS = "exempt", "closed", ""
CALL_STANDARDS = (
    "answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person", "one_transfer_at_most",
    "bilingual_person", "feedback_offered",
)  # fmt: skip
A, V, R, T, B, S = CALL_STANDARDS


class Caller:
    """One call under construction: its facts, and its truth."""

    def __init__(self, random: Random, number: int, line: str, arrived: datetime) -> None:
        self.random, self.arrived = random, arrived
        language = random.choices(("fr", "en", "other", "unknown"), (30, 60, 2, 8))[0]
        self.truth = YearTruth(f"{int(arrived.timestamp())}.{number}", line, language, arrived)
        self.channel = f"PJSIP/trunk-{number:08x}"
        self.facts: list[f.Fact] = []
        self.truth.relay = random.random() < 0.03
        first = f.Arrived(self.truth.name, arrived, "inbound", line, LINES[line][0], None, None, self.channel)
        self.tell(
            f.Arrived(**{**{x: getattr(first, x) for x in first.__struct_fields__}, "relay": self.truth.relay})
        )
        self.begun = 0.0

    def tell(self, fact: f.Fact) -> None:
        self.facts.append(fact)

    def at(self, after: float) -> datetime:
        return self.arrived + seconds(after)

    def menu(self) -> None:
        """The caller chooses a language; without a menu none is known."""
        if self.truth.language == "unknown":
            return
        self.tell(f.LineOpened(self.truth.name, self.at(0.1)))
        self.tell(f.LanguageChosen(self.truth.name, self.at(4), self.truth.language))
        self.begun = 4.0

    def ring(self, phone: str = "101", after: float | None = None) -> float:
        """A phone is dialled, and rings."""
        start = self.begun + 1 if after is None else after
        channel = f"PJSIP/{phone}-1"
        self.tell(f.PhoneDialled(self.truth.name, self.at(start - 0.5), phone, channel))
        self.tell(f.PhoneRang(self.truth.name, self.at(start), phone, channel))
        return start

    def stop(self, after: float, phone: str = "101", why: str = "no_answer", rang: bool = True) -> None:
        self.tell(f.PhoneStopped(self.truth.name, self.at(after), phone, f"PJSIP/{phone}-1", why, rang))

    def end(self, after: float, by: str = "caller", how: str = "hangup") -> None:
        self.tell(f.Ended(self.truth.name, self.at(after), by, how))

    def verdict(self, standard: str, verdict: str, reason: str, cause: str = "") -> None:
        self.truth.verdicts[standard] = (verdict, reason, cause)

    def nobody(self) -> None:
        """Standards of answered calls, if no person answered."""
        for standard in (T, B, S):
            self.verdict(standard, "exempt", "no_person")

    def done(self) -> tuple[list[f.Fact], YearTruth]:
        if not self.truth.in_hours:
            self.truth.verdicts = dict.fromkeys(CALL_STANDARDS, OUTSIDE_HOURS)
            self.truth.voicemail_when = self.truth.first_french = ""
            self.truth.by_seconds = False
        return self.facts, self.truth


def when(random: Random, year: int = YEAR) -> datetime:
    """Mostly by day, some at night, on every day of the local year."""
    first = datetime(year, 1, 1, tzinfo=TORONTO).astimezone(UTC)
    length = datetime(year + 1, 1, 1, tzinfo=TORONTO).astimezone(UTC) - first
    while True:
        at = first + timedelta(microseconds=random.randrange(length // timedelta(microseconds=1)))
        if is_open(at.astimezone(TORONTO)) or random.random() < 0.12:
            return at
