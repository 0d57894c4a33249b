"""What a reader sees in place of the tables of a database: those of several pairs, or only the rows of some lines.

A WITH clause before each query puts a query under the name of each table. So no page can forget a condition, and
no stored view keeps a pair from changing its tables at an upgrade. Which tables a query reads is known from its
`Table` objects, not from its text. The gate is `before_cursor_execute`: it has the objects of what SQLAlchemy
compiled, and it alone also sees what was passed to the driver as text, which `before_execute` does not.

Refuses: a statement that has text of its own; a table that is not one of `METADATA`; to write what a pair has
written; to show a row of a table that has no condition in `ROWS` to a reader of some lines.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnClause, TextClause
from sqlalchemy.sql.selectable import Select, SelectBase, TableClause, TextualSelect

from callmon.errors import Sentence, StoreError
from callmon.store.tables import METADATA

# Of the database over all pairs itself. What it has of the other tables is empty.
OWN = frozenset((
    *("account", "session", "token", "audit", "signed_file", "sign_off", "report_mail"),
    *("hand", "disruption_hand", "mark"),
))  # fmt: skip
APART = frozenset(("counter", "writer", "contact"))  # of one pair: a sum of them has no meaning
_LINE, _ALL = "t.line IN ({lines})", "1 = 1"
_HAS_LINE = 'EXISTS (SELECT 1 FROM "{0}" AS o WHERE o."{1}" = t."{2}"{3})'
_SAME = " AND o.exchange = t.exchange"
_OF_CALL = _HAS_LINE.format("call", "call", "call", _SAME)
# The rows that concern some lines, in an order in which each condition refers to tables before it.
ROWS = {
    **dict.fromkeys(("call", "obligation", "finding", "rollup", "attestation"), _LINE),
    **dict.fromkeys(("reconciliation", "reconciliation_call"), _LINE),
    "disruption": "{disrupted}",
    "disruption_entry": _HAS_LINE.format("disruption", "id", "disruption", ""),
    "fact": _OF_CALL,
    "open_call": "{arrived}",
    "number": f"({_OF_CALL} OR {_HAS_LINE.format('obligation', 'call', 'call', _SAME)})",
    "ledger": _HAS_LINE.format("obligation", "id", "obligation", _SAME),
    **dict.fromkeys(("gap", "heartbeat", "rollup_state", "number_key"), _ALL),
}
TABLES = (*ROWS, *(name for name in METADATA.tables if name not in ROWS))
# The only text that a view lets pass: it orders the commands of persons (`commands.py`).
LOCKS = frozenset(f"LOCK TABLE {name} IN EXCLUSIVE MODE" for name in OWN)
# The roll-ups of all pairs together are whole when those of each are.
STATE = (
    "SELECT 1 AS id, CASE WHEN min(zone) = max(zone) THEN min(zone) ELSE '' END AS zone, "
    "CASE WHEN min(version) = max(version) THEN {version} ELSE 0 END AS version, "
    "min(until) AS until FROM ({rows}) AS s"
)


class View(msgspec.Struct, frozen=True):
    """`pairs`: the schemas whose rows are read; empty: those of the database itself. `lines`: None: every line.

    `is_whole`: False where a pair is left out. No statistics are then made from roll-ups. `schema`: the tables
    themselves, of this pair alone.
    """

    pairs: tuple[str, ...] = ()
    lines: tuple[str, ...] | None = None
    is_whole: bool = True
    schema: str = ""


def listen(engine: Engine) -> Engine:
    """The engine, which applies the view in the execution options of a connection to its statements."""
    event.listen(engine, "before_cursor_execute", _seen, retval=True)
    event.listen(engine, "begin", _in_schema)
    return engine


def refuse_driver(connection: Connection) -> None:
    """Raises StoreError where a view applies: what the driver executes by itself would pass by it."""
    view: View | None = connection.get_execution_options().get("view")
    if view is not None and not view.schema:
        raise _refused(view)


def _in_schema(connection: Connection) -> None:
    view = connection.get_execution_options().get("view")
    if view is not None and view.schema:
        connection.exec_driver_sql(f'SET LOCAL search_path TO "{view.schema}"')


def _seen(
    connection: Connection, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
) -> tuple[str, Any]:
    view: View | None = connection.get_execution_options().get("view")
    if view is None or view.schema:
        return statement, parameters
    if context is None or context.compiled is None:
        if statement in LOCKS and view.lines is None:
            return statement, parameters
        raise _refused(view)
    names = _tables_of(context.compiled, context.invoked_statement, view)
    return applied(statement, names, view, connection.dialect.name), parameters


_known: WeakKeyDictionary[Any, frozenset[str]] = WeakKeyDictionary()  # by compiled statement, which is used again


def _tables_of(compiled: Any, statement: Any, view: View) -> frozenset[str]:
    """The tables that the statement reads or writes. Raises StoreError."""
    names = _known.get(compiled)
    if names is None:
        names = _known[compiled] = frozenset(tables_of(statement, view))
    if isinstance(statement, UpdateBase):
        if view.lines is not None or not names <= OWN:
            raise _refused(view)
    elif not isinstance(statement, SelectBase) or (view.pairs and names & APART):
        raise _refused(view)
    return names if isinstance(statement, SelectBase) else frozenset()


def tables_of(statement: Any, view: View) -> Iterator[str]:
    """The tables of a statement, by its objects. Raises StoreError for text, and for a table that is not ours."""
    left, seen = [statement], set[int]()
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if _has_text(part):
            raise _refused(view)
        if isinstance(part, TableClause):
            if not isinstance(part, Table) or METADATA.tables.get(part.name) != part:
                raise _refused(view)
            yield part.name
            continue
        if isinstance(part, ColumnClause) and part.table is not None:
            left.append(part.table)
        if isinstance(part, UpdateBase):
            left.append(part.table)
        left += part.get_children()


def _has_text(part: visitors.ExternallyTraversible) -> bool:
    if isinstance(part, ColumnClause) and part.is_literal:
        return part.name != "*"  # of count(*)
    if isinstance(part, TextClause | TextualSelect):
        return True
    own = ("_prefixes", "_suffixes", "_statement_hints", "_hints") if isinstance(part, Select | UpdateBase) else ()
    return any(getattr(part, name, None) for name in own)


@lru_cache(2000)
def applied(statement: str, names: frozenset[str], view: View, dialect: str) -> str:
    """The statement, which reads the tables of these names, as a reader with this view may execute it."""
    named = names if view.lines is not None else names - OWN
    if not named:
        return statement
    if not statement.lstrip("(").startswith("SELECT"):  # it has a WITH clause of its own
        raise _refused(view)
    if view.lines is not None:
        named |= {"call", "obligation", "disruption"}  # conditions refer to these
    parts = ", ".join(f'"{x}" AS NOT MATERIALIZED ({_rows(x, view, dialect)})' for x in TABLES if x in named)
    return f"WITH {parts} {statement}"


def _refused(view: View) -> StoreError:
    return StoreError(
        Sentence(
            "this database only shows what the pairs {pairs} have stored; run the command with the configuration "
            "of the pair that it is about",
            pairs=", ".join(view.pairs),
        )
    )


def _rows(name: str, view: View, dialect: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in METADATA.tables[name].columns)
    own = f'SELECT {columns} FROM {"main." if dialect == "sqlite" else ""}"{name}"'
    pairs = view.pairs if name not in OWN else ()
    rows = " UNION ALL ".join(f'SELECT {columns} FROM "{pair}"."{name}"' for pair in pairs) or own
    if name == "rollup_state" and pairs:
        rows = STATE.format(rows=rows, version="min(version)" if view.is_whole else "0")
    if view.lines is None:
        return rows
    return f"SELECT {columns} FROM ({rows}) AS t WHERE {_condition(name, view.lines, dialect)}"


def _condition(name: str, lines: tuple[str, ...], dialect: str) -> str:
    found = partial("{0}(t.{1}, {2}) > 0".format, "instr" if dialect == "sqlite" else "strpos")
    values = {
        "lines": ", ".join(map(_quoted, lines)) or "NULL",
        "disrupted": _any(found("lines", _quoted(f" {line} ")) for line in lines),
        "arrived": _any(found("data", _quoted(f'"line":"{line}"')) for line in lines),
    }
    return ROWS.get(name, "1 = 0").format(**values)


def _any(conditions: Iterator[str]) -> str:
    return f"({' OR '.join(conditions) or '1 = 0'})"


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
