"""Detects a restored copy of the database, which contains ended sessions and removed accounts again.

The time of the last change of an account is therefore stored in a file outside the database (`Database.notes`). If
the audit log of a database lacks that change, the database is an older copy. Then all sessions are ended at the
start, and the audit log records it. `callmon db upgrade` ends them in any case, and lists the accounts.

Refuses: to change an account. The administrator decides from the list.
"""

import logging
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, select

from callmon.store.access import audit
from callmon.store.access.audit import AuditEvent
from callmon.store.database import Database, database_errors
from callmon.store.tables import AUDIT, SESSION

log = logging.getLogger(__name__)

ENDED = "sessions ended"
CHANGES = (
    *("account added", "account roles", "account password", "account locked", "account unlocked"),
    *("account removed", ENDED),
)


def record_change(store: Database, at: datetime) -> None:
    """Stores the time of an account's change. A failure is only logged, so that the change still succeeds."""
    path = store.notes
    if path is None:
        return
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        scratch.write_text(f"{at.isoformat()}\n", encoding="ascii")
        scratch.chmod(0o644)  # it contains only a time; root's commands and the service both read it
        with suppress(PermissionError):
            folder = path.parent.stat()
            os.chown(scratch, folder.st_uid, folder.st_gid)
        os.replace(scratch, path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        why = error.strerror or str(error)
        log.warning("accounts: the change cannot be recorded in the file", extra={"file": str(path), "why": why})


def recorded_change(path: Path | None) -> datetime | None:
    """The time of the last change of an account; None without a file; now, if the file is unreadable."""
    if path is None:
        return None
    try:
        at = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # the time is not known, so the database is treated as an older copy
        return datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def end_if_older(store: Database) -> bool:
    """Whether this database is older than the last change of an account. If so, ends all sessions."""
    last = recorded_change(store.notes)
    if last is None:
        return False
    with database_errors(store), store.reading() as connection:
        question = select(func.max(AUDIT.c.at)).where(AUDIT.c.act.in_(CHANGES))
        known = connection.execute(question).scalar()
    if known is not None and known >= last - timedelta(microseconds=1):
        return False
    end_all(store, AuditEvent(max(datetime.now(UTC), last), "callmon", ENDED))
    log.warning(
        "accounts: the database is older than the last account change; all sessions ended",
        extra={"changed": last.isoformat(timespec="seconds"), "see": "callmon users list"},
    )
    return True


def end_all(store: Database, deed: AuditEvent) -> int:
    """Ends all sessions and records `deed`. Returns the number of sessions."""
    with database_errors(store), store.writing() as connection:
        count = connection.execute(delete(SESSION)).rowcount
        audit.insert_event(connection, deed)
    return int(count)
