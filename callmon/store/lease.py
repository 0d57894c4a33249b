"""The right to write to a PostgreSQL that several callmons share: a lock held by the very connection that writes.

    waiting ──nobody has it──▶ held ──asked each second──▶ held
       ▲                         │
       └── another has it ◀── lost: no word for 3 s, a network that went away, a server that ended

The server itself takes the lock from whoever is dead, frozen or cut off, by ending that session, and what has no
session cannot write. Who holds it believes so for a little less long than the server waits for a word, counted
from before it asked: so no two believe it at once.

Refuses to be held through a pooler that lends one connection to several: a lock belongs to a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from callmon.store import tables

ADVISORY_KEY = 0x63616C6C6D6F6E  # "callmon"; PostgreSQL keeps such locks apart by database
# Callmons whose tables lie in different schemas of one database each have a lead of their own.
KEY = "%s + hashtext(current_schema())"
UPGRADE_KEY = ADVISORY_KEY + (1 << 40)
# How often who holds it says a word, and how often who waits for it asks.
BEAT_SECONDS = 1.0
ASK_SECONDS = 0.25
# After a word, until when its holder may believe that it holds it; the server ends the session a little later.
HOLDS_SECONDS = 2.5
# How the server notices soon that we are gone: else our own dead connection would keep the lock from others.
# What an older server does not know is left out.
SERVER_NOTICES: Mapping[str, str] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    "client_connection_check_interval": "500",
}
# Of a callmon that shares its database: one that says nothing is frozen, or hangs.
SERVER_EXPECTS: Mapping[str, str] = {
    "idle_session_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
}
# No time-out of the server's counts between the messages of one question: whoever is cut off there would hold it
# for as long as its network says that it lives. Who waits for it ends such a session.
END_WHO_IS_CUT_OFF = f"""SELECT pg_terminate_backend(one.pid)
FROM pg_locks JOIN pg_stat_activity AS one USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND database = one.datid AND datname = current_database()
AND (classid::bigint << 32) | objid::bigint = {KEY}
AND wait_event = 'ClientRead' AND state_change < now() - interval '5 s'"""


def prepare(connection: Connection, is_shared: bool) -> None:
    """What the server is to notice of this session."""
    wanted = {**SERVER_NOTICES, **(SERVER_EXPECTS if is_shared else {})}
    signs = ", ".join("(%s, %s)" for _ in wanted)
    question = (
        f"SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES {signs}) AS w (known, wanted)"
        " ON name = known"
    )
    parameters = tuple(word for pair in wanted.items() for word in pair)
    with connection.begin():
        connection.exec_driver_sql(question, parameters).all()


def is_taken(connection: Connection, is_shared: bool) -> bool:
    """Takes the lock for this session, at once or not at all: True when another has it."""
    with connection.begin():
        question = f"SELECT pg_try_advisory_lock({KEY})"
        has_it: bool = connection.exec_driver_sql(question, (ADVISORY_KEY,)).scalar_one()
        if is_shared and not has_it:
            connection.exec_driver_sql(END_WHO_IS_CUT_OFF, (ADVISORY_KEY,)).all()
        return not has_it


def one_upgrade_at_a_time(connection: Connection) -> None:
    """Waits until the transaction of whoever else makes the tables has ended."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({KEY})", (UPGRADE_KEY,))


def heard(connection: Connection) -> dict[str, datetime]:
    """Until when each exchange was heard by whoever writes, with all that it said stored."""
    question = "SELECT exchange, heard FROM heartbeat"
    with connection.begin():
        return {name: tables.moment(at) for name, at in connection.exec_driver_sql(question)}
