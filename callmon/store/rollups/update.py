"""Roll-ups: the sums of the calls of a day, line, language and exchange, updated as calls end.

With roll-ups a report costs days times lines, independent of the number of calls. Every transaction that writes,
completes or rejudges a call subtracts the call's old state from its cell and adds the new one. So this is true
whenever a process is ended (`rebuild.rollup_differences` compares both sides):

    cells = what `core/statistics/aggregates.py` counts in the present rows

Days are local. Table `rollup_state` has their time zone, and the arrival `until` which calls are in the cells. So
all writing programs agree:

    arrival < until   counted here, in the transaction that writes the call
    arrival ≥ until   counted later by `rebuild.rebuild_rollups`, which advances `until`

Refuses: to count in cells of another VERSION or of none (`until` is 0 then), which no report reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select

from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls.call import Call, language_label
from callmon.core.statistics import aggregates
from callmon.core.statistics import histogram as lengths
from callmon.core.statistics.aggregates import Cell
from callmon.core.verdicts import Finding
from callmon.store.bulk import BulkWriter, chunks, replacing
from callmon.store.row_mapping import call_of, encoded
from callmon.store.tables import ROLLUP, ROLLUP_STATE, Row, microseconds, row_of
from callmon.store.tables.figures import RollupRow

# The version of what a cell counts. Raise it whenever `core/statistics/aggregates.py` counts differently
# (test_rollups compares).
VERSION = 3
FOREVER = (1 << 63) - 1
MODULUS = 1 << 256

_rollup_row = row_of(RollupRow)
Key = tuple[str, str, str, str]  # day, line, language, exchange


class RollupState(NamedTuple):
    """The time zone of the days, the version, and `until`: the cells have all calls that arrived before."""

    zone: str
    version: int
    until: int

    @property
    def is_ours(self) -> bool:
        return self.version == VERSION and bool(self.zone)

    def is_whole(self, zone: ZoneInfo) -> bool:
        """Whether every call is in cells of this version and of days in `zone`."""
        return self.is_ours and self.zone == zone.key and self.until == FOREVER


NOTHING = RollupState("", 0, 0)


def rollup_state(connection: Connection, lock: str = "") -> RollupState:
    """The state of the roll-ups. `lock`: "read" blocks `rebuild_rollups`; "write" also all that write calls."""
    state = ROLLUP_STATE.c
    question = select(state.zone, state.version, state.until)
    if lock:  # SQLite, which has one writer at a time, leaves it out
        question = question.with_for_update(read=lock == "read")
    row = connection.execute(question).one_or_none()
    return NOTHING if row is None else RollupState(*row)


class Rollup:
    """One cell with its counts of rows and the sum of their fingerprints (the column `seal`)."""

    __slots__ = ("calls", "cell", "fingerprint", "stored")

    def __init__(self, stored: int = 0, calls: int = 0, fingerprint: int = 0, cell: Cell | None = None) -> None:
        self.stored = stored
        self.calls = calls
        self.fingerprint = fingerprint
        self.cell = cell or Cell()

    def merge(self, other: Rollup) -> None:
        self.stored += other.stored
        self.calls += other.calls
        self.fingerprint = (self.fingerprint + other.fingerprint) % MODULUS
        self.cell.merge(other.cell)

    def row(self, key: Key) -> Row:
        day, line, language, exchange = key
        return _rollup_row(
            day=day,
            line=line,
            language=language,
            exchange=exchange,
            stored=self.stored,
            calls=self.calls,
            seal=f"{self.fingerprint:064x}",
            cell=encode_cell(self.cell),
        )


class CallRecord(NamedTuple):
    """A call as in its row, with its verdicts. `call`: the decoded row, where it need not be parsed again."""

    data: str
    findings: tuple[Finding, ...]
    call: Call | None = None


def call_record(call: Call, findings: Iterable[Finding]) -> CallRecord:
    """The row that `call` will have, with its verdicts."""
    return CallRecord(encoded(call), tuple(findings), call)


class RollupUpdate:
    """The changes of one transaction in the roll-ups."""

    def __init__(self, writing: BulkWriter) -> None:
        self._writing = writing
        found = rollup_state(writing.connection, "read")
        self._until = found.until if found.is_ours else 0
        self._zone = ZoneInfo(found.zone) if found.is_ours else None
        self._changed: dict[Key, Rollup] = {}

    def change(self, exchange: str, before: CallRecord | None, after: CallRecord | None) -> None:
        """Records that a call's rows change from `before` to `after`; None: there are no rows."""
        if self._zone is None or (before is not None and after is not None and before[:2] == after[:2]):
            return
        for which, sign in ((before, -1), (after, 1)):
            if which is not None:
                count_call(self._changed, exchange, which, self._zone, self._until, sign)

    def write_cells(self) -> None:
        add_to_cells(self._writing, self._changed)


def count_call(
    cells: dict[Key, Rollup],
    exchange: str,
    record: CallRecord,
    zone: ZoneInfo,
    until: int = FOREVER,
    sign: int = 1,
) -> None:
    """Adds a call that arrived before `until` (microseconds) to its cell, or (`sign` -1) subtracts it."""
    call = record.call or call_of(record.data, {})
    if call.arrived is None or microseconds(call.arrived) >= until:
        return
    arrived = call.arrived.astimezone(zone)
    day = arrived.date().isoformat()
    is_ours = call.direction == "inbound" and call.line is not None
    place = (call.line or "", language_label(call.language)) if is_ours else ("", "")
    key = (day, *place, exchange)
    if (rollup := cells.get(key)) is None:
        rollup = cells[key] = Rollup()
    rollup.stored += sign
    if not is_ours:
        return
    findings = [x for x in record.findings if x.standard in CALL_STANDARDS]
    rollup.calls += sign * (not call.test)
    fingerprint = _fingerprint_of(call.call, exchange, record.data, findings)
    rollup.fingerprint = (rollup.fingerprint + sign * fingerprint) % MODULUS
    if sign > 0:
        _tell(rollup.cell, call, findings, arrived)
    else:
        _tell(gone := Cell(), call, findings, arrived)
        rollup.cell.subtract(gone)


def _tell(cell: Cell, call: Call, findings: list[Finding], arrived: datetime) -> None:
    if call.test:
        cell.increment("test_calls")
    elif aggregates.is_counted(call):
        aggregates.of_call(cell, call, findings, arrived)


def _fingerprint_of(call: str, exchange: str, data: str, findings: Iterable[Finding]) -> int:
    """The fingerprint of a call's row and its verdicts, independent of the order of the verdicts."""
    given = sorted(f"{x.standard}\x1e{x.verdict}\x1e{x.reason_key}\x1e{x.cause or ''}" for x in findings)
    return fingerprint("call", call, exchange, data, *given)


def fingerprint(*values: object) -> int:
    """The fingerprint of one row. The sum of fingerprints is independent of the order of rows."""
    said = "\x1f".join(["" if x is None else str(x) for x in values])
    return int.from_bytes(sha256(said.encode()).digest(), "big")


# The stored form.


class _Written(msgspec.Struct):
    """A cell as JSON: figure → part → count, and histograms of durations (`lengths`)."""

    counts: dict[str, dict[str, int]]
    lengths: dict[str, str]


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(_Written).decode


def encode_cell(cell: Cell) -> str:
    """The cell as JSON, without zero counts. Equal cells give equal texts."""
    counts: dict[str, dict[str, int]] = {}
    for (name, part), count in cell.counts.items():
        if count:
            counts.setdefault(name, {})[part] = count
    # A total is below 0 only after a manual change of rows, which `callmon db check` reports.
    known = {name: lengths.encode_histogram(total) for name, total in cell.lengths.items() if total > 0}
    return _encode(_Written(counts, known)).decode()


def decode_cell(data: str) -> Cell:
    """The cell from its JSON."""
    cell, found = Cell(), _decode(data)
    cell.counts = Counter({(name, part): n for name, parts in found.counts.items() for part, n in parts.items()})
    cell.lengths = {name: lengths.decode_histogram(text) for name, text in found.lengths.items()}
    return cell


AT_ONCE = 100
CELLS = (
    "SELECT day, line, language, exchange, stored, calls, seal, cell FROM rollup"
    " WHERE (day, line, language, exchange) IN (VALUES {}) ORDER BY day, line, language, exchange {}"
)


def add_to_cells(writing: BulkWriter, changed: Mapping[Key, Rollup]) -> None:
    """Adds `changed` to the stored cells, and those to `changed`.

    Transactions that change one key wait for each other, in key order.
    """
    keys, locks = sorted(changed), writing.connection.dialect.name == "postgresql"
    if locks:  # a row must exist before it can be locked, also when two transactions start a day together
        writing.insert(ROLLUP, [Rollup().row(key) for key in keys], "ON CONFLICT DO NOTHING")
    for some in chunks(keys, AT_ONCE):
        question = CELLS.format(", ".join(["(?, ?, ?, ?)"] * len(some)), "FOR UPDATE" if locks else "")
        stored = dict(map(decode_row, writing.execute(question, *chain.from_iterable(some))))
        for key in some:
            if key in stored:
                changed[key].merge(stored[key])
        writing.insert(ROLLUP, [changed[key].row(key) for key in some], replacing(ROLLUP))


def decode_row(row: Any) -> tuple[Key, Rollup]:
    """The key and the roll-up of a whole row of the table."""
    day, line, language, exchange, stored, calls, fingerprint, cell = row
    return (day, line, language, exchange), Rollup(stored, calls, int(fingerprint, 16), decode_cell(cell))
