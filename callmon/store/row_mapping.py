"""Maps outcomes to rows, table by table, and rows back to objects.

Moves people's numbers out of facts and calls into rows of their own, and restores them on request.

Times are whole microseconds, as the tables have them.

Refuses: SQL and connections; this module only has the tables' columns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.entries import AnyEntry, CalledBack
from callmon.core.callbacks.obligation import Key, LedgerUpdate, Obligation
from callmon.core.calls.call import Call, language_label
from callmon.core.disruptions.disruption import AnyEntry as AnyDisruptionEntry
from callmon.core.disruptions.disruption import Disruption
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.facts import OUTSIDE, AnyFact, Arrived, CallbackRequested, Ended, Fact, NumberWithheld, tag_of
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.core.statistics.counters import Figure
from callmon.core.verdicts import Finding, Gap
from callmon.store.encryption import KeyRing
from callmon.store.fact_packing import pack_facts, unpack_facts
from callmon.store.tables import Row, microseconds, microseconds_or_none, row_from, row_of
from callmon.store.tables.callbacks import ContactRow, LedgerRow, ObligationRow
from callmon.store.tables.calls import CallRow, FactRow, FindingRow, GapRow, HeartbeatRow, NumberRow, OpenCallRow
from callmon.store.tables.disruptions import DisruptionEntryRow, DisruptionRow
from callmon.store.tables.figures import CounterRow

StoredCallKey = tuple[str, str]  # (call, exchange), the order of every key
Numbers = Mapping[str, str]
Source = TypeVar("Source", Arrived, Call)

# A batch has fewer rows of a table than this, so that (batch number, index in the batch) is one ascending integer.
PLACES = 1 << 20

CALLER = "caller"
DIALLED = "dialled"
CALLBACK = "callback"

MARKED = frozenset((Arrived, NumberWithheld, CallbackRequested, Ended))
NONE_OPEN: Mapping[StoredCallKey, tuple[int, str]] = MappingProxyType({})

fact_row = row_of(FactRow)
open_call_row = row_of(OpenCallRow)
number_row = row_of(NumberRow)
gap_row = row_of(GapRow)
heartbeat_row = row_of(HeartbeatRow)
counter_row = row_of(CounterRow)
call_row = row_from(CallRow, "exchange", "language", "waited", "data", "is_test")
finding_row = row_from(FindingRow, "exchange")
ledger_row = row_from(LedgerRow, "n", "kind", "data")
obligation_row = row_from(ObligationRow, "cautions", "due", "due_business", "actionable", "attempts", "data")
contact_row = row_from(ContactRow, "n", "data")
disruption_entry_row = row_from(DisruptionEntryRow, "n", "kind", "data")
disruption_row = row_from(DisruptionRow, "lines", "until", "data")

_encode = msgspec.json.Encoder().encode
_decode_facts = msgspec.json.Decoder(tuple[AnyFact, ...]).decode
_decode_call = msgspec.json.Decoder(Call).decode
_decode_obligation = msgspec.json.Decoder(Obligation).decode


class Rows:
    """The rows of a batch of outcomes. Calls, findings and gaps by their key: the first of each wins."""

    def __init__(self, group: int, place: int = 0) -> None:
        self.first = group * PLACES + place  # the number of the first row of each table
        self._n = self._entry = self._disruption = self._contact = self.first
        self.ledger: list[Row] = []
        self.ledger_updates: list[LedgerUpdate] = []
        self.obligations: dict[Key, Obligation] = {}
        self.called_back: list[CalledBack] = []
        self.disruption_entries: list[Row] = []
        self.disruptions: list[DisruptionUpdate] = []
        self.contacts: list[Row] = []
        self.last_contact = 0  # microseconds: the time of the latest one
        self.hand = self.disruption_hand = 0  # the last commands applied
        self.facts: dict[StoredCallKey, list[Fact]] = {}
        self.numbers: dict[tuple[str, str, str], str] = {}  # by call, exchange and role: the first wins
        self.withheld: list[StoredCallKey] = []
        self.begun: set[StoredCallKey] = set()
        self.over: set[StoredCallKey] = set()
        self.calls: dict[StoredCallKey, Call] = {}
        self.findings: dict[tuple[str, str, str], Finding] = {}
        self.corrections: dict[tuple[str, str, str], Finding] = {}
        self.gaps: dict[tuple[str, datetime], Gap] = {}
        self.heard: dict[str, datetime] = {}
        self._accounts: dict[StoredCallKey, str] = {}

    def add_items(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Heartbeat):
                self.heard[item.exchange] = item.at
            else:
                self.add_outcome(item.exchange, item)

    def add_outcome(self, exchange: str, outcome: Outcome) -> None:
        for fact in outcome.facts:
            key = (fact.call, exchange)
            if type(fact) in MARKED:
                fact = self._marked(key, fact)
            if (facts := self.facts.get(key)) is None:
                self.facts[key] = [fact]
            else:
                facts.append(fact)
        if outcome.findings or outcome.calls:
            self._add_calls(exchange, outcome)
        if outcome.gaps or outcome.ledger or outcome.disruptions or outcome.contacts:
            self._add_others(outcome)
        if outcome.callback_command or outcome.disruption_command:
            self.hand = max(self.hand, outcome.callback_command)
            self.disruption_hand = max(self.disruption_hand, outcome.disruption_command)

    def _add_calls(self, exchange: str, outcome: Outcome) -> None:
        for finding in outcome.findings:
            self.findings.setdefault((finding.call, exchange, finding.standard), finding)
        for call in outcome.calls:
            self.calls.setdefault((call.call, exchange), call)
            self._add_numbers(exchange, call)

    def _add_others(self, outcome: Outcome) -> None:
        for gap in outcome.gaps:
            self.gaps.setdefault((gap.exchange, gap.start), gap)
        for written in outcome.ledger:
            self._add_written(written)
        for update in outcome.disruptions:
            self._add_disruption(update)
        for contact in outcome.contacts:
            self._add_contact(contact)

    def _add_written(self, written: LedgerUpdate) -> None:
        entry = written.entry
        self.ledger.append(ledger_row(entry, n=self._entry, kind=tag_of(type(entry)), data=_json(entry)))
        self.ledger_updates.append(written)
        self._entry += 1
        self.obligations[written.obligation.key] = written.obligation
        if isinstance(entry, CalledBack):
            self.called_back.append(entry)
        for finding in written.findings:
            self.findings.setdefault((finding.call, entry.exchange, finding.standard), finding)
        for finding in written.corrections:
            self.corrections[finding.call, entry.exchange, finding.standard] = finding

    def _add_disruption(self, update: DisruptionUpdate) -> None:
        row = disruption_entry_row(
            update.entry, n=self._disruption, kind=tag_of(type(update.entry)), data=_json(update.entry)
        )
        self.disruption_entries.append(row)
        self.disruptions.append(update)
        self._disruption += 1

    def _add_contact(self, contact: Contact) -> None:
        self.contacts.append(contact_row(contact, n=self._contact, data=_json(contact)))
        self._contact += 1
        self.last_contact = max(self.last_contact, microseconds(contact.at))

    def _marked(self, key: StoredCallKey, fact: Fact) -> Fact:
        """Records what else a fact of MARKED changes. Returns it without a number."""
        if isinstance(fact, Arrived):
            self.begun.add(key)
            self._add_numbers(key[1], fact)
            return without_numbers(fact)
        if isinstance(fact, NumberWithheld):
            self.withheld.append(key)
            self.numbers.pop((*key, CALLER), None)  # delivered by the trunk, but not stored
        elif isinstance(fact, Ended):
            self.over.add(key)
        elif isinstance(fact, CallbackRequested) and fact.number is not None:
            self.numbers.setdefault((*key, CALLBACK), fact.number)
            return msgspec.structs.replace(fact, number=OUTSIDE)
        return fact

    def fact_rows(self, begun: Mapping[StoredCallKey, tuple[int, str]] = NONE_OPEN) -> tuple[list[Row], list[Row]]:
        """The rows of `fact`, and those of `open_call`: of calls in progress after this batch.

        `begun`: `n` and `data` of the stored rows of `open_call`. The facts of a call that is neither in progress
        nor begins here are rows of `fact` of their own.
        """
        ended: list[Row] = []
        still_open: list[Row] = []
        for key, facts in self.facts.items():
            (call, exchange), (n, data) = key, begun.get(key, (self._n, ""))
            data = f"{data[:-1]},{_json(facts)[1:]}" if data else _json(facts)
            if key not in self.over and (key in begun or key in self.begun):
                still_open.append(open_call_row(call=call, exchange=exchange, n=n, data=data))
            else:
                at = _last_time(facts) or _last_time(_decode_facts(data))
                packed = pack_facts(data)
                ended.append(fact_row(call=call, exchange=exchange, n=self._n, at=at, data=packed))
            self._n += 1
        return ended, still_open

    def _add_numbers(self, exchange: str, source: Arrived | Call) -> None:
        if source.caller is not None:
            self.numbers.setdefault((source.call, exchange, CALLER), source.caller)
        if source.direction == "outbound" and source.dialled != OUTSIDE:
            self.numbers.setdefault((source.call, exchange, DIALLED), source.dialled)

    def number_rows(self, ring: KeyRing) -> list[Row]:
        """The encrypted numbers, each with its token; none without a key."""
        if not ring:
            return []
        return [
            number_row(
                call=call,
                exchange=exchange,
                role=role,
                number=ring.encrypt(number),
                token=ring.token(number),
            )
            for (call, exchange, role), number in self.numbers.items()
        ]

    def call_rows(self) -> list[Row]:
        return [row_of_call(key[1], call, self.account(key)) for key, call in self.calls.items()]

    def account(self, key: StoredCallKey) -> str:
        """The whole account of a call as stored JSON, without numbers."""
        if key not in self._accounts:
            self._accounts[key] = encoded(self.calls[key])
        return self._accounts[key]

    def finding_rows(self) -> list[Row]:
        return finding_rows(self.findings)

    def obligation_rows(self) -> list[Row]:
        return list(map(row_of_obligation, self.obligations.values()))

    def disruption_rows(self) -> list[Row]:
        """The last state of each disruption."""
        latest = {x.disruption.id: x.disruption for x in self.disruptions}
        return list(map(row_of_disruption, latest.values()))

    def gap_rows(self) -> list[Row]:
        return [
            gap_row(exchange=gap.exchange, began=microseconds(gap.start), ended=microseconds(gap.end))
            for gap in self.gaps.values()
        ]

    def heartbeat_rows(self) -> list[Row]:
        return [heartbeat_row(exchange=name, heard=microseconds(at)) for name, at in self.heard.items()]


def row_of_call(exchange: str, call: Call, account: str) -> Row:
    longest = None if call.waited is None else call.waited.longest
    return call_row(
        call,
        exchange=exchange,
        language=language_label(call.language),
        waited=None if longest is None else round(longest.total_seconds() * 1_000_000),
        data=account,
        is_test=call.test,
    )


def row_of_obligation(obligation: Obligation) -> Row:
    return obligation_row(
        obligation,
        cautions=" ".join(obligation.cautions),
        due=microseconds(obligation.due.at),
        due_business=microseconds_or_none(obligation.dues.business),
        actionable=microseconds_or_none(obligation.due.actionable),
        attempts=len(obligation.attempts),
        data=_json(msgspec.structs.replace(obligation, token=None, other=None)),
    )


def row_of_disruption(state: Disruption) -> Row:
    until = microseconds_or_none(state.notice.until)
    return disruption_row(state, lines=f" {' '.join(state.lines)} ", until=until, data=_json(state))


def _json(value: object) -> str:
    return _encode(value).decode()


def without_numbers(source: Source) -> Source:
    """Removes the numbers: an outbound call's `dialled` becomes "outside", and `caller` becomes None."""
    dialled = OUTSIDE if source.direction == "outbound" else source.dialled
    return msgspec.structs.replace(source, caller=None, dialled=dialled)


def _with_numbers(source: Source, numbers: Numbers) -> Source:
    caller = numbers.get(CALLER, source.caller)
    return msgspec.structs.replace(source, caller=caller, dialled=numbers.get(DIALLED, source.dialled))


def encoded(call: Call) -> str:
    """The whole account as JSON, without numbers."""
    return _json(without_numbers(call))


def finding_rows(findings: Mapping[tuple[str, str, str], Finding]) -> list[Row]:
    return [finding_row(finding, exchange=exchange) for (_, exchange, _), finding in findings.items()]


def _last_time(facts: Sequence[Fact]) -> int | None:
    """The time of the last fact that has one."""
    return next((microseconds(fact.at) for fact in reversed(facts) if fact.at is not None), None)


# Rows to objects.


def facts_of(data: bytes | str, numbers: Numbers) -> list[Fact]:
    """The facts of a row of `fact` (compressed), or of `open_call`."""
    found = _decode_facts(data if isinstance(data, str) else unpack_facts(data))
    return [with_number(fact, numbers) for fact in found] if numbers else [*found]


def with_number(fact: AnyFact, numbers: Numbers) -> AnyFact:
    if isinstance(fact, CallbackRequested) and fact.number is not None:
        return msgspec.structs.replace(fact, number=numbers.get(CALLBACK, fact.number))
    return _with_numbers(fact, numbers) if isinstance(fact, Arrived) else fact


def finding_of(row: Any) -> tuple[StoredCallKey, Finding]:
    """The call and the verdict of a whole row of `finding`."""
    fields = dict(row._mapping)
    key = (fields["call"], fields.pop("exchange"))
    return key, Finding(**fields)


def findings_by_call(rows: Iterable[Any]) -> dict[StoredCallKey, list[Finding]]:
    """The verdicts of whole rows of `finding`, in their order."""
    found: dict[StoredCallKey, list[Finding]] = {}
    for key, finding in map(finding_of, rows):
        found.setdefault(key, []).append(finding)
    return found


contact_of: Callable[[str], Contact] = msgspec.json.Decoder(Contact).decode
entry_of: Callable[[str], AnyEntry] = msgspec.json.Decoder(AnyEntry).decode
disruption_entry_of: Callable[[str], AnyDisruptionEntry] = msgspec.json.Decoder(AnyDisruptionEntry).decode
disruption_of: Callable[[str], Disruption] = msgspec.json.Decoder(Disruption).decode


def obligation_of(data: str, token: str | None, other: str | None) -> Obligation:
    return msgspec.structs.replace(_decode_obligation(data), token=token, other=other)


def call_of(data: str, numbers: Numbers) -> Call:
    return _with_numbers(_decode_call(data), numbers)


def counter_rows(figures: Mapping[Figure, float]) -> list[Row]:
    return [counter_row(figure=figure_key(figure), value=amount) for figure, amount in figures.items()]


def figure_key(figure: Figure) -> str:
    return _json(figure)


def figure_of(key: Any) -> Figure:
    return msgspec.json.decode(key, type=tuple[str, ...])
