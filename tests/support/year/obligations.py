"""Callbacks and complaints of `tests/support/year`, each with its required result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from callmon.config.settings import Settings
from callmon.core.callbacks.due_dates import DueDatePolicies
from callmon.core.callbacks.entries import Kind
from callmon.core.callbacks.obligation import Obligation
from callmon.core.verdicts import Finding
from tests.support.year import EXCHANGE, LINES, NEW_LINE, Owing, business_due, has_open_hour, seconds, when

HOUR = 3600.0
FATES = (
    "soon",
    "late",
    "attempted",
    "reached",
    "reached_late",
    "hidden",
    "no_request",
    "unheard",
    "doubt",
    "never",
)
C24, CFR = "callback_within_24_hours", "callback_in_french"
P2, P15 = "complaint_within_2_business_days", "complaint_answered_within_15_business_days"


def owings(
    count: int, given: Settings, seed: int = 11, at: Callable[[Random], datetime] = when
) -> Iterator[tuple[Obligation, list[Finding], Owing]]:
    """`count` callbacks and complaints, each with its truth."""
    random = Random(seed)
    terms = DueDatePolicies(given)
    for number in range(count):
        opened = at(random)
        line = random.choice([x for x in LINES if x != NEW_LINE])
        language = random.choice(("fr", "en", "unknown"))
        if random.random() < 0.1:
            yield made_complaint(random, number, line, language, opened, terms)
        else:
            yield _callback(random, number, line, language, opened, terms)


def made_obligation(
    name: str, kind: Kind, line: str, language: str, opened: datetime, terms: DueDatePolicies
) -> Obligation:
    mode = LINES[line][2]
    return Obligation(
        exchange=EXCHANGE, id=name, call=name.removesuffix("-complaint"), kind=kind, opening="message",
        line=line, service=LINES[line][1], language=language, tty=mode == "tty", opened=opened, since=opened,
        dues=terms.policy_of(line).dues(kind, opened), token=None, hidden=None, shared=False, fell_due=1,
    )  # fmt: skip


def _callback(
    random: Random, number: int, line: str, language: str, opened: datetime, terms: DueDatePolicies
) -> tuple[Obligation, list[Finding], Owing]:
    fate = random.choices(FATES, (50, 12, 8, 6, 3, 4, 3, 3, 2, 9))[0]
    one = made_obligation(
        f"{int(opened.timestamp())}.{90_000_000 + number}", "callback", line, language, opened, terms
    )
    owing = Owing("callback", line, language, opened, "message", "late", "late")
    clock, business = opened + timedelta(hours=24), business_due(opened)

    def changed(**changes: object) -> Obligation:
        return Obligation(**{**{x: getattr(one, x) for x in one.__struct_fields__}, **changes})

    owing.count = random.choice((1, 1, 1, 2, 3))
    one = changed(count=owing.count)
    if random.random() < 0.2:
        owing.opening = "request"
        one = changed(opening="request")
    settled = opened + seconds(random.uniform(0.2, 20) * HOUR)
    verdict = ("met", "called_back")
    match fate:
        case "soon":
            one = changed(state="paid", settled=settled, phone="102")
            owing.fate = "called_back"
            owing.business = "called_back" if settled <= business else "late"
        case "late":
            settled = opened + seconds(random.uniform(24.1, 100) * HOUR)
            one = changed(state="paid", settled=settled, phone="101")
            owing.business = "called_back" if settled <= business else "late"
            verdict = ("not_met", "called_back_late")
        case "attempted":
            one = changed(attempts=(opened + seconds(3 * HOUR),))
            owing.fate = owing.business = "attempted"
            verdict = ("met", "attempted_in_time")
        case "reached" | "no_request":
            ended = {"state": "reached_us"} if fate == "reached" else {"state": "closed", "reason": "no_request"}
            one = changed(settled=opened + seconds(2 * HOUR), **ended)
            owing.fate = owing.business = "reached_us" if fate == "reached" else "no_request"
            verdict = ("exempt", owing.fate)
        case "reached_late":
            settled = opened + seconds(40 * HOUR)
            one = changed(state="reached_us", settled=settled)
            owing.business = "reached_us" if settled <= business else "late"
            verdict = ("not_met", "not_called_back")
        case "hidden":
            one = changed(hidden="withheld")
            owing.fate = owing.business = "not_returnable"
            verdict = ("exempt", "not_returnable")
        case "unheard":
            owing.opening, owing.fate, owing.business = "unheard", "unknown", "unknown"
            one = changed(opening="unheard")
            verdict = ("unknown", "message_not_heard")
        case "doubt":
            owing.fate = owing.business = "unknown"
            verdict = ("unknown", "gap")
        case "never":
            verdict = ("not_met", "not_called_back" if has_open_hour(opened, clock) else "no_open_hour")
    owing.no_open_hour = owing.fate == "late" and not has_open_hour(opened, clock)
    owing.verdicts[C24] = verdict
    if one.state == "paid":
        owing.delay = (one.settled - opened).total_seconds() if one.settled else None
        french = {"unknown": ("unknown", "language_unknown"), "en": ("exempt", "not_asked_in_french")}
        met = ("met", "called_back_in_french") if one.phone == "102" else ("not_met", "no_french_speaker")
        owing.verdicts[CFR] = french.get(language, met)
    return one, [made_finding(one, name, *reported) for name, reported in owing.verdicts.items()], owing


def made_complaint(
    random: Random, number: int, line: str, language: str, opened: datetime, terms: DueDatePolicies
) -> tuple[Obligation, list[Finding], Owing]:
    name = f"{int(opened.timestamp())}.{95_000_000 + number}-complaint"
    one = made_obligation(name, "complaint", line, language, opened, terms)
    owing = Owing("complaint", line, language, opened, "agent", "", "")
    owing.verdicts[P2] = random.choice((("met", "acknowledged"), ("not_met", "too_late")))
    if random.random() < 0.8:
        owing.verdicts[P15] = random.choice((("met", "complaint_answered"), ("not_met", "too_late")))
    return one, [made_finding(one, name, *reported) for name, reported in owing.verdicts.items()], owing


def made_finding(one: Obligation, standard: str, verdict: str, reason: str) -> Finding:
    cause = "other" if verdict == "not_met" else None
    return Finding(one.call, one.opened, standard, one.line, one.language, None, verdict, reason, None, cause)
