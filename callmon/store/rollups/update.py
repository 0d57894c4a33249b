"""Roll-ups: what the calls of a day, line, language and exchange add up to, kept as calls end.

A report costs days times lines and not calls. Every transaction that writes, completes or judges a call again
takes what the call was out of its cell and puts in what it is now, so that

    cells = what `reports/tally` counts in the rows of now

whoever is ended at whatever moment (`rolled.differences` compares them). Days are local; in which zone, and until
which arrival calls are in the cells, is the database's to say (`rollup_state`), so that all who write agree:

    arrival < until   counted here by whoever writes the call
    arrival ≥ until   counted by `rolled.build`, which comes past later and moves `until` on

Refuses to count in cells of another VERSION or of none (`until` is 0 then): nobody reads those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select, tuple_

from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls.call import Call
from callmon.core.statistics import aggregates
from callmon.core.statistics import histogram as lengths
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.counters import language_label
from callmon.core.verdicts import Finding
from callmon.store import tables
from callmon.store.row_mapping import call_of, encoded
from callmon.store.tables import microseconds

if TYPE_CHECKING:
    from callmon.store.writer.transaction import Writing

# Of what a cell counts: one more whenever `reports/tally` counts otherwise (test_rollups compares).
VERSION = 1
FOREVER = (1 << 63) - 1
MODULUS = 1 << 256

ROLLUP = tables.METADATA.tables[str(tables.RollupRow.__tablename__)]
STATE = tables.METADATA.tables[str(tables.RollupStateRow.__tablename__)]

Key = tuple[str, str, str, str]  # day, line, language, exchange


class State(NamedTuple):
    """Days of which zone, made by which version, with all calls that arrived before `until` in them."""

    zone: str
    version: int
    until: int

    @property
    def is_ours(self) -> bool:
        return self.version == VERSION and bool(self.zone)

    def is_whole(self, zone: ZoneInfo) -> bool:
        """Whether every call is in cells of these days."""
        return self.is_ours and self.zone == zone.key and self.until == FOREVER


NOTHING = State("", 0, 0)


def state(connection: Connection, lock: str = "") -> State:
    """`lock`: "read" keeps whoever builds from moving on, "write" all who write calls as well."""
    question = select(STATE.c.zone, STATE.c.version, STATE.c.until)
    if lock and connection.dialect.name == "postgresql":  # SQLite's writers exclude each other already
        question = question.with_for_update(read=lock == "read")
    row = connection.execute(question).one_or_none()
    return NOTHING if row is None else State(*row)


class Rollup:
    """One cell with its counts of rows and their fingerprint."""

    __slots__ = ("calls", "cell", "seal", "stored")

    def __init__(self, stored: int = 0, calls: int = 0, seal: int = 0, cell: Cell | None = None) -> None:
        self.stored, self.calls, self.seal, self.cell = stored, calls, seal, cell or Cell()

    def put(self, other: Rollup) -> None:
        self.stored += other.stored
        self.calls += other.calls
        self.seal = (self.seal + other.seal) % MODULUS
        self.cell.put(other.cell)

    def row(self, key: Key) -> tuple[Any, ...]:
        return (*key, self.stored, self.calls, f"{self.seal:064x}", written(self.cell))


class Told(NamedTuple):
    """A call as its row says it, with the verdicts on it. `call`: the same, where it need not be read again."""

    data: str
    findings: tuple[Finding, ...]
    call: Call | None = None


def told(call: Call, findings: Iterable[Finding]) -> Told:
    """The row that `call` is going to have."""
    return Told(encoded(call), tuple(findings), call)


class Rolling:
    """What one transaction changes in the roll-ups."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        found = state(writing.connection, "read")
        self._until = found.until if found.is_ours else 0
        self._zone = ZoneInfo(found.zone) if found.is_ours else None
        self._changed: dict[Key, Rollup] = {}

    @property
    def is_kept(self) -> bool:
        return self._zone is not None

    def change(self, exchange: str, before: Told | None, after: Told | None) -> None:
        """A call's rows were `before` and are `after`; None: they are not there."""
        if self._zone is None or (before is not None and after is not None and before[:2] == after[:2]):
            return
        for which, sign in ((before, -1), (after, 1)):
            if which is not None:
                counted(self._changed, exchange, which, self._zone, self._until, sign)

    def write(self) -> None:
        put(self._writing, self._changed)


def counted(
    cells: dict[Key, Rollup], exchange: str, one: Told, zone: ZoneInfo, until: int = FOREVER, sign: int = 1
) -> None:
    """Puts a call that arrived before `until` into its cell, or (`sign` -1) takes it out."""
    call = one.call or call_of(one.data, {})
    if call.arrived is None or microseconds(call.arrived) >= until:
        return
    day = call.arrived.astimezone(zone).date().isoformat()
    is_ours = call.direction == "inbound" and call.line is not None
    place = (call.line or "", language_label(call.language)) if is_ours else ("", "")
    rollup = cells.setdefault((day, *place, exchange), Rollup())
    rollup.stored += sign
    if not is_ours:
        return
    findings = [x for x in one.findings if x.standard in CALL_STANDARDS]
    rollup.calls += sign * (not call.test)
    rollup.seal = (rollup.seal + sign * _sealed(call.call, exchange, one.data, findings)) % MODULUS
    if sign > 0:
        _tell(rollup.cell, call, findings, zone)
    else:
        _tell(gone := Cell(), call, findings, zone)
        rollup.cell.take(gone)


def _tell(cell: Cell, call: Call, findings: list[Finding], zone: ZoneInfo) -> None:
    if call.test:
        cell.add("test_calls")
    elif aggregates.is_counted(call):
        aggregates.of_call(cell, call, findings, zone)


def _sealed(call: str, exchange: str, data: str, findings: Iterable[Finding]) -> int:
    """The fingerprint of a call's row together with those of its verdicts, in whatever order they are read."""
    given = sorted(f"{x.standard}\x1e{x.verdict}\x1e{x.reason_key}\x1e{x.cause or ''}" for x in findings)
    return fingerprint("call", call, exchange, data, *given)


def fingerprint(*values: object) -> int:
    """Of one row. Their sum is the same in whatever order rows are read."""
    said = "\x1f".join("" if x is None else str(x) for x in values)
    return int.from_bytes(sha256(said.encode()).digest(), "big")


# As they are stored.


class _Written(msgspec.Struct):
    """A cell as JSON: figure → part → count, and lengths."""

    counts: dict[str, dict[str, int]]
    lengths: dict[str, str]


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(_Written).decode


def written(cell: Cell) -> str:
    """Without what came to nothing; equal cells are equal texts."""
    counts: dict[str, dict[str, int]] = {}
    for (name, part), count in cell.counts.items():
        if count:
            counts.setdefault(name, {})[part] = count
    # Below 0 it cannot come but where somebody changed rows by hand: `callmon db check` tells that.
    known = {name: lengths.written(total) for name, total in cell.lengths.items() if total > 0}
    return _encode(_Written(counts, known)).decode()


def read(data: str) -> Cell:
    """The cell that was written."""
    cell, found = Cell(), _decode(data)
    cell.counts = Counter({(name, part): n for name, parts in found.counts.items() for part, n in parts.items()})
    cell.lengths = {name: lengths.read(told) for name, told in found.lengths.items()}
    return cell


AT_ONCE = 100
REPLACING = "ON CONFLICT (day, line, language, exchange) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("stored", "calls", "seal", "cell")
)


def put(writing: Writing, changed: Mapping[Key, Rollup]) -> None:
    """Adds to what is stored. Two who add to one key wait for each other, in the order of keys."""
    keys = sorted(changed)
    # A row to wait for must be there first, also for who begins the day together with another.
    writing.insert(tables.RollupRow, [Rollup().row(key) for key in keys], "ON CONFLICT DO NOTHING")
    for begin in range(0, len(keys), AT_ONCE):
        rows = [_sum(row, changed) for row in _locked(writing.connection, keys[begin : begin + AT_ONCE])]
        writing.insert(tables.RollupRow, rows, REPLACING)


def _locked(connection: Connection, keys: list[Key]) -> list[Any]:
    columns = (ROLLUP.c.day, ROLLUP.c.line, ROLLUP.c.language, ROLLUP.c.exchange)
    question = select(ROLLUP).where(tuple_(*columns).in_(keys)).order_by(*columns)
    return list(connection.execute(question.with_for_update()))


def _sum(row: Any, changed: Mapping[Key, Rollup]) -> tuple[Any, ...]:
    key, rollup = of_row(row)
    rollup.put(changed[key])
    return rollup.row(key)


def of_row(row: Any) -> tuple[Key, Rollup]:
    """A whole row of the table."""
    day, line, language, exchange, stored, calls, seal, cell = row
    return (day, line, language, exchange), Rollup(stored, calls, int(seal, 16), read(cell))
