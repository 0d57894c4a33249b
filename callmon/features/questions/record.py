"""The store's calls of some days as the replay takes them: waits, tries, phones there.

Refuses: test calls, calls outside opening hours, and the name of a phone: it becomes a number within the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import Connection, Table, and_, select

from callmon.core.calls.call import Call, language_label
from callmon.core.facts import OUTSIDE, Answered, Fact, PhoneFact, PhoneRang, PhoneStopped, SentOff, VoicemailTook
from callmon.core.replay.record import Outcome, SeenCall, SeenDay, Span, Try
from callmon.core.statistics.period import midnight
from callmon.store.database import Database
from callmon.store.queries.calls import stored_facts
from callmon.store.row_mapping import call_of
from callmon.store.tables import CALL, FINDING, Condition

THIRD_RING = "answer_by_third_ring"
# Milliseconds: from so long before its first ring to so long after its last call of the day, a phone is there.
AROUND = 900_000
JUDGED = ("met", "not_met")
PhoneNumbers = dict[tuple[str, str], int]


def read_days(
    store: Database,
    zone: ZoneInfo,
    first: date,
    last: date,
    line: str | None = None,
    names: list[str] | None = None,
) -> list[SeenDay]:
    """The days from `first` to `last` that have calls. Calls of other lines than `line` only keep phones busy.

    `names` receives the name of each call, in the order of the keys.
    """
    numbers: PhoneNumbers = {}
    found: list[SeenDay] = []
    called = [] if names is None else names
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        with store.reading() as connection:
            calls = list(_calls(connection, zone, day, line, numbers, called))
        if any(call.counted for call in calls):
            found.append(SeenDay(day.isoformat(), tuple(sorted(calls, key=lambda call: call.at)), _there(calls)))
    return found


def _calls(
    connection: Connection, zone: ZoneInfo, day: date, line: str | None, numbers: PhoneNumbers, names: list[str]
) -> Iterator[SeenCall]:
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    which = and_(
        CALL.c.arrived >= begin,
        CALL.c.arrived < end,
        CALL.c.direction == "inbound",
        CALL.c.line.is_not(None),
        ~CALL.c.is_test,
        CALL.c.in_hours.is_not(False),
    )
    verdicts = _verdicts(connection, which)
    facts = stored_facts(connection, lambda table: _of_calls(table, which), None)
    rows = connection.execute(
        select(CALL.c["call"], CALL.c.exchange, CALL.c.data).where(which).order_by(CALL.c.arrived)
    )
    for name, exchange, data in rows:
        call = call_of(data, {})
        seen = seen_call(len(names), call, facts.get((name, exchange), []), begin, (exchange, numbers))
        names.append(name)
        verdict = verdicts.get((name, exchange), "unknown")
        judged, counted = verdict in JUDGED, line is None or call.line == line
        yield replace(seen, judged=judged, met=verdict == "met", counted=counted)


def _of_calls(table: Table, which: Condition) -> Condition:
    """The rows of those calls: a name may be in use at two exchanges, whose rows are told apart afterwards."""
    return table.c["call"].in_(select(CALL.c["call"]).where(which))


def _verdicts(connection: Connection, which: Condition) -> dict[tuple[str, str], str]:
    question = select(FINDING.c["call"], FINDING.c.exchange, FINDING.c.verdict)
    question = question.where(FINDING.c.standard == THIRD_RING, _of_calls(FINDING, which))
    return {(name, exchange): verdict for name, exchange, verdict in connection.execute(question)}


def seen_call(
    key: int, call: Call, facts: Iterable[Fact], begin: datetime, phones: tuple[str, PhoneNumbers]
) -> SeenCall:
    """One call from its account and its facts; times in ms after `begin`."""

    def since(at: datetime) -> int:
        return round((at - begin) / timedelta(milliseconds=1))

    known = [fact for fact in facts if fact.at is not None]
    rang = next((fact.at for fact in known if isinstance(fact, PhoneRang)), None)
    start = call.ringing or rang or call.arrived or begin
    outcome, end = _outcome(call, known)
    at = since(start)
    wait = max(0, since(end or call.ended or start) - at)
    answered = outcome == "answered"
    tries = _tries(known, at, wait, answered, since, phones)
    talk = _talk(call, known) if answered else 0
    return SeenCall(
        key=key,
        at=at,
        outcome=outcome,
        wait=wait,
        tries=tries,
        talk=talk,
        language=language_label(call.language),
    )


def _outcome(call: Call, facts: list[Fact]) -> tuple[Outcome, datetime | None]:
    """What ended the wait, and when. What the exchange ended, or was not heard, the replay leaves as it is."""
    for fact in facts:
        if isinstance(fact, Answered) and not call.doubtful:
            return "answered", fact.at
        if isinstance(fact, VoicemailTook) and not call.doubtful:
            return "voicemail", fact.at
    return ("abandoned" if call.outcome == "abandoned" and not call.doubtful else "unknown"), call.ended


def _talk(call: Call, facts: list[Fact]) -> int:
    """Until the phone was free: a transfer frees it."""
    talked = call.talked or timedelta(0)
    if call.transfers and call.answered is not None:
        sent = [fact.at - call.answered for fact in facts if isinstance(fact, SentOff) and fact.at is not None]
        talked = min([talked, *(length for length in sent if length >= timedelta(0))])
    return round(talked / timedelta(milliseconds=1))


def _tries(
    facts: list[Fact],
    at: int,
    wait: int,
    answered: bool,
    since: Callable[[datetime], int],
    phones: tuple[str, PhoneNumbers],
) -> tuple[Try, ...]:
    exchange, numbers = phones
    ringing: dict[str, tuple[int, int]] = {}
    found: list[Try] = []
    for fact in facts:
        if not isinstance(fact, PhoneFact) or fact.phone == OUTSIDE or fact.at is None:
            continue
        when = min(max(since(fact.at) - at, 0), wait)
        phone = numbers.setdefault((exchange, fact.phone), len(numbers))
        if isinstance(fact, PhoneRang) and since(fact.at) - at <= wait:
            ringing.setdefault(fact.channel, (phone, when))
        elif isinstance(fact, PhoneStopped) and fact.channel in ringing:
            of, begun = ringing.pop(fact.channel)
            found.append(Try(of, begun, when - begun))
        elif isinstance(fact, Answered) and answered and not any(tried.took for tried in found):
            of, begun = ringing.pop(fact.channel, (phone, wait))
            found.append(Try(of, begun, wait - begun, True))
    found += (Try(of, begun, wait - begun) for of, begun in ringing.values())
    return tuple(sorted(found, key=lambda tried: (tried.start, tried.phone)))


def _there(calls: Iterable[SeenCall]) -> dict[int, tuple[Span, ...]]:
    """By phone, from a quarter of an hour before its first ring to one after its last call."""
    spans: dict[int, Span] = {}
    for call in calls:
        for tried in call.tries:
            begin = call.at + tried.start
            end = begin + tried.length + (call.talk if tried.took else 0)
            was = spans.get(tried.phone, (begin, end))
            spans[tried.phone] = (min(was[0], begin), max(was[1], end))
    return {phone: ((begin - AROUND, end + AROUND),) for phone, (begin, end) in spans.items()}
