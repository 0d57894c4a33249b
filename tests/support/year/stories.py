"""The stories of the calls of `tests/support/year`: the facts of each, and the required result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random

from callmon.core import facts as f
from tests.support.year import (
    BEGAN,
    CALL_STANDARDS,
    LINES,
    NEW_LINE,
    A,
    B,
    Caller,
    R,
    S,
    T,
    V,
    YearTruth,
    seconds,
    when,
)


def answered(c: Caller) -> None:
    """A person answers; perhaps with a hold, transfers, the survey."""
    c.menu()
    t, r = c.truth, c.random
    wait = round(r.choice((r.uniform(0.5, 17.9), r.uniform(0.5, 17.9), 17.999, 18.0, r.uniform(18, 45))), 3)
    phone = r.choice(("101", "102", "102", "103"))
    start = c.ring(phone)
    late_hunting = wait >= 18 and r.random() < 0.3
    begun = start
    if late_hunting:
        c.facts[-2:] = []
        c.ring("109", start)
        begun = start + wait - 5
        c.stop(begun - 0.6, "109")
        c.ring(phone, begun)
    t.outcome, t.answered, t.waited = "answered", True, wait
    t.ring, t.from_arrival = int(wait // 6) + 1, start + wait
    c.tell(f.Answered(t.name, c.at(start + wait), phone, f"PJSIP/{phone}-1", c.at(begun)))
    talk = round(r.uniform(3, 300), 3)
    _conversation(c, start + wait, talk, phone)
    cause = "late_hunting" if late_hunting else "rang_unanswered"
    c.verdict(A, "met" if wait < 18 else "not_met", "answered_on_ring", "" if wait < 18 else cause)
    c.verdict(V, "exempt", "no_voicemail")
    c.verdict(R, "met", "a_person_answered")


def _conversation(c: Caller, start: float, talk: float, phone: str) -> None:
    t, r = c.truth, c.random
    survey = r.random() < 0.4
    signs = ["short_conversation"] if talk - survey < 10 else []  # the person has left when the survey begins
    if talk > 60 and r.random() < 0.1:
        held, t.hold = round(r.uniform(1, 20), 3), round(r.uniform(1, 30), 3)
        c.tell(f.Held(t.name, c.at(start + held), phone))
        c.tell(f.Resumed(t.name, c.at(start + held + t.hold), phone))
        signs += ["early_hold"] if held < 10 else []
        t.hold = t.hold if held < 10 else None
    t.transfers = t.strict = r.choices((0, 1, 2, 3), (80, 14, 4, 2))[0] if talk > 60 else 0
    on_line = [phone]
    for n in range(t.transfers):
        to = r.choice(("101", "102"))
        at = c.at(start + 55 + n)
        c.tell(f.SentOff(t.name, at, "blind", f"PJSIP/{phone}-1", to))
        c.tell(f.Transferred(t.name, at, "blind", f"PJSIP/{phone}-1", to, True))
        c.tell(f.PersonJoined(t.name, at + seconds(0.5), to, f"PJSIP/{to}-2"))
        on_line.append(to)
    if survey:
        c.tell(f.SurveyOffered(t.name, c.at(start + talk - 1), "transfer"))
    hidden = talk > 60 and r.random() < 0.05
    if hidden:
        c.tell(f.Unheard(t.name, c.at(start + 59), c.at(start + 60)))
        t.heard, t.transfers, t.strict, t.hold = "partly", None, None, None
    by = r.choice(("caller", "exchange"))
    c.end(start + talk, by)
    if by == "exchange" and not survey and t.transfers == 0:
        signs.append("ended_by_us")
    t.relay_early = t.relay and by == "exchange" and talk < 20
    t.signs = tuple(signs)
    _after_the_answer(c, on_line, survey, hidden)


def _after_the_answer(c: Caller, on_line: list[str], survey: bool, hidden: bool) -> None:
    t = c.truth
    moved = len(on_line) - 1
    if moved > 1:
        c.verdict(T, "not_met", "transferred", "other")
    else:
        c.verdict(T, *(GAP_UNKNOWN if hidden else ("met", "transferred", "")))
    speaks = {"101": False, "102": True, "103": None, "500": False}
    if t.language == "unknown":
        c.verdict(B, "unknown", "language_unknown")
    elif t.language != "fr":
        c.verdict(B, "exempt", "not_asked_in_french")
    elif any(speaks[x] for x in on_line):
        first = speaks[on_line[0]]
        t.first_french = {True: "yes", False: "no", None: "unknown"}[first]
        reason = {"yes": "at_first_answer", "no": "after_first_answer", "unknown": "first_answer_unknown"}
        c.verdict(B, "met", f"french_{reason[t.first_french]}")
    elif hidden:
        c.verdict(B, *GAP_UNKNOWN)
    elif None in [speaks[x] for x in on_line]:
        c.verdict(B, "unknown", "staff_not_listed")
    else:
        t.first_french = "no"
        c.verdict(B, "not_met", "no_french_speaker", "other")
    if survey:
        c.verdict(S, "met", "survey_offered")
    else:
        c.verdict(S, *(GAP_UNKNOWN if hidden else ("not_met", "survey_not_offered", "other")))


GAP_UNKNOWN = "unknown", "gap", ""


def voicemail(c: Caller) -> None:
    """The dial times out, and voicemail takes the call."""
    c.menu()
    t, start = c.truth, c.ring()
    wait = c.random.choice((12.02, 18.02, 24.02, 24.02, 24.02, 30.02, 36.02))
    t.waited = wait
    left = c.random.random() < 0.7
    c.stop(start + wait)
    c.tell(f.VoicemailTook(t.name, c.at(start + wait + 0.05), "500"))
    if left:
        c.tell(f.MessageLeft(t.name, c.at(start + wait + 30), "500"))
    c.end(start + wait + 31)
    t.outcome, t.message = ("voicemail_message", "left") if left else ("voicemail_no_message", "none")
    early = wait < 23.5
    c.verdict(A, "not_met", "voicemail", "sent_to_voicemail_early" if early else "rang_unanswered")
    t.voicemail_when = "early" if early else "on_time" if wait <= 30.5 else "late"
    c.verdict(V, "met" if t.voicemail_when == "on_time" else "not_met", f"voicemail_{t.voicemail_when}",
              {"early": "sent_to_voicemail_early", "late": "other", "on_time": ""}[t.voicemail_when])  # fmt: skip
    c.verdict(R, "not_met", "voicemail", "rang_unanswered")
    c.nobody()


def gave_up(c: Caller) -> None:
    """The caller hangs up while a phone rings."""
    c.menu()
    t, start = c.truth, c.ring()
    t.waited = round(c.random.choice((c.random.uniform(0.1, 4.99), c.random.uniform(5, 17.9), 18.0, 31.0)), 3)
    c.end(start + t.waited)
    t.outcome, t.abandoned_in = "abandoned", "ringing"
    for standard in (A, R):
        verdict = ("exempt", "hung_up_early", "") if t.waited < 18 else ("not_met", "gave_up", "rang_unanswered")
        c.verdict(standard, *verdict)
    c.verdict(V, "exempt", "no_voicemail")
    c.nobody()


def in_menu(c: Caller) -> None:
    if c.truth.language == "unknown":
        c.truth.language = "en"
    c.menu()
    c.end(9)
    c.truth.outcome, c.truth.abandoned_in = "abandoned", "menu"
    c.verdict(A, "exempt", "in_the_menu")
    c.verdict(R, "exempt", "in_the_menu")
    c.verdict(V, "exempt", "no_voicemail")
    c.nobody()


def silence(c: Caller) -> None:
    """No phone is registered: nothing rings."""
    c.truth.language = "unknown"
    length = c.random.choice((3.0, 10.0, 17.999, 18.0, 25.0))
    c.tell(f.PhoneDialled(c.truth.name, c.at(1), "101", "PJSIP/101-1"))
    c.end(1 + length)
    c.truth.outcome, c.truth.abandoned_in = "abandoned", "silence"
    if length < 18:
        c.verdict(A, "exempt", "no_phone_reachable")
        c.verdict(R, "exempt", "hung_up_early")
    else:
        c.verdict(A, "not_met", "no_phone_reachable", "no_phone_reachable")
        c.verdict(R, "not_met", "gave_up", "no_phone_reachable")
    c.verdict(V, "exempt", "no_voicemail")
    c.nobody()


def _ended_by_exchange(c: Caller, outcome: str, reason: str, cause: str, other: str | None = None) -> None:
    c.truth.outcome = outcome
    c.verdict(A, "not_met", reason, cause)
    c.verdict(R, "not_met", other or reason, cause)
    c.verdict(V, "exempt", "no_voicemail")
    c.nobody()


def busy(c: Caller) -> None:
    c.menu()
    c.tell(f.PhoneDialled(c.truth.name, c.at(c.begun + 1), "101", "PJSIP/101-1"))
    c.stop(c.begun + 1.5, why="busy", rang=False)
    c.tell(f.CallerBusy(c.truth.name, c.at(c.begun + 1.6)))
    c.end(c.begun + 5, "exchange")
    _ended_by_exchange(c, "busy", "busy", "nobody_free")


def announcement(c: Caller) -> None:
    c.truth.language = "unknown"
    c.tell(f.LineOpened(c.truth.name, c.at(0.1)))
    c.end(20, "exchange")
    _ended_by_exchange(c, "announcement", "announcement", "other")


def in_vain(c: Caller) -> None:
    c.menu()
    start = c.ring()
    c.stop(start + 60.02)
    c.end(start + 60.1, "exchange")
    c.truth.waited = 60.02
    _ended_by_exchange(c, "no_answer", "rang_in_vain", "rang_unanswered")


def unreachable(c: Caller) -> None:
    c.truth.language = "unknown"
    c.tell(f.PhoneDialled(c.truth.name, c.at(1), "101", "PJSIP/101-1"))
    c.stop(1.5, why="unreachable", rang=False)
    c.end(3, "exchange")
    _ended_by_exchange(c, "failed", "no_phone_reachable", "no_phone_reachable")


def unheard(c: Caller) -> None:
    """A gap begins while it rings; after the gap the call is gone."""
    c.menu()
    start = c.ring()
    c.tell(f.Unheard(c.truth.name, c.at(start + 2), c.at(start + 90), True))
    c.end(start + 90, "exchange", "unheard")
    c.truth.outcome, c.truth.heard = "unknown", "partly"
    for standard in CALL_STANDARDS:
        c.verdict(standard, *GAP_UNKNOWN)


def in_queue(c: Caller) -> None:
    """A queue with music: there is no ringing, so seconds count."""
    c.menu()
    t, entered = c.truth, c.begun + 1
    t.waited = round(c.random.choice((c.random.uniform(1, 17), 17.999, 18.0, c.random.uniform(18, 90))), 3)
    c.tell(f.QueueEntered(t.name, c.at(entered), "renseignements"))
    if c.random.random() < 0.3:
        c.end(entered + t.waited)
        t.outcome, t.abandoned_in = "abandoned", "queue"
        for standard in (A, R):
            verdict = ("exempt", "hung_up_early", "") if t.waited < 18 else ("not_met", "gave_up", "other")
            c.verdict(standard, *verdict)
        c.verdict(V, "exempt", "no_voicemail")
        c.nobody()
        return
    t.outcome, t.answered, t.by_seconds, t.start = "answered", True, True, "queue"
    t.ring, t.from_arrival = int(t.waited // 6) + 1, entered + t.waited
    c.tell(f.Answered(t.name, c.at(entered + t.waited), "102", "PJSIP/102-1", None))
    _conversation(c, entered + t.waited, round(c.random.uniform(12, 300), 3), "102")
    c.verdict(A, "met" if t.waited < 18 else "not_met", "answered_after_seconds", "" if t.waited < 18 else "other")
    c.verdict(V, "exempt", "no_voicemail")
    c.verdict(R, "met", "a_person_answered")


def stopped(c: Caller) -> None:
    """The exchange stops during the call, before a person answered."""
    c.menu()
    t, start = c.truth, c.ring()
    t.waited = c.random.choice((4.0, 17.999, 18.0, 30.0))
    c.end(start + t.waited, "unknown", "stopped")
    t.outcome = "lost"
    for standard in (A, R):
        if t.waited < 18:
            c.verdict(standard, "exempt", "exchange_stopped")
        else:
            c.verdict(standard, "not_met", "exchange_stopped", "rang_unanswered")
    c.verdict(V, "exempt", "no_voicemail")
    c.nobody()


def recording_unheard(c: Caller) -> None:
    """The exchange stops while voicemail has the call: whether a message was left is unknown."""
    voicemail(c)
    c.facts = [x for x in c.facts if not isinstance(x, f.MessageLeft | f.Ended)]
    c.end(200, "unknown", "stopped")
    c.truth.outcome, c.truth.message = "voicemail", "unheard"


def sent_to_voicemail(c: Caller) -> None:
    """A person answers, and transfers the caller to a mailbox: a redirection, two by the strict reading."""
    c.menu()
    t, start = c.truth, c.ring("102")
    t.outcome, t.answered, t.waited, t.ring, t.message = "answered", True, 3.0, 1, "left"
    t.from_arrival = start + 3
    c.tell(f.Answered(t.name, c.at(start + 3), "102", "PJSIP/102-1", c.at(start)))
    c.tell(f.SentOff(t.name, c.at(start + 33), "blind", "PJSIP/102-1", "500"))
    c.tell(f.Transferred(t.name, c.at(start + 33), "blind", "PJSIP/102-1", "500", False))
    c.tell(f.VoicemailTook(t.name, c.at(start + 34), "500"))
    c.tell(f.MessageLeft(t.name, c.at(start + 50), "500"))
    c.end(start + 51)
    t.transfers, t.strict = 1, 2
    _after_the_answer(c, ["102", "500"], survey=False, hidden=False)
    c.verdict(A, "met", "answered_on_ring")
    c.verdict(V, "exempt", "after_a_person")
    c.verdict(R, "met", "a_person_answered")


STORIES: dict[Callable[[Caller], None], int] = {
    answered: 62, voicemail: 14, gave_up: 8, in_menu: 4, silence: 2, busy: 3, announcement: 1, in_vain: 2,
    unreachable: 2, unheard: 2, in_queue: 6, stopped: 1, recording_unheard: 1, sent_to_voicemail: 2,
}  # fmt: skip


def calls(
    count: int, seed: int = 7, at: Callable[[Random], datetime] = when
) -> Iterator[tuple[list[f.Fact], YearTruth]]:
    """`count` calls, each with its truth."""
    random = Random(seed)
    names, weights = list(LINES), [x[3] for x in LINES.values()]
    for number in range(count):
        arrived = at(random)
        line = random.choices(names, weights)[0]
        while line == NEW_LINE and arrived < BEGAN:
            line = random.choices(names, weights)[0]
        caller = Caller(random, number, line, arrived)
        random.choices(list(STORIES), list(STORIES.values()))[0](caller)
        yield caller.done()
