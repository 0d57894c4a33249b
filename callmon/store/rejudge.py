"""Checks stored calls against their facts, judges them again, and compares counters with rows.

    facts of a call ──▶ must give its stored account and its stored verdicts
    entries of the ledger ──▶ must give the stored obligation
    a call is in progress, or ended, or nothing of it is stored

`fact` never changes; `call` and `finding` are rebuilt from it. A counter never decreases, so the first count
stays. A corrected verdict is counted in `callmon_verdicts_corrected_total`. The difference between the rows and
each counter is stored beside it (`MOVED`), so that

    figure as first given + moved = what the rows give now

can be checked at any time. Each group of calls is one transaction. An interrupted rejudgement is run again; calls
that are correct already are not counted a second time. The check also reports differences that follow from changed
settings (hours, lines, parameters); `callmon db rejudge` updates them.

Refuses: to rejudge a call whose line is no longer configured, since its hours and ring cycle are not known then.
Refuses: to take a batch number of the writer, so that the daemon can write meanwhile. The daemon exports the
corrections when it next reads its counters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, islice, takewhile
from math import isclose

import msgspec
from sqlalchemy import Connection, Table, exists, func, select, tuple_

from callmon.core.callbacks.entries import Owed
from callmon.core.callbacks.obligation import Obligation, after, opened
from callmon.core.facts import Arrived, Ended, Fact, as_it_stands, tag_of
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics import counters as figures
from callmon.core.statistics.counters import CORRECTED, METRICS, VERDICT, Figure, Figures
from callmon.core.verdicts import Finding, Gap
from callmon.errors import Sentence
from callmon.store import tables
from callmon.store.bulk import ADDING, BulkWriter, replacing
from callmon.store.database import Database, database_errors
from callmon.store.queries import calls, disruptions
from callmon.store.queries.obligations import callback_entries
from callmon.store.rollups import update
from callmon.store.row_mapping import (
    Rows,
    StoredCallKey,
    call_of,
    counter_rows,
    encoded,
    entry_of,
    finding_of,
    obligation_of,
    without_numbers,
)
from callmon.store.tables import CALL, FACT, FINDING, GAP, LEDGER, OBLIGATION, OPEN, Condition, same_call
from callmon.store.writer.transaction import IMPORTED, MOVED, count_correction, move

# Few enough that a daemon on the same SQLite file never waits long for the lock.
CHUNK = 200
READ_AT_ONCE = 500
FIGURES_DIFFER = Sentence("its facts and the stored figures differ; run `callmon db rejudge`")
VERDICTS_DIFFER = Sentence("its facts and the stored verdicts differ; run `callmon db rejudge`")
Advance = Callable[[int], object]


def count_ended(store: Database) -> int:
    """The number of ended calls."""
    with database_errors(store), store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(CALL)).scalar_one())


class VerdictChange(msgspec.Struct, frozen=True):
    """A finding that changed. `old` is None for a new standard. As text: its identifiers, on one line."""

    exchange: str
    call: str
    old: Finding | None
    new: Finding

    def __str__(self) -> str:
        before = "" if self.old is None else f"{_identifiers(self.old)} -> "
        return f"{self.exchange}  {self.call}  {self.new.standard}  {before}{_identifiers(self.new)}"


def rejudge(
    store: Database, monitor: Monitor, chunk: int = CHUNK, writes: bool = True, advance: Advance = int
) -> Iterator[VerdictChange]:
    """Judges every ended call again, one transaction per `chunk`. Yields each changed finding.

    `advance` receives the number of calls after each transaction.
    Without `writes`, yields the changes and writes nothing. Raises StoreError if the database cannot be used; the
    changes yielded until then are committed.
    """
    for group in _groups(store, monitor, chunk, writes, advance):
        yield from group.changes


def _groups(
    store: Database, monitor: Monitor, chunk: int, writes: bool, advance: Advance
) -> Iterator[RejudgedCalls]:
    after: StoredCallKey = ("", "")
    while True:
        with database_errors(store), store.writing_piece() if writes else store.reading() as connection:
            group = RejudgedCalls(connection, monitor)
            keys = group.judge(after, chunk)
            if writes:
                group.write_changes()
        advance(len(keys))
        yield group
        if len(keys) < chunk:
            return
        after = keys[-1]


class RejudgedCalls:
    """One chunk of calls: the rows to write, the counters to add, and the `changes` to report."""

    def __init__(self, connection: Connection, monitor: Monitor) -> None:
        self._connection, self._monitor = connection, monitor
        self._rows = Rows(0)
        self._writing = BulkWriter(connection)
        self.rolling = update.RollupUpdate(self._writing)
        self.added: Figures = {}
        self.changes: list[VerdictChange] = []

    def judge(self, after: StoredCallKey, chunk: int) -> list[StoredCallKey]:
        """Judges the next `chunk` calls again. Returns their keys."""
        key = tuple_(CALL.c["call"], CALL.c.exchange)
        question = select(CALL.c["call"], CALL.c.exchange, CALL.c.data).where(key > tuple_(*after))
        ordered = question.order_by(CALL.c["call"], CALL.c.exchange).limit(chunk)
        # PostgreSQL locks the rows, so that another rejudgement waits. SQLite locks the whole database.
        rows = self._connection.execute(ordered.with_for_update())
        stored = {(name, exchange): data for name, exchange, data in rows}
        keys = list(stored)

        def which(table: Table) -> Condition:
            return tuple_(table.c["call"], table.c.exchange).in_(keys)

        facts = calls.stored_facts(self._connection, which, None, (FACT,)) if keys else {}
        findings = calls.stored_findings(self._connection, which) if keys else {}
        for call, data in stored.items():
            outcome = self._monitor.retell(call[1], up_to_end(as_it_stands(facts.get(call, []))))
            if outcome is not None and outcome.calls:
                self.correct(call, data, findings.get(call, []), outcome)
        return keys

    def otherwise(self) -> dict[StoredCallKey, Sentence]:
        """Calls that differ from what their facts now give: in their figures (the account) or their verdicts."""
        judged = {(call, exchange): VERDICTS_DIFFER for call, exchange, _ in self._rows.findings}
        return judged | dict.fromkeys(self._rows.calls, FIGURES_DIFFER)

    def correct(self, key: StoredCallKey, data: str, old: list[Finding], outcome: Outcome) -> None:
        call = without_numbers(outcome.calls[0])
        before = call_of(data, {})
        if before != call:
            self._rows.calls[key] = call
        known = {finding.standard: finding for finding in old}
        changed = {f.standard: f for f in outcome.findings if f != known.get(f.standard)}
        for finding in changed.values():
            self._rows.findings[(*key, finding.standard)] = finding
            self._tell(key, known.get(finding.standard), finding)
        now = data if before == call else encoded(call)
        self.rolling.change(
            key[1],
            update.CallRecord(data, tuple(old)),
            update.CallRecord(now, tuple({**known, **changed}.values())),
        )
        was, counted = Figures(), Figures()
        figures.of_call(was, before)
        figures.of_call(counted, call)
        move(was, counted, self.added)

    def _tell(self, key: StoredCallKey, old: Finding | None, new: Finding) -> None:
        if old is None:  # a new standard: this is its first verdict
            figures.of_finding(self.added, new)
        else:
            count_correction(old, new, self.added)
        if old is None or _identifiers(old) != _identifiers(new):
            self.changes.append(VerdictChange(key[1], key[0], old, new))

    def write_changes(self) -> None:
        """Writes all changes and their counters in the current transaction."""
        writing = self._writing
        writing.insert(tables.CALL, self._rows.call_rows(), replacing(tables.CALL))
        writing.insert(tables.FINDING, self._rows.finding_rows(), replacing(tables.FINDING))
        self.rolling.write_cells()
        writing.insert(tables.COUNTER, counter_rows(self.added), ADDING)


def up_to_end(facts: list[Fact]) -> list[Fact]:
    """The facts up to the call's end. Later facts belong to no counted call."""
    until = list(takewhile(lambda fact: not isinstance(fact, Ended), facts))
    return facts[: len(until) + 1]


def _identifiers(finding: Finding) -> str:
    number = "" if finding.number is None else f" {finding.number}"
    cause = f", {finding.cause}" if finding.cause else ""
    return f"{finding.verdict} ({finding.reason_key}{number}{cause})"


# Counters and rows.


COUNTER_DIFFERS = Sentence("{figure}: the counter is {one}, the rows give {other}.")
CORRECTIONS_DIFFER = Sentence("{figure}: corrected by {one}, and moved by {other}.")


def counter_differences(store: Database) -> list[Sentence]:
    """One sentence per counter that disagrees with the rows that it counts. Raises StoreError."""
    with database_errors(store), store.snapshot() as connection:
        stored = calls.counters_of(connection)
        counted = _counted(connection)
    names = {metric.name for metric in METRICS} - {CORRECTED.name}
    # The counters as they would be if the current rows had been counted first.
    expected = {figure: value for figure, value in stored.items() if figure[0] in names}
    for figure, value in stored.items():
        if figure[0] in (MOVED, IMPORTED):
            figures.add_figure(expected, figure[1:], value)
    differences = _unequal(expected, counted, COUNTER_DIFFERS)
    return differences + _unequal(_net(stored), _moved_verdicts(stored), CORRECTIONS_DIFFER)


def _counted(connection: Connection) -> Figures:
    """The counters computed from all rows."""
    calls = connection.scalars(select(CALL.c.data).execution_options(yield_per=READ_AT_ONCE))
    findings = connection.execute(select(FINDING).execution_options(yield_per=READ_AT_ONCE))
    return figures.figures_of(
        (call_of(data, {}) for data in calls),
        (finding_of(row)[1] for row in findings),
        (Gap(*gap) for gap in connection.execute(select(GAP))),
        callback_entries(connection),
        disruptions.all_updates(connection),
    )


def _net(stored: Figures) -> Figures:
    """By standard, line and verdict: the net change of the number of verdicts, from the correction counters."""
    net = Figures()
    for figure, value in stored.items():
        if figure[0] == CORRECTED.name:
            _, standard, line, old, new = figure
            figures.add_figure(net, (CORRECTED.name, standard, line, old), -value)
            figures.add_figure(net, (CORRECTED.name, standard, line, new), value)
    return net


def _moved_verdicts(stored: Figures) -> Figures:
    """As `_net`, from `MOVED` of `callmon_verdicts_total`, summed over all languages."""
    moved = Figures()
    for figure, value in stored.items():
        if figure[:2] == (MOVED, VERDICT.name):
            _, _, standard, line, _language, verdict = figure
            figures.add_figure(moved, (CORRECTED.name, standard, line, verdict), value)
    return moved


def _unequal(
    figure_says: Mapping[Figure, float], rows_say: Mapping[Figure, float], differs: Sentence
) -> list[Sentence]:
    pairs = {x: (figure_says.get(x, 0.0), rows_say.get(x, 0.0)) for x in figure_says.keys() | rows_say.keys()}
    return [
        Sentence(differs.template, figure=" ".join(figure), one=_plain(pair[0]), other=_plain(pair[1]))
        for figure, pair in sorted(pairs.items())
        if not isclose(*pair, rel_tol=1e-9, abs_tol=1e-3)  # seconds are summed in another order
    ]


def _plain(amount: float) -> float:
    """A count as a whole number, seconds to the millisecond."""
    return int(amount) if float(amount).is_integer() else round(amount, 3)


MOST = 20  # sentences of one kind; above this only their number is given


def inconsistencies(store: Database, monitor: Monitor, advance: Advance = int) -> Iterator[Sentence]:
    """One sentence per inconsistency. `advance` receives the number of calls compared. Raises StoreError."""
    yield from _shortened(_of_calls(store, monitor, advance), Sentence("calls whose facts differ"))
    with database_errors(store), store.reading() as connection:
        yield from _shortened(_in_limbo(connection), Sentence("calls of this kind"))
        yield from _shortened(_of_ledger(connection), Sentence("entries of the list of callbacks"))


def _shortened(sentences: Iterator[Sentence], what: Sentence) -> Iterator[Sentence]:
    yield from islice(sentences, MOST)
    more = sum(1 for _ in sentences)
    if more:
        yield Sentence("… and more {what}: {count}.", what=what, count=more)


def _about(exchange: str, name: str, what: Sentence) -> Sentence:
    return Sentence("{exchange} {name}: {what}.", exchange=exchange, name=name, what=what)


# Calls.


def _of_calls(store: Database, monitor: Monitor, advance: Advance) -> Iterator[Sentence]:
    for group in _groups(store, monitor, CHUNK, False, advance):
        for (call, exchange), what in group.otherwise().items():
            yield _about(exchange, call, what)


def _in_limbo(connection: Connection) -> Iterator[Sentence]:
    """Calls with rows in some tables and none in tables that must have one."""
    since = select(func.min(FACT.c.at)).scalar_subquery()  # earlier months may have been dropped
    has_call = _in(CALL, FINDING) | _in(OPEN, FINDING) | _in(OBLIGATION, FINDING)
    has_begun = OPEN.c.data.startswith(f'[{{"type":"{tag_of(Arrived)}",')
    has_neither = ~_in(CALL, FACT) & ~_in(OPEN, FACT)
    checks = (
        (OPEN, ~has_begun, Sentence("it is in progress, but its beginning is not stored")),
        (OPEN, _in(CALL, OPEN), Sentence("it is both in progress and ended")),
        (
            CALL,
            ~_in(FACT, CALL) & (CALL.c.ended >= since),
            Sentence("it has ended, but none of its facts is stored"),
        ),
        (FACT, has_neither, Sentence("its facts are stored, but it is neither in progress nor ended")),
        (FINDING, ~has_call, Sentence("it has verdicts, but the call is not stored")),
    )
    for table, condition, what in checks:
        question = select(table.c["call"], table.c.exchange).where(condition).distinct()
        for call, exchange in connection.execute(question):
            yield _about(exchange, call, what)


def _in(table: Table, other: Table) -> Condition:
    """Whether `table` has a row of the call of the row of `other`."""
    return exists().where(same_call(table, other))


# The ledger.


def _of_ledger(connection: Connection) -> Iterator[Sentence]:
    """Compares each stored obligation with the one that its entries give."""
    key = (LEDGER.c.exchange, LEDGER.c.obligation)
    rows = connection.execute(select(*key, LEDGER.c.data).order_by(*key, LEDGER.c.n))
    columns = (OBLIGATION.c.exchange, OBLIGATION.c.id, OBLIGATION.c.data, OBLIGATION.c.state, OBLIGATION.c.is_live)
    stored = {(row[0], row[1]): row[2:] for row in connection.execute(select(*columns))}
    for (exchange, name), entries in groupby(rows, key=lambda row: (row[0], row[1])):
        kept = stored.pop((exchange, name), None)
        made = _made([data for _, _, data in entries])
        if made is None:
            yield _about(exchange, name, Sentence("the first ledger entry does not open the obligation"))
        elif kept is None:
            yield _about(exchange, name, Sentence("the ledger has entries, but the obligation is not stored"))
        elif _bare(made) != _bare(obligation_of(kept[0], None, None)):
            yield _about(exchange, name, Sentence("its ledger entries and the stored obligation differ"))
        elif (kept[1], bool(kept[2])) != (made.state, made.is_live):
            yield _about(exchange, name, Sentence("its ledger entries give another state than the index"))
    for exchange, name in stored:
        yield _about(exchange, name, Sentence("the obligation has no ledger entry"))


def _made(entries: list[str]) -> Obligation | None:
    first, *rest = map(entry_of, entries)
    if not isinstance(first, Owed):
        return None
    obligation = opened(first, None)
    for entry in rest:
        obligation = after(obligation, entry)
    return obligation


def _bare(obligation: Obligation) -> Obligation:
    """The obligation without tokens, which are not in the ledger, and without verdicts, which are findings."""
    return msgspec.structs.replace(obligation, token=None, other=None, judged=())
