"""The record of every report that is sent by e-mail. Every function blocks.

    waiting ──claim──▶ unknown ──settle──▶ sent | failed | waiting
       ▲                  │
       └─ entered         └─ stays so if callmon or the connection ends before the server's answer is stored

`claim` is committed before the message is handed over. So a message may have arrived only where a row says
"sent" or "unknown", and no program sends either of these by itself. Only one of several programs gets the claim.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from callmon.store.database import Database, database_errors
from callmon.store.tables import REPORT_MAIL, Condition

MailState = Literal["waiting", "unknown", "sent", "failed"]
NOT_OUT = ("waiting", "failed")  # the states in which the recipient has certainly not received the mail
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)


class ReportMailing(NamedTuple):
    """One content for a list of recipients: the report of a month in one edition, revision and stage."""

    month: str
    edition: str
    revision: int
    stage: str

    def where(self) -> tuple[Condition, ...]:
        return tuple(REPORT_MAIL.c[name] == value for name, value in self._asdict().items())


class ReportMail(NamedTuple):
    """One row: a mailing to one recipient. `copy` counts from 1."""

    mailing: ReportMailing
    recipient: str
    copy: int
    state: MailState
    fingerprint: str
    reason: str
    detail: str
    attempts: int
    since: datetime
    changed: datetime
    next: datetime

    def where(self) -> tuple[Condition, ...]:
        return (*self.mailing.where(), REPORT_MAIL.c.recipient == self.recipient, REPORT_MAIL.c.copy == self.copy)


def pause_after(attempts: int) -> timedelta:
    """The time until the next attempt: 5 minutes, twice as long each time, an hour at most."""
    return min(FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 10)), LONGEST_PAUSE)


def mails_of(store: Database, months: Iterable[str]) -> list[ReportMail]:
    """The last copy of every mail about these months, in the order in which they were entered."""
    with database_errors(store), store.reading() as connection:
        return _last_copies(connection, REPORT_MAIL.c.month.in_(list(months)))


def _last_copies(connection: Connection, *which: Condition) -> list[ReportMail]:
    question = select(REPORT_MAIL).where(*which).order_by(REPORT_MAIL.c.since, *REPORT_MAIL.primary_key.columns)
    last = {}
    for row in connection.execute(question).mappings():
        mailing = ReportMailing(*(row[name] for name in ReportMailing._fields))
        last[mailing, row["recipient"]] = ReportMail(mailing, *(row[name] for name in ReportMail._fields[1:]))
    return list(last.values())


def enter_mail(store: Database, mailing: ReportMailing, recipient: str, now: datetime, fingerprint: str) -> None:
    """Enters the first copy as waiting, unless a copy is entered already."""
    with database_errors(store), store.writing_piece() as connection:
        is_here = (*mailing.where(), REPORT_MAIL.c.recipient == recipient)
        if connection.execute(select(REPORT_MAIL.c.copy).where(*is_here)).first() is None:
            _insert(connection, mailing, recipient, 1, now, fingerprint)


def enter_copy(connection: Connection, mail: ReportMail, now: datetime, fingerprint: str) -> None:
    """Enters one more copy, by a person's decision, in the transaction that records this."""
    last = connection.scalar(select(func.max(REPORT_MAIL.c.copy)).where(*mail.where()[:-1]))
    _insert(connection, mail.mailing, mail.recipient, int(last or 0) + 1, now, fingerprint)


def _insert(
    connection: Connection, mailing: ReportMailing, recipient: str, copy: int, now: datetime, fingerprint: str
) -> None:
    first = {"state": "waiting", "fingerprint": fingerprint, "reason": "", "detail": "", "attempts": 0}
    times = {"since": now, "changed": now, "next": now}
    named = {**mailing._asdict(), "recipient": recipient, "copy": copy}
    connection.execute(insert(REPORT_MAIL).values(**named, **first, **times))


def claim_mail(store: Database, mail: ReportMail, now: datetime, fingerprint: str) -> bool:
    """Marks the mail as "unknown", before it is handed over. False if another program did so, or it is settled."""
    with database_errors(store), store.writing_piece() as connection:
        theirs = (*mail.where(), REPORT_MAIL.c.state.in_(NOT_OUT))
        values = {"state": "unknown", "reason": "", "detail": "", "changed": now, "fingerprint": fingerprint}
        return connection.execute(update(REPORT_MAIL).where(*theirs).values(**values)).rowcount == 1


def settle_mail(
    store: Database,
    mail: ReportMail,
    state: MailState,
    now: datetime,
    reason: str = "",
    detail: str = "",
    is_claimed: bool = False,
) -> None:
    """Stores the result of an attempt. A waiting mail gets the time of its next one.

    `is_claimed`: this program had the claim. Without it, the mail of a program that has it stays as it is.
    """
    attempts = mail.attempts + 1
    values = {"state": state, "reason": reason, "detail": detail, "attempts": attempts, "changed": now}
    expected = ("unknown",) if is_claimed else NOT_OUT
    theirs = (*mail.where(), REPORT_MAIL.c.state.in_(expected))
    with database_errors(store), store.writing_piece() as connection:
        statement = update(REPORT_MAIL).where(*theirs)
        connection.execute(statement.values(**values, next=now + pause_after(attempts)))


def contents_out(store: Database, mailing: ReportMailing) -> set[str]:
    """The fingerprints of what recipients have received of this mailing, or may have."""
    question = select(REPORT_MAIL.c.fingerprint).where(*mailing.where(), REPORT_MAIL.c.state.not_in(NOT_OUT))
    with database_errors(store), store.reading() as connection:
        return set(connection.scalars(question))


def record_received(connection: Connection, mail: ReportMail, now: datetime) -> None:
    """A person states that the recipient has the mail."""
    connection.execute(update(REPORT_MAIL).where(*mail.where()).values(state="sent", reason="", changed=now))
