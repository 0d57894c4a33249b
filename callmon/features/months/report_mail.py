"""The record of every report that is sent by e-mail. Every function blocks.

    waiting ──claim──▶ unknown ──settle──▶ sent | failed | waiting
       ▲                  │
       └─ entered         └─ stays so if callmon or the connection ends before the server's answer is stored

`claim` is committed before the message is handed over. So a message may have arrived only where a row says
"sent" or "unknown", and no program sends either of these by itself. Only one of several programs gets the claim.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, update
from sqlmodel import col, select

from callmon.store.database import Database, database_errors
from callmon.store.instances import found_rows, insert_rows
from callmon.store.tables import Condition
from callmon.store.tables.columns import table_of
from callmon.store.tables.reports import MailState as MailState
from callmon.store.tables.reports import ReportMailing as ReportMailing
from callmon.store.tables.reports import ReportMailRow as ReportMailRow

NOT_OUT = ("waiting", "failed")  # the states in which the recipient has certainly not received the mail
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)


def pause_after(attempts: int) -> timedelta:
    """The time until the next attempt: 5 minutes, twice as long each time, an hour at most."""
    return min(FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 10)), LONGEST_PAUSE)


def _of(mailing: ReportMailing) -> tuple[Condition, ...]:
    return tuple(col(getattr(ReportMailRow, name)) == value for name, value in mailing._asdict().items())


def _to(mailing: ReportMailing, recipient: str) -> tuple[Condition, ...]:
    return (*_of(mailing), col(ReportMailRow.recipient) == recipient)


def _same(mail: ReportMailRow) -> tuple[Condition, ...]:
    return (*_to(mail.mailing, mail.recipient), col(ReportMailRow.copy_number) == mail.copy_number)


def mails_of(store: Database, months: Iterable[str]) -> list[ReportMailRow]:
    """The last copy of every mail about these months, in the order in which they were entered."""
    about = select(ReportMailRow).where(col(ReportMailRow.month).in_(list(months)))
    ordered = about.order_by(col(ReportMailRow.since), *table_of(ReportMailRow).primary_key.columns)
    with database_errors(store), store.reading() as connection:
        found = found_rows(connection, ordered)
    return list({(mail.mailing, mail.recipient): mail for mail in found}.values())


def enter_mail(store: Database, mailing: ReportMailing, recipient: str, now: datetime, fingerprint: str) -> None:
    """Enters the first copy as waiting, unless a copy is entered already."""
    with database_errors(store), store.writing_piece() as connection:
        entered = select(ReportMailRow.copy_number).where(*_to(mailing, recipient))
        if connection.execute(entered).first() is None:
            _insert(connection, mailing, recipient, 1, now, fingerprint)


def enter_copy(connection: Connection, mail: ReportMailRow, now: datetime, fingerprint: str) -> None:
    """Enters one more copy, by a person's decision, in the transaction that records this."""
    copies = select(func.max(ReportMailRow.copy_number)).where(*_to(mail.mailing, mail.recipient))
    last = connection.scalar(copies)
    _insert(connection, mail.mailing, mail.recipient, int(last or 0) + 1, now, fingerprint)


def _insert(
    connection: Connection, mailing: ReportMailing, recipient: str, copy: int, now: datetime, fingerprint: str
) -> None:
    key = mailing._asdict() | {"recipient": recipient, "copy_number": copy}
    entered = ReportMailRow(**key, state="waiting", fingerprint=fingerprint, since=now, changed=now, next=now)
    insert_rows(connection, entered)


def claim_mail(store: Database, mail: ReportMailRow, now: datetime, fingerprint: str) -> bool:
    """Marks the mail as "unknown", before it is handed over. False if another program did so, or it is settled."""
    with database_errors(store), store.writing_piece() as connection:
        theirs = (*_same(mail), col(ReportMailRow.state).in_(NOT_OUT))
        values = {"state": "unknown", "reason": "", "detail": "", "changed": now, "fingerprint": fingerprint}
        return connection.execute(update(ReportMailRow).where(*theirs).values(**values)).rowcount == 1


def settle_mail(
    store: Database,
    mail: ReportMailRow,
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
    theirs = (*_same(mail), col(ReportMailRow.state).in_(expected))
    with database_errors(store), store.writing_piece() as connection:
        statement = update(ReportMailRow).where(*theirs)
        connection.execute(statement.values(**values, next=now + pause_after(attempts)))


def contents_out(store: Database, mailing: ReportMailing) -> set[str]:
    """The fingerprints of what recipients have received of this mailing, or may have."""
    question = select(ReportMailRow.fingerprint).where(*_of(mailing), col(ReportMailRow.state).not_in(NOT_OUT))
    with database_errors(store), store.reading() as connection:
        return set(connection.scalars(question))


def record_received(connection: Connection, mail: ReportMailRow, now: datetime) -> None:
    """A person states that the recipient has the mail."""
    connection.execute(update(ReportMailRow).where(*_same(mail)).values(state="sent", reason="", changed=now))
