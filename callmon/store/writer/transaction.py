"""One batch of outcomes, committed in one idempotent transaction with the counters that it adds.

Each batch has a number. So after the answer to a commit was lost, the writer can tell whether it was made. A value
the database rejects is isolated by bisecting the batch, then skipped, in the same transaction.

A verdict is counted once, as first given. A later ledger entry that corrects it is counted in
`callmon_verdicts_corrected_total`. The difference between rows and counters is counted in `MOVED`
(`store/rejudge.py`).

Refuses: to write twice. What is stored already is neither written nor counted again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callmon.core.outcome import Item
from callmon.core.statistics import counters as figures
from callmon.core.statistics.counters import CORRECTED, Figures
from callmon.core.verdicts import Finding, Gap
from callmon.errors import StoreError
from callmon.store import tables
from callmon.store.bulk import ADDING, BulkWriter, chunks, record_key, replacing
from callmon.store.encryption import KeyRing
from callmon.store.rollups import update
from callmon.store.row_mapping import CALLER, Rows, StoredCallKey, figure_key, finding_rows
from callmon.store.tables import CALL, FINDING
from callmon.store.writer.outbox import item_label

# No callback, and no complaint with its fifteen business days, waits longer for another pair.
CONTACTS_KEPT = timedelta(days=35)


class BatchId(NamedTuple):
    """The identity of a batch: its number and the token of its instance."""

    number: int
    token: str


Rejected = tuple[str, str]  # an outcome that the database rejects: the error's name, and the calls concerned


class AlreadyCommitted(Exception):  # noqa: N818  it is good news
    """This batch is in the database: the first commit succeeded, only its answer was lost."""


class LostLeaseError(StoreError):
    """Another program has written to this database."""


REFUSED = (DataError, IntegrityError)
MAY_PASS = (DBAPIError, InvalidRequestError, PoolTimeout, StoreError, OSError, MemoryError)


def may_pass(error: Exception) -> bool:
    """Whether a retry of the same batch may succeed: the database failed, its values were not rejected."""
    return isinstance(error, MAY_PASS) and not isinstance(error, REFUSED)


def write_batch(
    connection: Connection, batch_id: BatchId, items: Sequence[Item], ring: KeyRing
) -> tuple[Figures, list[Rejected]]:
    """Writes all outcomes of the batch but those with a value that the database rejects.

    Returns the counters that it adds, and the rejected outcomes. The calling function owns the transaction.
    Raises AlreadyCommitted, LostLeaseError.
    """
    batch = _Batch(BulkWriter(connection, ring), batch_id)
    batch.write_part(items)
    return batch.added, batch.rejected


class _Batch:
    """A batch as it is written. A rejected part is halved, down to one outcome, which is skipped."""

    def __init__(self, writing: BulkWriter, batch_id: BatchId) -> None:
        _claim(writing, batch_id)
        self._writing, self._number, self._place = writing, batch_id.number, 0
        self.added: Figures = {}
        self.rejected: list[Rejected] = []

    def write_part(self, items: Sequence[Item]) -> None:
        self._writing.execute("SAVEPOINT part")
        try:
            rows = Rows(self._number, self._place)
            rows.add_items(items)
            added = _write(self._writing, rows)
        except Exception as error:
            if may_pass(error):
                raise  # the whole transaction ends; a full disk may have ended it already
            self._writing.execute("ROLLBACK TO SAVEPOINT part")
            self._writing.execute("RELEASE SAVEPOINT part")
            if len(items) == 1:
                self.rejected.append((type(error).__name__, item_label(items[0])))
                return
            middle = len(items) // 2
            self.write_part(items[:middle])
            self.write_part(items[middle:])
        else:
            self._writing.execute("RELEASE SAVEPOINT part")
            lists = rows.facts, rows.ledger, rows.disruption_entries, rows.contacts
            self._place += max(map(len, lists))
            for figure, amount in added.items():
                figures.add_figure(self.added, figure, amount)


def _write(writing: BulkWriter, rows: Rows) -> Figures:
    rolling = update.RollupUpdate(writing)
    known = _leave_out_known(writing, rows)
    _roll_up(rolling, rows, known)
    added = _counted(rows)
    _write_rows(writing, rows)
    stored = {(*key, finding.standard): finding for key, given in known.findings.items() for finding in given}
    corrected = _corrected(stored | rows.findings, rows.corrections, added)
    writing.insert(FINDING, finding_rows(corrected), replacing(FINDING))
    rolling.write_cells()
    counters = [(figure_key(figure), amount) for figure, amount in added.items()]
    writing.insert(tables.COUNTER, counters, ADDING)
    return added


def _write_rows(writing: BulkWriter, rows: Rows) -> None:
    _write_facts(writing, rows)
    write_numbers(writing, rows)
    for call, exchange in rows.withheld:  # delivered by the trunk, but not stored
        writing.execute(
            'DELETE FROM number WHERE "call" = ? AND exchange = ? AND role = ?', call, exchange, CALLER
        )
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
    begun: dict[StoredCallKey, tuple[int, str]] = {}
    for exchange, calls in _by_exchange(rows.facts):
        question = f'SELECT "call", n, data FROM open_call WHERE exchange = ? AND "call" IN ({_signs(calls)})'
        begun |= {(call, exchange): (n, data) for call, n, data in writing.execute(question, exchange, *calls)}
    ended, still_open = rows.fact_rows(begun)
    writing.insert(tables.FACT, ended)
    writing.insert(tables.OPEN, still_open, replacing(tables.OPEN))
    writing.delete(tables.OPEN, [key for key in begun if key in rows.over])


def _write_contacts(writing: BulkWriter, rows: Rows) -> None:
    if rows.contacts:
        writing.insert(tables.CONTACT, rows.contacts, "ON CONFLICT DO NOTHING")
        latest = max(row[3] for row in rows.contacts)
        writing.execute("DELETE FROM contact WHERE at < ?", latest - CONTACTS_KEPT // timedelta(microseconds=1))


def write_numbers(writing: BulkWriter, rows: Rows) -> None:
    sealed = rows.number_rows(writing.ring)
    if writing.ring and (sealed or rows.obligations):
        # Each time: the key rotation deletes the name when no number is encrypted with that key.
        record_key(writing.connection, writing.ring)
    writing.insert(tables.NUMBER, sealed, "ON CONFLICT DO NOTHING")


def _claim(writing: BulkWriter, batch_id: BatchId) -> None:
    """Takes the next batch number. Raises AlreadyCommitted when this batch has it, LostLeaseError."""
    claim = "UPDATE writer SET batch = ?, token = ? WHERE id = 1 AND batch = ? RETURNING id"
    if writing.execute(claim, *batch_id, batch_id.number - 1):
        return
    if writing.execute("SELECT batch, token FROM writer WHERE id = 1") == [batch_id]:
        raise AlreadyCommitted
    raise LostLeaseError("another program has written to this database meanwhile: stop it, then restart callmon")


class _Known(NamedTuple):
    """What is stored of the calls of a batch: ended calls as in their rows, and the verdicts so far."""

    calls: dict[StoredCallKey, str]
    findings: dict[StoredCallKey, list[Finding]]


def _leave_out_known(writing: BulkWriter, rows: Rows) -> _Known:
    judged = rows.findings.keys() | rows.corrections.keys()
    spoken_of = rows.calls.keys() | {(call, exchange) for call, exchange, _ in judged}
    known = _known(writing, spoken_of)
    for key in known.calls:
        rows.calls.pop(key, None)
    for key, findings in known.findings.items():
        for finding in findings:
            rows.findings.pop((*key, finding.standard), None)
    for place, gap in list(rows.gaps.items()):
        del rows.gaps[place]
        if (rest := _not_known_of(writing, gap)) is not None:
            rows.gaps[rest.exchange, rest.start] = rest
    return known


def _known(writing: BulkWriter, keys: Iterable[StoredCallKey]) -> _Known:
    known = _Known({}, {})
    locked = " FOR UPDATE" if writing.connection.dialect.name == "postgresql" else ""  # `rejudge` waits
    for exchange, calls in _by_exchange(keys):
        here = f'exchange = ? AND "call" IN ({_signs(calls)})'
        for call, data in writing.execute(
            f'SELECT "call", data FROM "call" WHERE {here}{locked}', exchange, *calls
        ):
            known.calls[call, exchange] = data
        for row in writing.execute(f"SELECT {FINDING_COLUMNS} FROM finding WHERE {here}", exchange, *calls):
            known.findings.setdefault((row[0], exchange), []).append(_finding(row))
    return known


FINDING_COLUMNS = '"call", standard, line, language, verdict, reason_key, number, cause'


def _finding(row: Any) -> Finding:
    call, standard, line, language, verdict, reason, number, cause = row
    return Finding(call, None, standard, line, language, None, verdict, reason, number, cause)


def _roll_up(rolling: update.RollupUpdate, rows: Rows, known: _Known) -> None:
    """Rolls up the calls that end with this batch, and verdicts that follow the end of their call."""
    new: dict[StoredCallKey, list[Finding]] = {}
    for (call, exchange, _), finding in rows.findings.items():
        new.setdefault((call, exchange), []).append(finding)
    for key in rows.calls.keys() | known.calls.keys():
        before = tuple(known.findings.get(key, ()))
        after = (*before, *new.get(key, ()))
        if key in rows.calls:
            rolling.change(key[1], None, update.CallRecord(rows.account(key), after, rows.calls[key]))
        else:
            data = known.calls[key]
            rolling.change(key[1], update.CallRecord(data, before), update.CallRecord(data, after))


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


def _signs(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def _by_exchange(keys: Iterable[StoredCallKey]) -> Iterator[tuple[str, list[str]]]:
    calls: dict[str, list[str]] = {}
    for call, exchange in keys:
        calls.setdefault(exchange, []).append(call)
    for exchange, ids in calls.items():
        yield from ((exchange, some) for some in chunks(ids))


def _counted(rows: Rows) -> Figures:
    added: Figures = {}
    for call in rows.calls.values():
        figures.of_call(added, call)
    for finding in rows.findings.values():
        figures.of_finding(added, finding)
    for gap in rows.gaps.values():
        figures.of_gap(added, gap)
    for entry in rows.called_back:
        figures.of_callback(added, entry)
    for noted in rows.disruptions:
        figures.of_disruption(added, noted)
    return added


# Corrections of verdicts.

FindingKey = tuple[str, str, str]  # call, exchange, standard
MOVED = "moved"


def _corrected(
    given: Mapping[FindingKey, Finding], corrections: Mapping[FindingKey, Finding], added: Figures
) -> dict[FindingKey, Finding]:
    """The findings to replace. `given` has the verdicts so far. The counters of the correction go into `added`."""
    replaced = {key: new for key, new in corrections.items() if key in given and given[key].verdict != new.verdict}
    for key, new in replaced.items():
        count_correction(given[key], new, added)
    return replaced


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
