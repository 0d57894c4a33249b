"""The tables of the roll-ups (`store/rollups/`): a part of `__init__.py`."""

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel


class RollupRow(SQLModel, table=True):
    """Aggregates of the ended calls of one local day, line, language and exchange (`store/rollups/update.py`).

    `day` is as 2026-10-31. `stored` counts all calls of the key, `calls` the public's inbound calls. Calls on no
    line have an empty line and language. `seal` is the sum of their rows' fingerprints in hexadecimal. `cell` is
    the counts and durations of `core/statistics/aggregates.py` as JSON.
    """

    __tablename__ = "rollup"

    day: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    stored: int = Field(sa_type=BigInteger)
    calls: int = Field(sa_type=BigInteger)
    seal: str
    cell: str = Field(sa_type=Text)


class RollupStateRow(SQLModel, table=True):
    """One row: the state of `rollup`.

    `zone` is the time zone of its days, `version` the VERSION that built them. Calls that arrived before `until`
    (microseconds) are included.
    """

    __tablename__ = "rollup_state"

    id: int = Field(primary_key=True)
    zone: str
    version: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)
