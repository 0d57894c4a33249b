"""The table of attestations, a part of `__init__.py`."""

from __future__ import annotations

from sqlmodel import Field, SQLModel


class AttestationRow(SQLModel, table=True):
    """What somebody found who tried a line, in the order in which it was said. Append-only.

    `tested` is as 2026-11-20, local.
    """

    __tablename__ = "attestation"

    id: int | None = Field(default=None, primary_key=True)
    line: str
    subject: str
    tested: str
    by: str
    is_so: bool
