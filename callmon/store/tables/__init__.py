"""The tables, each defined once, as a class: its columns with their types, its keys, its indexes.

`fact` is append-only: it records what happened. `call` and `finding` are derived from it and can be rebuilt. A
counter and the rows that it counts are written in one transaction (`counter`). A caller's number is stored only in
`number.number`, encrypted (`store/encryption.py`): without the key, no table reveals it.

Times are whole microseconds since 1970 in UTC: exact, sortable, and the same integer in SQLite and PostgreSQL.

    cold tables   accounts, accesses, reports, commands: read and written as instances (`store/instances.py`)
    the writer    plain tuples, which `row_of` makes of named columns, `row_from` of an object
    queries       `CALL`, the table of `CallRow`, below

Private to `store/`: other packages use facts, calls and findings. Refuses: a naive datetime, since its moment is
not known.
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement, FromClause, Table, and_

from callmon.store.tables import callbacks, calls, disruptions, figures, people, reports, webhooks  # noqa: F401  all
from callmon.store.tables.columns import METADATA as METADATA
from callmon.store.tables.columns import Moment as Moment
from callmon.store.tables.columns import Row as Row
from callmon.store.tables.columns import from_microseconds as from_microseconds
from callmon.store.tables.columns import microseconds as microseconds
from callmon.store.tables.columns import microseconds_or_none as microseconds_or_none
from callmon.store.tables.columns import row_from as row_from
from callmon.store.tables.columns import row_of as row_of
from callmon.store.tables.columns import table_of

Condition = ColumnElement[bool]
Which = Callable[[Table], Condition]

FACT = table_of(calls.FactRow)
OPEN = table_of(calls.OpenCallRow)
CALL = table_of(calls.CallRow)
FINDING = table_of(calls.FindingRow)
NUMBER = table_of(calls.NumberRow)
NUMBER_KEY = table_of(calls.NumberKeyRow)
GAP = table_of(calls.GapRow)
HEARTBEAT = table_of(calls.HeartbeatRow)
LEDGER = table_of(callbacks.LedgerRow)
OBLIGATION = table_of(callbacks.ObligationRow)
CONTACT = table_of(callbacks.ContactRow)
MARK = table_of(callbacks.MarkRow)
DISRUPTION_ENTRY = table_of(disruptions.DisruptionEntryRow)
DISRUPTION = table_of(disruptions.DisruptionRow)
COUNTER = table_of(figures.CounterRow)
WEBHOOK = table_of(webhooks.WebhookRow)
ROLLUP = table_of(figures.RollupRow)
ROLLUP_STATE = table_of(figures.RollupStateRow)


def same_call(one: FromClause, other: FromClause) -> Condition:
    """Whether two rows are of one call."""
    return and_(one.c["call"] == other.c["call"], one.c.exchange == other.c.exchange)
