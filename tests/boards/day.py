"""What happens in the run that feeds every panel: the days before, told by a seed, and today's real calls.

Everything here is what people did and what standards.md makes of it, written down beside the script. Nothing of it
was read back from callmon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.due_dates import DueDatePolicies
from callmon.core.callbacks.obligation import Obligation
from callmon.core.verdicts import Finding
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.play import number
from tests.lab.truths import (
    BUSY,
    GENERAL,
    GENERAL_FREE,
    LEAVES_IN_GREETING,
    LEAVES_MESSAGE,
    POCI,
    POCI_FREE,
    TALKS,
    TTY,
)
from tests.real.test_real_callbacks import BOX, calls
from tests.support import year
from tests.support.year import TORONTO, A, B, R, S, T, V, YearTruth
from tests.support.year import obligations as year_owing
from tests.support.year import stories as year_stories

Verdicts = dict[str, tuple[str, str, str]]  # standard → verdict, reason, cause
C24, CFR = "callback_within_24_hours", "callback_in_french"
P2, P15 = "complaint_within_2_business_days", "complaint_answered_within_15_business_days"
WITHIN = 40  # seconds: the setting of this run for 24 hours
CUT, HEARD_AGAIN, CAPTURE = 62.0, 76.0, 112.0  # seconds after the first call
DAYS = 27
BEFORE = 400


@dataclass
class Happened:
    """One call of the public's, and what must come of it."""

    line: str
    language: str
    outcome: str
    ring: int | None = None
    transfers: int | None = None  # of an answered call
    heard: str = "full"
    relay: bool = False
    verdicts: Verdicts = field(default_factory=dict)
    arrived: datetime | None = None
    ended: datetime | None = None
    hours: str = "open"
    is_over: bool = True
    name: str = ""  # of today's script

    @property
    def local(self) -> datetime:
        assert self.arrived is not None
        return self.arrived.astimezone(TORONTO)


# ── the days before ──


def before(today: datetime, given: Settings) -> Iterator[tuple[list[f.Fact], YearTruth]]:
    """The stories of `tests/support/year` on the opening days of the last four weeks."""
    calendar = given.calendar()
    days = [today.date() - timedelta(days=n) for n in range(1, DAYS)]
    opening = [day for day in days if calendar.periods_on(day) and year.is_business(day)]

    def at(random: Random) -> datetime:
        day = random.choice(opening)
        midnight = datetime(day.year, day.month, day.day, tzinfo=TORONTO)
        return (midnight + timedelta(seconds=random.randrange(9 * 3600, 16 * 3600))).astimezone(UTC)

    return year_stories.calls(BEFORE, seed=5, at=at)


def as_happened(facts: list[f.Fact], truth: YearTruth) -> Happened:
    # Of a call with a gap: those that were heard.
    known = truth.transfers if truth.transfers is not None else sum(isinstance(x, f.Transferred) for x in facts)
    return Happened(
        truth.line, truth.language, truth.outcome, truth.ring, known, truth.heard,
        truth.relay, truth.verdicts, truth.arrived, facts[-1].at, "open" if truth.in_hours else "closed",
    )  # fmt: skip


def complaints(today: datetime, given: Settings) -> Iterator[tuple[Obligation, list[Finding], dict[str, str]]]:
    """Six of the weeks before, for a complaint falls due in days: each standard met, not met and not known."""
    terms = DueDatePolicies(given)
    reported = (("met", "acknowledged"), ("not_met", "too_late"), ("unknown", "gap"))
    answers = (("met", "complaint_answered"), ("not_met", "too_late"), ("unknown", "gap"))
    for n in range(6):
        opened = today - timedelta(days=25 - n, hours=1)
        one, _, _ = year_owing.made_complaint(Random(n), n, "general", ("fr", "en")[n % 2], opened, terms)
        given_verdicts = {P2: reported[n % 3], P15: answers[(n + 1) % 3]}
        findings = [year_owing.made_finding(one, name, *verdict) for name, verdict in given_verdicts.items()]
        yield one, findings, {name: verdict for name, (verdict, _) in given_verdicts.items()}


# ── today ──

NOT_ANSWERED: Verdicts = dict.fromkeys((T, B, S), ("exempt", "no_person", ""))


def person(ring: int, language: str, french: tuple[str, str, str] | None = None, **more: object) -> Verdicts:
    """A person answered on that ring."""
    spoken = french or ("exempt", "not_asked_in_french", "")
    if language == "unknown":
        spoken = ("unknown", "language_unknown", "")
    third = ("met", "answered_on_ring", "") if ring <= 3 else ("not_met", "answered_on_ring", "rang_unanswered")
    sent = more.get("sent", 0)
    return {
        A: third,
        V: ("exempt", "no_voicemail", ""),
        R: ("met", "a_person_answered", ""),
        T: ("met" if sent == 0 or sent == 1 else "not_met", "transferred", "" if sent in (0, 1) else "other"),
        B: spoken,
        S: ("met", "survey_offered", "") if more.get("survey") else ("not_met", "survey_not_offered", "other"),
    }


def answered(line: str, ring: int, language: str = "unknown", sent: int = 0, **more: object) -> Happened:
    relay = bool(more.pop("relay", False))
    return Happened(
        line, language, "answered", ring, sent, relay=relay, verdicts=person(ring, language, sent=sent, **more)
    )  # type: ignore[arg-type]  # what is left are words of `person`


def by_voicemail(line: str, message: bool, when: str, cause: str, reached: str = "") -> Happened:
    outcome = "voicemail_message" if message else "voicemail_no_message"
    fourth = {
        "on_time": ("met", "voicemail_on_time", ""),
        "early": ("not_met", "voicemail_early", "sent_to_voicemail_early"),
        "late": ("not_met", "voicemail_late", "other"),
        "nothing": ("not_met", "voicemail_nothing_rang", cause),
    }[when]
    judged = {
        A: ("not_met", "voicemail", cause),
        V: fourth,
        R: ("not_met", "voicemail", reached or cause),
        **NOT_ANSWERED,
    }
    return Happened(line, "unknown", outcome, verdicts=judged)


def left(third: tuple[str, str, str], reached: tuple[str, str, str], outcome: str = "abandoned") -> Happened:
    judged = {A: third, V: ("exempt", "no_voicemail", ""), R: reached, **NOT_ANSWERED}
    return Happened("general", "unknown", outcome, verdicts=judged)


NOTHING_RANG = by_voicemail("general", True, "nothing", "sent_to_voicemail_early", "no_phone_reachable")
EARLY = ("exempt", "hung_up_early", "")
GAVE_UP = ("not_met", "gave_up", "rang_unanswered")
ALL_BUSY = ("not_met", "busy", "nobody_free")
FRENCH = ("met", "french_at_first_answer", "")
UNHEARD: Verdicts = dict.fromkeys((A, V, R, T, B, S), ("unknown", "gap", ""))

# A verdict is given as soon as nothing can change it.
ALREADY: Verdicts = {A: ("met", "answered_on_ring", ""), R: ("met", "a_person_answered", "")}

Script = tuple[Situation, Happened | None]


def menu(name: str, key: str, phone: str, answers: float, copies: int = 1) -> Situation:
    steps = (Step(2, "press", key), Step(answers + 6, "hang_up"))
    caller = LabCaller(GENERAL, route="menu", steps=steps)
    return Situation(name, caller, {phone: Phone(answers=answers)}, copies=copies)


def talk(name: str, line: str, phone: str, answers: float, copies: int = 1, begins: float = 0.0) -> Situation:
    return Situation(
        name, LabCaller(line, steps=TALKS), {phone: Phone(answers=answers)}, copies=copies, begins=begins
    )


def sends(name: str, first: str, to: str, *then: str, hangs_up: float | None = None) -> Situation:
    """The phone `first` answers and sends the caller on to `to`, that one to the next."""
    phones = {first: Phone(answers=2, steps=(Step(2, "refer", to),))}
    for phone, following in zip((to, *then), (*then, ""), strict=False):
        steps = (Step(2, "refer", following),) if following else (Step(4, "hang_up"),)
        phones[phone] = Phone(answers=2, steps=steps)
    own = (Step(hangs_up, "hang_up"),) if hangs_up else ()
    return Situation(name, LabCaller(GENERAL, route=f"lab-only,{first},1", steps=own), phones)


def asks(begins: float) -> Situation:
    steps = (Step(1, "press", "2"), Step(6, "hang_up"))
    return Situation("asks_in_french", LabCaller(GENERAL, route="lab-asks-in-french", steps=steps), begins=begins)


ASKED = Happened(
    "general", "fr", "announcement", verdicts={
        A: ("exempt", "asked_to_be_called_back", ""), V: ("exempt", "no_voicemail", ""),
        R: ("exempt", "asked_to_be_called_back", ""), **NOT_ANSWERED,
    },
)  # fmt: skip

# On a busy machine a greeting is over late, and a message of two seconds is none.
LEAVES_LONG_MESSAGE = (Step(0, "speak", "25"), Step(21, "hang_up"))

# In the order in which they are given their numbers: a callback names its place.
TODAY: tuple[Script, ...] = (
    (Situation("paid", LabCaller(GENERAL, route=BOX, steps=LEAVES_MESSAGE)), NOTHING_RANG),
    (asks(0.0), ASKED),
    (asks(0.2), ASKED),
    (asks(0.4), ASKED),
    (
        Situation("relay", LabCaller(GENERAL, steps=TALKS), {"102": Phone(answers=3)}),
        answered("general", 1, relay=True),
    ),
    (Situation("never", LabCaller(POCI, route=BOX, steps=LEAVES_MESSAGE)), replace(NOTHING_RANG, line="poci")),
    (
        Situation("withheld", LabCaller(POCI, route=BOX, steps=LEAVES_MESSAGE, withheld=True)),
        replace(NOTHING_RANG, line="poci"),
    ),
    (calls("pays", 0, "140", 24.0), None),
    (calls("pays_in_french", 1, "140", 26.0), None),
    (calls("pays_in_english", 2, "141", 26.0), None),
    (calls("pays_unlisted", 3, "142", 26.0), None),
    (menu("english", "1", "102", 3, copies=6), answered("general", 1, "en")),
    (menu("french", "2", "102", 8, copies=6), answered("general", 2, "fr", french=FRENCH)),
    (
        menu("french_by_english", "2", "101", 3, copies=2),
        answered("general", 1, "fr", french=("not_met", "no_french_speaker", "other")),
    ),
    (
        menu("french_by_unlisted", "2", "103", 3),
        answered("general", 1, "fr", french=("unknown", "staff_not_listed", "")),
    ),
    (talk("late", GENERAL, "102", 18.7, copies=3), answered("general", 4)),
    (
        Situation("messages", LabCaller(GENERAL, steps=LEAVES_LONG_MESSAGE), copies=2),
        by_voicemail("general", True, "on_time", "rang_unanswered"),
    ),
    (
        Situation("tty_message", LabCaller(TTY, steps=LEAVES_LONG_MESSAGE), begins=0.5),
        by_voicemail("tty", True, "on_time", "rang_unanswered"),
    ),
    (
        Situation("early", LabCaller(GENERAL, route="lab-early-box", steps=LEAVES_IN_GREETING), copies=2),
        by_voicemail("general", False, "early", "sent_to_voicemail_early", "rang_unanswered"),
    ),
    (
        Situation("late_box", LabCaller(GENERAL, route="lab-late-box", steps=LEAVES_IN_GREETING)),
        by_voicemail("general", False, "late", "rang_unanswered"),
    ),
    (Situation("gives_up_early", LabCaller(GENERAL, gives_up=4), copies=2), left(EARLY, EARLY)),
    (
        Situation("gives_up_late", LabCaller(GENERAL, gives_up=20), copies=2),
        left(GAVE_UP, ("not_met", "gave_up", "rang_unanswered")),
    ),
    (
        Situation("busy", LabCaller(GENERAL, route="lab-busy"), {"101": BUSY, "102": BUSY}),
        left(ALL_BUSY, ALL_BUSY, "busy"),
    ),
    (sends("sent_once", "210", "211"), answered("general", 1, sent=1)),
    (sends("sent_twice", "212", "213", "214"), answered("general", 1, sent=2)),
    (sends("surveyed", "215", "620", hangs_up=9), answered("general", 1, survey=True)),
    (talk("tty", TTY, "104", 8, copies=4), answered("tty", 2)),
    (talk("poci", POCI, "105", 3, copies=2), answered("poci", 1)),
    (talk("poci_free", POCI_FREE, "106", 13), answered("poci-toll-free", 3)),
    (talk("free", GENERAL_FREE, "101", 3, copies=2), answered("general-toll-free", 1)),
    (
        Situation(
            "complains",
            LabCaller(GENERAL, steps=(Step(9, "hang_up"),)),
            {"102": Phone(answers=2, steps=(Step(2, "press", "*55"),))},
        ),
        answered("general", 1),
    ),
    (menu("french_late", "2", "102", 18.7, copies=3), answered("general", 4, "fr", french=FRENCH)),
    # Answered a second before somebody else has callmon's tables, and over more than a second after the sinks were
    # looked at.
    (
        Situation(
            "held_up",
            LabCaller(GENERAL_FREE, steps=(Step(6, "hang_up"),)),
            {"101": Phone(answers=3)},
            copies=2,
            begins=44.0,
        ),
        answered("general-toll-free", 1),
    ),
    # Answered and over while nobody listened.
    (
        talk("unheard", GENERAL, "102", 8, copies=2, begins=CUT - 4),
        Happened("general", "unknown", "unknown", heard="partly", verdicts=UNHEARD),
    ),
    # Still up when the panels are read.
    (
        Situation("still_rings", LabCaller(GENERAL, gives_up=23), {}, copies=2, begins=CAPTURE - 16),
        Happened("general", "unknown", "", is_over=False),
    ),
    (
        Situation(
            "still_talks",
            LabCaller(POCI, steps=(Step(40, "hang_up"),)),
            {"105": Phone(answers=3)},
            begins=CAPTURE - 16,
        ),
        Happened("poci", "unknown", "", is_over=False, verdicts=ALREADY),
    ),
    (
        Situation(
            "still_waits",
            LabCaller(GENERAL, route="lab-queue-left", steps=(Step(40, "hang_up"),)),
            begins=CAPTURE - 16,
        ),
        Happened("general", "unknown", "", is_over=False),
    ),
    (
        Situation("still_owed", LabCaller(GENERAL, route=BOX, steps=LEAVES_MESSAGE), begins=CAPTURE - 24),
        NOTHING_RANG,
    ),
)
RELAY = number(2 * 4)
STAFF = {"101": "en", "102": "fr en", "104": "fr en", "140": "fr en", "141": "en"}
