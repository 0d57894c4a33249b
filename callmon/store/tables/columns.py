"""What the classes of the tables share: their base, the types of their columns, their options."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

from sqlalchemy import BigInteger, Column, Dialect, MetaData, String, Table
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
METADATA = MetaData()
Row = tuple[Any, ...]  # the values of all columns of a table, in their order, as a driver takes and gives them


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 (UTC), exact. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def microseconds_or_none(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def from_microseconds(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return microseconds_or_none(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_microseconds(value)


class Words(TypeDecorator[frozenset[str]]):
    """A set of words, in their order, separated by blanks."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: frozenset[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(sorted(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> frozenset[str] | None:
        return None if value is None else frozenset(value.split())


# A call's name comes first in every key, since queries name a call without its exchange. Rows that are only ever
# found by their call are stored in the order of that key, without a second tree.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class StoredRow(SQLModel):
    """The base of the tables: the class `OpenCallRow` defines the table `open_call`."""

    metadata: ClassVar[MetaData] = METADATA

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.removesuffix("Row")).lower()


def table_of(row: type[StoredRow]) -> Table:
    """The table that a class defines, for queries and statements without instances."""
    return cast(Table, row.__table__)  # type: ignore[attr-defined]  # SQLModel's metaclass sets it


def row_of(row: type[StoredRow]) -> Callable[..., Row]:
    """A function that makes a row of its columns, given by name. A missing or misspelt column is a TypeError.

    It is made once, as `namedtuple` makes its own, and gives a plain tuple, which the drivers take faster.
    The writer uses it: an instance of the class costs a hundred times as much.
    """
    names = ", ".join(table_of(row).columns.keys())
    return cast(Callable[..., Row], eval(f"lambda *, {names}: ({names},)"))


def row_from(row: type[StoredRow], *given: str) -> Callable[..., Row]:
    """A function that makes a row of an object whose attributes have the names of the columns.

    The columns `given` are passed by name. A time becomes whole microseconds.
    """
    columns = table_of(row).columns
    assert {*given} <= {*columns.keys()}
    values = [name if name in given else _attribute(column) for name, column in columns.items()]
    names = ", ".join(("source", "*", *given) if given else ("source",))
    known = {"microseconds_or_none": microseconds_or_none}
    return cast(Callable[..., Row], eval(f"lambda {names}: ({', '.join(values)},)", known))


def _attribute(column: Column[Any]) -> str:
    value = f"source.{column.name}"
    return f"microseconds_or_none({value})" if isinstance(column.type, Moment) else value
