"""Applies a backfill to the database: creates calls that are not stored, completes calls that are stored in part.

    stored whole, or from CEL, or in progress ─▶ unchanged
    stored from a record that holds less      ─▶ replaced (CDR by queue_log, both by CEL)
    not stored                                ─▶ created, and counted as a call that has just ended
    stored in part                            ─▶ completed; counters move (`store/rejudge.py`)
    outbound, to a number with an open obligation ─▶ a command for the ledger, which only the daemon writes

Applying a backfill twice changes nothing. Each chunk of calls is one transaction, so that an interrupted backfill
is run again. The daemon can write meanwhile.

Refuses: to change a call that was received completely; to make a known verdict unknown; to take a batch number of
the writer; to store any data of another outbound call, in particular its number.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, cast

import msgspec
from sqlalchemy import Connection, Table, and_, func, or_, select

from callmon.backfill.cel.extract import arrival
from callmon.backfill.merge import merged
from callmon.core.callbacks.commands import CallbackCommand, Received
from callmon.core.callbacks.triggers import hidden_of
from callmon.core.calls.call import Call, Heard, language_label
from callmon.core.facts import AnyFact, CallbackRequested, Fact, Filled, VoicemailTook, as_it_stands
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics import counters
from callmon.core.statistics.counters import Figures
from callmon.core.verdicts import Finding
from callmon.store import tables
from callmon.store.bulk import BulkWriter
from callmon.store.commands import insert_callback_command, insert_outbound_call
from callmon.store.database import Database, database_errors
from callmon.store.queries import calls
from callmon.store.rejudge import RejudgedCalls, VerdictChange, up_to_end
from callmon.store.rollups import update
from callmon.store.row_mapping import CALLER, Rows, StoredCallKey, call_of
from callmon.store.tables import CALL, FACT, MARK, NUMBER, OBLIGATION, OPEN, Condition
from callmon.store.tables.callbacks import HandRow
from callmon.store.tables.columns import table_of
from callmon.store.writer.transaction import IMPORTED, write_numbers

CHUNK = 200
# Less than this after a call's end, the daemon may not have written the call yet.
SETTLED = timedelta(seconds=2)

ACTOR = "backfill"
# The records of an exchange, by how much of a call they hold.
HELD: Mapping[str, int] = {"cdr": 1, "queue_log": 2, "cel": 3}

What = Literal["created", "completed"]


class CallChange(msgspec.Struct, frozen=True):
    """One created or completed call: its new account with its number, its findings, and its facts.

    `verdicts`: those that changed.
    """

    what: What
    exchange: str
    call: Call
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    verdicts: tuple[VerdictChange, ...] = ()


class FilledGap(msgspec.Struct, frozen=True):
    """The changes of one transaction, and what they add to the counters."""

    changes: tuple[CallChange, ...]
    added: Figures


def fill(
    store: Database,
    monitor: Monitor,
    exchange: str,
    found: Mapping[str, Sequence[Fact]],
    now: datetime,
    writes: bool = True,
    is_import: bool = False,
) -> Iterator[FilledGap]:
    """Writes the calls of CEL (`found`: facts by call). Yields the changes of each transaction after its commit.

    Without `writes`, yields the same changes and writes nothing. `is_import`: calls of the past, which are in no
    counter that is exported, and whose callbacks nobody follows. Raises StoreError; the transactions yielded until
    then are committed.
    """
    settled = iter([(call, facts) for call, facts in found.items() if is_settled(facts, now)])
    while part := dict(islice(settled, CHUNK)):
        judged = _judged(store, monitor, exchange, part) if is_import else {}
        write = store.writing_piece if is_import else store.writing
        with database_errors(store), write() if writes else store.reading() as connection:
            filling = _Filling(connection, store, monitor, exchange, now, is_import)
            filling.merge(part, judged)
            if writes:
                filling.write_rows()
        yield FilledGap(tuple(filling.changes), filling.group.added)


Judged = Mapping[str, Outcome | None]


def _judged(store: Database, monitor: Monitor, exchange: str, part: Mapping[str, Sequence[Fact]]) -> Judged:
    """The new calls of an import, judged before the transaction: a daemon beside waits for its writes alone."""
    with database_errors(store):
        known = calls.names_with_facts(store, exchange, part)
    return {call: monitor.retell(exchange, facts) for call, facts in part.items() if call not in known}


def is_settled(facts: Sequence[Fact], now: datetime) -> bool:
    """Whether the call ended SETTLED or longer ago, so that the daemon has written what it received of it."""
    end = facts[-1].at
    return end is None or now - end >= SETTLED


class _Filling:
    """One chunk of calls in one transaction."""

    def __init__(
        self,
        connection: Connection,
        store: Database,
        monitor: Monitor,
        exchange: str,
        now: datetime,
        is_import: bool = False,
    ) -> None:
        self._connection = connection
        self._monitor = monitor
        self._exchange = exchange
        self._writing = BulkWriter(connection, store.ring)
        self.group = RejudgedCalls(connection, monitor)
        self._now = now
        self._is_import = is_import
        self._created = Rows(0)  # one statement a table for all of them
        self._rows = [self._created]
        self._commands: list[CallbackCommand] = []
        self.changes: list[CallChange] = []

    def merge(self, found: Mapping[str, Sequence[Fact]], judged: Judged) -> None:
        def which(table: Table) -> Condition:
            return and_(table.c.exchange == self._exchange, table.c["call"].in_(list(found)))

        in_progress = set(self._connection.scalars(select(OPEN.c["call"]).where(which(OPEN))))
        question = select(CALL.c["call"], CALL.c.data).where(which(CALL)).with_for_update()
        stored: dict[str, str] = {row[0]: row[1] for row in self._connection.execute(question)}
        facts = calls.stored_facts(self._connection, which, None, (FACT,))
        findings = calls.stored_findings(self._connection, which)
        for call, new in found.items():
            key = (call, self._exchange)
            if call in stored and call not in in_progress:
                heard = call_of(stored[call], {}).heard
                if _is_better(new, heard):
                    known = facts.get(key, []) if heard == "partly" else None
                    self._complete(key, stored[call], known, findings.get(key, []), new)
            elif call not in in_progress:
                self._create(judged[call] if call in judged else self._monitor.retell(self._exchange, new))

    def _create(self, outcome: Outcome | None) -> None:
        if outcome is None or not outcome.calls:  # on no line: a call of staff, which is not counted
            return
        call, findings = outcome.calls[0], outcome.findings
        counted = Figures()
        counters.of_call(counted, call)
        for finding in findings:
            counters.of_finding(counted, finding)
        for figure, amount in counted.items():
            counters.add_figure(self.group.added, (IMPORTED, *figure) if self._is_import else figure, amount)
        self.group.rolling.change(self._exchange, None, update.call_record(call, findings))
        self._created.add_items([outcome])
        self._record(CallChange("created", self._exchange, call, findings, outcome.facts))

    def _complete(
        self, key: StoredCallKey, data: str, heard: list[Fact] | None, old: list[Finding], new: Sequence[Fact]
    ) -> None:
        """Completes a call with its received facts (`heard`), or replaces one of another record (None)."""
        facts = tuple(new if heard is None else merged(up_to_end(as_it_stands(heard)), new))
        outcome = self._monitor.retell(self._exchange, facts)
        if outcome is None or not outcome.calls:
            return
        if heard is not None:
            outcome = _with_what_was_known(outcome, old)
        elif outcome.calls[0].outcome == "unknown":
            return  # the record that holds less told what became of this call
        before = len(self.group.changes)
        self.group.correct(key, data, old, outcome)
        verdicts = tuple(self.group.changes[before:])
        findings = tuple(({x.standard: x for x in old} | {x.standard: x for x in outcome.findings}).values())
        change = CallChange("completed", self._exchange, outcome.calls[0], findings, facts, verdicts)
        rows = Rows(0, self._next_place(key))  # of facts, behind those that are stored
        rows.add_items([Outcome(self._exchange, facts)])
        self._rows.append(rows)
        self._record(change, heard or ())

    def _record(self, change: CallChange, heard: Sequence[Fact] = ()) -> None:
        """Records a change. For a call that owes a callback, adds a command: only the daemon opens obligations.

        `heard`: its facts that were received.
        """
        self.changes.append(change)
        if self._is_import:
            return
        asked = (x for x in change.facts if isinstance(x, CallbackRequested) and x not in heard)
        self._owe(change, next(asked, None))

    def _owe(self, change: CallChange, asked: CallbackRequested | None) -> None:
        """Adds the command for a caller who asked to be called back, or whom voicemail took."""
        call, box = change.call, change.call.voicemail
        took = next((fact for fact in change.facts if isinstance(fact, VoicemailTook)), None)
        opened_by = asked if asked is not None else took
        at = (opened_by.at if opened_by is not None else None) or call.arrived
        has_message = None if box is None else box.message
        if call.line is None or at is None or (asked is None and (box is None or has_message is False)):
            return
        given = asked is not None and asked.number is not None
        region = self._monitor.exchanges[self._exchange].profile.region
        hidden = None if given else hidden_of(call, region, self._monitor.ledger.terms.own_numbers)
        language = language_label(call.language or (asked.language if asked is not None else None))
        received = Received(
            call.call, at, call.line, language, hidden, message=has_message is True, request=asked is not None
        )
        self._commands.append(
            CallbackCommand(
                at=self._now,
                actor=ACTOR,
                action="owe",
                exchange=self._exchange,
                obligation=call.call,
                received=received,
                other_number=given,
            )
        )

    def _next_place(self, key: StoredCallKey) -> int:
        which = and_(FACT.c["call"] == key[0], FACT.c.exchange == key[1])
        latest: int | None = self._connection.execute(select(func.max(FACT.c.n)).where(which)).scalar()
        return 0 if latest is None else latest + 1

    def write_rows(self) -> None:
        """Writes all rows, counters and commands in the current transaction."""
        for rows in self._rows:
            self._writing.insert(tables.FACT, rows.fact_rows()[0])
            self._writing.insert(tables.CALL, rows.call_rows())
            self._writing.insert(tables.FINDING, rows.finding_rows())
            write_numbers(self._writing, rows)
        self.group.write_changes()
        for command in self._commands:
            insert_callback_command(self._connection, self._writing.ring, command)


def _is_better(new: Sequence[Fact], heard: Heard) -> bool:
    """Whether the record of these facts holds more than what is stored. Only CEL completes a received call."""
    source = next((fact.source for fact in new if isinstance(fact, Filled)), "cel")
    return source == "cel" if heard == "partly" else HELD.get(source, 0) > HELD.get(heard, len(HELD))


def _with_what_was_known(outcome: Outcome, old: Iterable[Finding]) -> Outcome:
    """Removes unknown verdicts of standards with a known verdict: received facts may be more exact than CEL."""
    known = {finding.standard for finding in old if finding.verdict != "unknown"}
    kept = tuple(x for x in outcome.findings if x.verdict != "unknown" or x.standard not in known)
    return msgspec.structs.replace(outcome, findings=kept)


# Outbound calls.


def hand_over(store: Database, exchange: str, calls: Iterable[tuple[str, Sequence[Fact]]], now: datetime) -> int:
    """Inserts a command for each call (number, facts) to an open obligation. Returns their number.

    Raises StoreError.
    """
    count, rest = 0, iter(calls)
    while some := list(islice(rest, CHUNK)):
        with database_errors(store), store.writing() as connection:
            for number, facts in some:
                if _waits(connection, store.ring.tokens(number)):
                    call = arrival(facts)
                    command = CallbackCommand(
                        at=now,
                        actor=ACTOR,
                        action="called",
                        exchange=exchange,
                        obligation=call.call,
                        facts=cast("tuple[AnyFact, ...]", tuple(facts)),
                    )
                    count += insert_outbound_call(connection, store.ring, command, call.dialled)
    return count


def _waits(connection: Connection, tokens: Sequence[str]) -> bool:
    """Whether an obligation to this number is open, or a pending command will open one."""
    known = or_(OBLIGATION.c.token.in_(tokens), OBLIGATION.c.other.in_(tokens))
    is_open = (
        select(OBLIGATION.c.id).where(known, or_(OBLIGATION.c.is_live, OBLIGATION.c.state == "open")).limit(1)
    )
    if connection.execute(is_open).one_or_none() is not None:
        return True
    done = select(MARK.c.value).where(MARK.c.name == "hand").scalar_subquery()
    hand = table_of(HandRow).c
    same = and_(NUMBER.c["call"] == hand.obligation, NUMBER.c.exchange == hand.exchange)
    pending = and_(hand.n > done, hand.action == "owe", NUMBER.c.role == CALLER, NUMBER.c.token.in_(tokens))
    question = select(hand.n).join(NUMBER, same).where(pending).limit(1)
    return connection.execute(question).one_or_none() is not None
