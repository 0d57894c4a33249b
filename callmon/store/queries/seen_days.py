"""The store's calls of some days as the replay takes them: waits, tries, phones there.

Refuses: test calls, calls outside opening hours, and the name of a phone: it becomes a number within the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import Connection, Table, and_, select

from callmon.core.calls.call import Call, language_label
from callmon.core.facts import (
    OUTSIDE,
    Answered,
    Fact,
    PhoneFact,
    PhoneRang,
    PhoneStopped,
    SentOff,
    VoicemailTook,
)
from callmon.core.replay.presence import there
from callmon.core.replay.record import DisruptedSpan, Outcome, SeenCall, SeenDay, Span, Try
from callmon.core.statistics.period import DAY, midnight
from callmon.store.database import Database
from callmon.store.queries.calls import stored_facts
from callmon.store.queries.disruptions import all_in
from callmon.store.row_mapping import call_of
from callmon.store.tables import CALL, FINDING, Condition, same_call

THIRD_RING = "answer_by_third_ring"
MS = timedelta(milliseconds=1)
JUDGED = ("met", "not_met")
CallName = tuple[str, str]  # with its exchange
PhoneName = tuple[str, str]  # its exchange, its extension
Kept = tuple[int, int]  # calls that kept the third ring, calls judged
Speaks = Callable[[str, str, datetime], bool | None]  # of an exchange, the phone and a time of the day


@dataclass
class DayReader:
    """Reads days of a question, which number its calls and phones. Calls of other lines only keep phones busy.

    `names` has the name and exchange of each call, in the order of the keys. `speaks`: whether a phone speaks the
    language asked about; None where none is.
    """

    zone: ZoneInfo
    line: str | None = None
    names: list[CallName] = field(default_factory=list)
    speaks: Speaks | None = None
    _phones: dict[PhoneName, int] = field(default_factory=dict, init=False)

    def read_days(self, store: Database, first: date, last: date, until: time | None = None) -> list[SeenDay]:
        """The days from `first` to `last` that have calls, each as `read_day` reads it."""
        found = []
        for n in range((last - first).days + 1):
            with store.reading() as connection:
                found.append(self.read_day(connection, first + timedelta(days=n), until))
        return [day for day in found if day is not None]

    def read_day(self, connection: Connection, day: date, until: time | None = None) -> SeenDay | None:
        """The calls of the day, or those that ended by the local time `until`; None when it has none."""
        calls = sorted(self._calls(connection, day, until), key=lambda call: call.at)
        if not any(call.counted for call in calls):
            return None
        phones = there(calls)
        return SeenDay(day.isoformat(), tuple(calls), phones, self._speaking(phones, day))

    def _speaking(self, there: Container[int], day: date) -> frozenset[int]:
        """Of the phones there, those that speak the language asked about on this day."""
        speaks, at = self.speaks, midnight(day, self.zone)
        if speaks is None:
            return frozenset()
        known = self._phones.items()
        return frozenset(number for (one, phone), number in known if number in there and speaks(one, phone, at))

    def _calls(self, connection: Connection, day: date, until: time | None) -> Iterator[SeenCall]:
        begin, end = midnight(day, self.zone), midnight(day + DAY, self.zone)
        which = and_(*counted_calls(begin, end))
        if until is not None:
            which = and_(which, CALL.c.ended <= datetime.combine(day, until, self.zone).astimezone(UTC))
        verdicts = _verdicts(connection, which)
        facts = stored_facts(connection, lambda table: _calls_condition(table, which), None)
        question = select(CALL.c["call"], CALL.c.exchange, CALL.c.data).where(which).order_by(CALL.c.arrived)
        calls = {(name, exchange): call_of(data, {}) for name, exchange, data in connection.execute(question)}
        for (name, exchange), call in calls.items():
            verdict = verdicts.get((name, exchange))
            seen = self._seen(call, facts.get((name, exchange), []), begin, exchange)
            self.names.append((name, exchange))
            counted = self.line in (None, call.line)
            lacks = seen.lacks or ("verdict" if verdict == "unknown" else None)
            yield replace(seen, judged=verdict in JUDGED, met=verdict == "met", counted=counted, lacks=lacks)

    def _seen(self, call: Call, facts: Iterable[Fact], begin: datetime, exchange: str) -> SeenCall:
        """One call from its account and its facts; times in ms after `begin`."""
        known = [fact for fact in facts if fact.at is not None]
        rang = next((fact.at for fact in known if isinstance(fact, PhoneRang)), None)
        start = call.ringing or rang or call.arrived or begin
        outcome, end = _outcome(call, known)
        wait = max(0, round(((end or call.ended or start) - start) / MS))
        answered = outcome == "answered"
        return SeenCall(
            key=len(self.names),
            at=round((start - begin) / MS),
            line=call.line or "",
            outcome=outcome,
            wait=wait,
            tries=self._tries(known, exchange, start, wait, answered),
            talk=_talk(call, known) if answered else 0,
            language=language_label(call.language),
            lacks="wait" if answered and call.answered is None else None,
        )

    def _tries(
        self, facts: list[Fact], exchange: str, start: datetime, wait: int, answered: bool
    ) -> tuple[Try, ...]:
        ringing: dict[str, tuple[int, int]] = {}
        found: list[Try] = []
        for fact in facts:
            if not isinstance(fact, PhoneFact) or fact.phone == OUTSIDE or fact.at is None:
                continue
            after = round((fact.at - start) / MS)
            when = min(max(after, 0), wait)
            phone = self._phones.setdefault((exchange, fact.phone), len(self._phones))
            if isinstance(fact, PhoneRang) and after <= wait:
                ringing.setdefault(fact.channel, (phone, when))
            elif isinstance(fact, PhoneStopped) and fact.channel in ringing:
                of, begun = ringing.pop(fact.channel)
                found.append(Try(of, begun, when - begun))
            elif isinstance(fact, Answered) and answered and not any(tried.took for tried in found):
                of, begun = ringing.pop(fact.channel, (phone, wait))
                found.append(Try(of, begun, wait - begun, True))
        found += (Try(of, begun, wait - begun) for of, begun in ringing.values())
        return tuple(sorted(found, key=lambda tried: (tried.start, tried.phone)))


def in_language(day: SeenDay, language: str) -> SeenDay:
    """The day with the calls of a language alone, and the phones that took one of these."""
    calls = tuple(call for call in day.calls if call.language == language)
    took = {tried.phone for call in calls for tried in call.tries if tried.took}
    return SeenDay(day.name, calls, {phone: spans for phone, spans in day.phones.items() if phone in took})


def judged_days(connection: Connection, zone: ZoneInfo, begin: datetime, end: datetime) -> dict[date, Kept]:
    """Of each local day of [begin, end) the calls that kept the third ring, and those that were judged."""
    question = (
        select(CALL.c.arrived, FINDING.c.verdict)
        .select_from(CALL.join(FINDING, same_call(CALL, FINDING)))
        .where(*counted_calls(begin, end), FINDING.c.standard == THIRD_RING, FINDING.c.verdict.in_(JUDGED))
    )
    found: dict[date, Kept] = {}
    for arrived, verdict in connection.execute(question):
        day = arrived.astimezone(zone).date()
        met, judged = found.get(day, (0, 0))
        found[day] = (met + (verdict == "met"), judged + 1)
    return found


def counted_calls(begin: datetime, end: datetime) -> tuple[Condition, ...]:
    """The public's calls on a line that arrived in [begin, end), in opening hours."""
    return (
        CALL.c.arrived >= begin,
        CALL.c.arrived < end,
        CALL.c.direction == "inbound",
        CALL.c.line.is_not(None),
        ~CALL.c.is_test,
        CALL.c.in_hours.is_not(False),
    )


def _calls_condition(table: Table, which: Condition) -> Condition:
    """The rows of those calls: a name may be in use at two exchanges, whose rows are told apart afterwards."""
    return table.c["call"].in_(select(CALL.c["call"]).where(which))


def _verdicts(connection: Connection, which: Condition) -> dict[tuple[str, str], str]:
    question = select(FINDING.c["call"], FINDING.c.exchange, FINDING.c.verdict)
    question = question.where(FINDING.c.standard == THIRD_RING, _calls_condition(FINDING, which))
    return {(name, exchange): verdict for name, exchange, verdict in connection.execute(question)}


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
    talked = call.talk_length
    if call.answered is not None and (call.transfers or call.ended is None):
        sent = [fact.at - call.answered for fact in facts if isinstance(fact, SentOff) and fact.at is not None]
        talked = min([length for length in sent if length >= timedelta(0)], default=talked)
    return round(talked / MS)


def disrupted_spans(connection: Connection, zone: ZoneInfo, day: date) -> list[DisruptedSpan]:
    """Of the day, in ms after midnight: its disruptions, each with its lines."""
    begin, end = midnight(day, zone), midnight(day + DAY, zone)
    return [
        DisruptedSpan(*in_ms(one.began, one.ended or end, begin), frozenset(one.lines))
        for one in all_in(connection, begin, end)
        if one.counts
    ]


def in_ms(begin: datetime, end: datetime, midnight: datetime) -> Span:
    """A span in ms after midnight."""
    return round((begin - midnight) / MS), round((end - midnight) / MS)
