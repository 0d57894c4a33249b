"""Reports: attestations, the months sent by e-mail, and the signed ones."""

from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import Column, Integer, String
from sqlmodel import Field

from callmon.store.tables.columns import Moment, StoredRow

Step: TypeAlias = Literal["prepared", "verified", "approved"]
MailState: TypeAlias = Literal["waiting", "unknown", "sent", "failed"]


class AttestationRow(StoredRow, table=True):
    """What a person states about a line after testing it, in the order of insertion.

    Append-only. `tested` is a local date (2026-11-20).
    """

    id: int | None = Field(default=None, primary_key=True)
    line: str
    subject: str
    tested: str
    by: str
    is_so: bool


class ReportMailing(NamedTuple):
    """One content for a list of recipients: the report of a month in one edition, revision and stage."""

    month: str
    edition: str
    revision: int
    stage: str


class ReportMailRow(StoredRow, table=True):
    """A month's report, in one edition and revision, on its way to one recipient by e-mail.

    `stage`: "provisional" or "final". `copy`: 1, or more after a person sent it again. `state`: "waiting" for
    the attempt at `next`; "unknown" from just before the message is handed over; then "sent" or "failed".
    `fingerprint`: of the report's content.
    """

    month: str = Field(primary_key=True)
    edition: str = Field(primary_key=True)
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    stage: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    copy_number: int = Field(sa_column=Column("copy", Integer, primary_key=True, autoincrement=False))
    state: MailState = Field(sa_type=String)
    fingerprint: str
    reason: str = ""
    detail: str = ""
    attempts: int = 0
    since: datetime = Field(sa_type=Moment)
    changed: datetime = Field(sa_type=Moment)
    next: datetime = Field(sa_type=Moment)

    @property
    def mailing(self) -> ReportMailing:
        return ReportMailing(self.month, self.edition, self.revision, self.stage)


class SignedFileRow(StoredRow, table=True):
    """A file of a report as it was signed, compressed (zlib). `month` is as 2026-10. Append-only."""

    month: str = Field(primary_key=True)
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(primary_key=True)
    data: bytes


class SignOffRow(StoredRow, table=True):
    """Who signed a file, when, at which step ("prepared", "verified", "approved"), and its SHA-256.

    `mac`: of all rows of the step, the message authentication code under a key of the key file. Append-only, but
    for `mac` at a rotation of the keys.
    """

    month: str = Field(primary_key=True)
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    step: Step = Field(sa_type=String, primary_key=True)
    name: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    sha256: str
    mac: str
