"""The tables of the roll-ups (`rollups.py`), a part of `__init__.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel


class RollupRow(SQLModel, table=True):
    """What the ended calls of one local day, line, language and exchange add up to (`rollups.py`).

    `day` is as 2026-10-31. `stored` counts all calls of the key, `calls` the public's inbound ones; what is on no
    line has an empty line and language. `seal` is the sum of their rows' fingerprints, in hexadecimal, `cell` the
    counts and lengths of `reports/tally` as JSON.
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
    """One row: in which time zone the days of `rollup` are, which version of `rollups.py` made them, and until
    which arrival (microseconds) calls are in them.
    """

    __tablename__ = "rollup_state"

    id: int = Field(primary_key=True)
    zone: str
    version: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)
