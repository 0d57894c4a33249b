"""Column types and options that several tables share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, MetaData, String, Table
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
METADATA = MetaData()


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 (UTC), exact. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_microseconds(value)


# A call's name comes first in every key, since queries name a call without its exchange. Rows that are only ever
# found by their call are stored in the order of that key, without a second tree.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def table(name: str, *items: SchemaItem, **options: Any) -> Table:
    return Table(name, METADATA, *items, **options)


def keys(*names: str, kind: Any = String) -> list[Column[Any]]:
    """Columns of the primary key. The calling code gives their values."""
    return [Column(name, kind, primary_key=True, autoincrement=False) for name in names]


def required(*names: str, kind: Any = String) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def optional(*names: str, kind: Any = String) -> list[Column[Any]]:
    return [Column(name, kind) for name in names]
