"""One batch of outcomes, committed in one idempotent transaction with the counters that it adds.

A value the database rejects is isolated by bisecting the batch, then skipped, in the same transaction. A verdict
is counted once, as first given. A later ledger entry that corrects it is counted in
`callmon_verdicts_corrected_total`, the difference between rows and counters in `MOVED` (`store/rejudge.py`).

Refuses: to write twice: by the batch's number; and what is stored already is neither written nor counted again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InvalidRequestError

from callmon.core.outcome import Heartbeat, Item
from callmon.core.statistics import counters as figures
from callmon.core.statistics.counters import CORRECTED, Figures
from callmon.core.verdicts import Finding, Gap
from callmon.errors import StoreError
from callmon.store import tables
from callmon.store.bulk import ADDING, BulkWriter, chunks, record_key, replacing
from callmon.store.encryption import KeyRing
from callmon.store.notices import TELL
from callmon.store.rollups import update
from callmon.store.row_mapping import CALLER, Rows, StoredCallKey, counter_rows, finding_rows
from callmon.store.tables import CALL, FINDING, Row
from callmon.store.writer.write_lock import LockTakenError

# No callback, and no complaint with its fifteen business days, waits longer for another pair.
CONTACTS_KEPT = timedelta(days=35)


class BatchId(NamedTuple):
    """The identity of a batch: its number and the token of its term."""

    number: int
    token: str


Deliveries = Callable[[Rows], list[Row]]  # the rows of `webhook` that a part of a batch causes
Rejected = tuple[str, str]  # an outcome that the database rejects: the error's name, and the calls concerned


def may_pass(error: Exception) -> bool:
    """Whether a retry of the same batch may succeed: the database failed, its values were not rejected."""
    failures = (DBAPIError, InvalidRequestError, StoreError, OSError, MemoryError)
    return isinstance(error, failures) and not isinstance(error, (DataError, IntegrityError))


def item_label(item: Item) -> str:
    """An item for the log: its exchange, calls and ledger IDs, none of its content."""
    if isinstance(item, Heartbeat):
        return f"heartbeat of {item.exchange}"
    named = {written.entry.obligation for written in item.ledger}
    named |= {noted.disruption.id for noted in item.disruptions}
    named |= {fact.call for fact in item.facts} | {call.call for call in item.calls}
    return f"{item.exchange} {' '.join(sorted(named))}"


def write_batch(
    connection: Connection,
    batch_id: BatchId,
    items: Sequence[Item],
    ring: KeyRing,
    records: int = 1,
    deliveries: Deliveries | None = None,
) -> tuple[Figures, list[Rejected]]:
    """Writes all outcomes of the batch but those with a value that the database rejects.

    Returns the counters that it adds, and the rejected outcomes. A rejected part is halved, down to one outcome,
    which is skipped. The calling function owns the transaction. `records`: how many records of the outbox, up to
    number `batch_id`, are this batch. `deliveries`: None without a webhook. Raises LockTakenError when the
    database's last batch is not before these.
    """
    writing, place = BulkWriter(connection, ring), 0
    claim = "UPDATE writer SET batch = ?, token = ? WHERE id = 1 AND batch = ? RETURNING id"
    if not writing.execute(claim, *batch_id, batch_id.number - records):
        raise LockTakenError
    added: Figures = {}
    rejected: list[Rejected] = []
    parts = [items]
    while parts:
        part = parts.pop()
        writing.execute("SAVEPOINT part")
        try:
            rows = Rows(batch_id.number, place)
            rows.add_items(part)
            counted = _write(writing, rows)
            events = deliveries(rows) if deliveries else []
            writing.insert(tables.WEBHOOK, events, "ON CONFLICT DO NOTHING")
        except Exception as error:
            if may_pass(error):
                raise  # the whole transaction ends; a full disk may have ended it already
            writing.execute("ROLLBACK TO SAVEPOINT part")
            if len(part) == 1:
                rejected.append((type(error).__name__, item_label(part[0])))
            else:
                parts += part[len(part) // 2 :], part[: len(part) // 2]
        else:
            place += max(map(len, (rows.facts, rows.ledger, rows.disruption_entries, rows.contacts, events)))
            for figure, amount in counted.items():
                figures.add_figure(added, figure, amount)
        writing.execute("RELEASE SAVEPOINT part")
    return added, rejected


def _write(writing: BulkWriter, rows: Rows) -> Figures:
    rolling = update.RollupUpdate(writing)
    calls, findings = _leave_out_known(writing, rows)
    _roll_up(rolling, rows, calls, findings)
    added = figures.figures_of(
        rows.calls.values(), rows.findings.values(), rows.gaps.values(), rows.called_back, rows.disruptions
    )
    write_rows(writing, rows)
    given = rows.findings | {(*key, finding.standard): finding for key, x in findings.items() for finding in x}
    new = {key: x for key, x in rows.corrections.items() if key in given and given[key].verdict != x.verdict}
    for key, finding in new.items():
        count_correction(given[key], finding, added)
    writing.insert(FINDING, finding_rows(new), replacing(FINDING))
    rolling.write_cells()
    writing.insert(tables.COUNTER, counter_rows(added), ADDING)
    return added


def write_rows(writing: BulkWriter, rows: Rows) -> None:
    """Writes the rows in the current transaction, without counters and roll-ups."""
    _write_facts(writing, rows)
    write_numbers(writing, rows)
    writing.delete(tables.NUMBER, [(*key, CALLER) for key in rows.withheld])  # not stored, though delivered
    writing.insert(CALL, rows.call_rows())
    writing.insert(FINDING, rows.finding_rows())
    writing.insert(tables.GAP, rows.gap_rows())
    writing.insert(tables.LEDGER, rows.ledger)
    writing.insert(tables.OBLIGATION, rows.obligation_rows(), replacing(tables.OBLIGATION))
    _write_contacts(writing, rows)
    writing.insert(tables.DISRUPTION_ENTRY, rows.disruption_entries)
    writing.insert(tables.DISRUPTION, rows.disruption_rows(), replacing(tables.DISRUPTION))
    for name, n in (("hand", rows.hand), ("disruption_hand", rows.disruption_hand)):
        if n:
            writing.execute("UPDATE mark SET value = ? WHERE name = ? AND value < ?", n, name, n)
    writing.insert(tables.HEARTBEAT, rows.heartbeat_rows(), replacing(tables.HEARTBEAT))


def _write_facts(writing: BulkWriter, rows: Rows) -> None:
    """Adds facts to those of calls in progress. At its end, all facts of a call become one row of `fact`."""
    found = _rows_of(writing, 'SELECT "call", n, data FROM open_call', rows.facts)
    begun = {key: (n, data) for key, (_, n, data) in found}
    ended, still_open = rows.fact_rows(begun)
    writing.insert(tables.FACT, ended)
    writing.insert(tables.OPEN, still_open, replacing(tables.OPEN))
    writing.delete(tables.OPEN, [key for key in begun if key in rows.over])


def _write_contacts(writing: BulkWriter, rows: Rows) -> None:
    if rows.contacts:
        writing.insert(tables.CONTACT, rows.contacts, "ON CONFLICT DO NOTHING")
        if writing.connection.dialect.name == "postgresql":
            writing.execute(TELL)
        oldest = rows.last_contact - CONTACTS_KEPT // timedelta(microseconds=1)
        writing.execute("DELETE FROM contact WHERE at < ?", oldest)


def write_numbers(writing: BulkWriter, rows: Rows) -> None:
    encrypted = rows.number_rows(writing.ring)
    if writing.ring and (encrypted or rows.obligations):
        # Each time: the key rotation deletes the name when no number is encrypted with that key.
        record_key(writing.connection, writing.ring)
    writing.insert(tables.NUMBER, encrypted, "ON CONFLICT DO NOTHING")


Calls = dict[StoredCallKey, str]  # the accounts of ended calls, as in their rows
Findings = dict[StoredCallKey, list[Finding]]


def _leave_out_known(writing: BulkWriter, rows: Rows) -> tuple[Calls, Findings]:
    """Removes from `rows` what is stored already. Returns what is stored of the calls of the batch."""
    judged = rows.findings.keys() | rows.corrections.keys()
    keys = rows.calls.keys() | {(call, exchange) for call, exchange, _ in judged}
    locked = " FOR UPDATE" if writing.connection.dialect.name == "postgresql" else ""  # `rejudge` waits
    calls = {key: data for key, (_, data) in _rows_of(writing, 'SELECT "call", data FROM "call"', keys, locked)}
    findings: Findings = {}
    for key, row in _rows_of(writing, FINDINGS, keys):
        call, standard, line, language, verdict, reason, number, cause = row
        known = Finding(call, None, standard, line, language, None, verdict, reason, number, cause)
        findings.setdefault(key, []).append(known)
        rows.findings.pop((*key, standard), None)
    for key in calls:
        rows.calls.pop(key, None)
    for place, gap in list(rows.gaps.items()):
        del rows.gaps[place]
        if (rest := _not_known_of(writing, gap)) is not None:
            rows.gaps[rest.exchange, rest.start] = rest
    return calls, findings


FINDINGS = 'SELECT "call", standard, line, language, verdict, reason_key, number, cause FROM finding'


def _rows_of(
    writing: BulkWriter, question: str, keys: Iterable[StoredCallKey], locked: str = ""
) -> Iterator[tuple[StoredCallKey, Row]]:
    """The rows of these calls. The first column of `question` is the call."""
    calls: dict[str, list[str]] = {}
    for call, exchange in keys:
        calls.setdefault(exchange, []).append(call)
    for exchange, ids in calls.items():
        for some in chunks(ids):
            here = f'WHERE exchange = ? AND "call" IN ({", ".join("?" for _ in some)})'
            for row in writing.execute(f"{question} {here}{locked}", exchange, *some):
                yield (row[0], exchange), row


def _roll_up(rolling: update.RollupUpdate, rows: Rows, calls: Calls, findings: Findings) -> None:
    """Rolls up the calls that end with this batch, and verdicts that follow the end of their call."""
    new: Findings = {}
    for (call, exchange, _), finding in rows.findings.items():
        new.setdefault((call, exchange), []).append(finding)
    for key in rows.calls.keys() | calls.keys():
        before = tuple(findings.get(key, ()))
        after = (*before, *new.get(key, ()))
        ended = rows.calls.get(key)
        old = update.CallRecord(calls[key], before) if ended is None else None
        now = update.CallRecord(rows.account(key) if ended else calls[key], after, ended)
        rolling.change(key[1], old, now)


def _not_known_of(writing: BulkWriter, gap: Gap) -> Gap | None:
    """The part of `gap` that is not stored yet; None: all of it is.

    If the daemon ends before it reports the end of a gap, its next gap begins at the same time as the stored one.
    """
    question = "SELECT ended FROM gap WHERE exchange = ? AND began = ?"
    while found := writing.execute(question, gap.exchange, tables.microseconds(gap.start)):
        ended = tables.from_microseconds(found[0][0])
        if gap.end <= ended:
            return None
        gap = Gap(gap.exchange, ended, gap.end)
    return gap


MOVED = "moved"  # what a correction of a verdict moved
IMPORTED = "imported"  # what imported calls would have counted: a year within minutes is no busy day


def count_correction(old: Finding, new: Finding, added: Figures) -> None:
    """Adds what the replacement of a verdict counts."""
    if old.verdict != new.verdict:
        figures.add_figure(added, (CORRECTED.name, new.standard, new.line, old.verdict, new.verdict))
    was, now = Figures(), Figures()
    figures.of_finding(was, old)
    figures.of_finding(now, new)
    move(was, now, added)


def move(was: Figures, now: Figures, added: Figures) -> None:
    """Adds to `added` how much the rows now differ from the counters that first counted them."""
    for figure in was.keys() | now.keys():
        if moved := now.get(figure, 0.0) - was.get(figure, 0.0):
            figures.add_figure(added, (MOVED, *figure), moved)
