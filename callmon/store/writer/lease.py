"""The right to write to a PostgreSQL that several callmons share: the lead belongs to one session of the server.

    waiting ──no live session holds it──▶ held ──asked each second──▶ held
       ▲                                   │
       └────── another session has it ◀── lost: no word for 3 s, a network that went away, a server that ended

Table `writer` names the session that holds the lead (`SESSION`). The lead is free when that session has ended, so
the server itself takes it from a callmon that is dead, frozen or cut off. A candidate replaces the name of the
ended session by its own in one UPDATE: of two candidates one succeeds. The holder believes in its lead for a
little less long than the server waits for a word, counted from before it asked: so no two believe it at once.

An advisory lock would do for callmon alone. But every role of the database can take one: its key is in `pg_locks`,
for all to read. A row of `writer` can be changed by the role that owns it, and by no other.

Never used through a pooler that lends one connection to several: the lead belongs to a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, inspect

from callmon.store import tables

# How often the holder sends a word, and how often a candidate asks.
BEAT_SECONDS = 1.0
ASK_SECONDS = 0.25
# After a word, until when its holder may believe in its lead; the server ends the session a little later.
HOLDS_SECONDS = 2.5
# How the server notices soon that we are gone: else our own dead connection would keep the lead from others.
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
# The name of a session. A process number comes back and a role has many sessions, but never with the same start.
SESSION = "concat(pid, ' ', usesysid, ' ', (extract(epoch FROM backend_start) * 1000000)::bigint)"
# The start of another role's session is hidden: such a session counts as the named one, lest two lead.
IS_NAMED = (
    f"datname = current_database() AND (session = {SESSION}"
    " OR backend_start IS NULL AND starts_with(session, concat(pid, ' ', usesysid, ' ')))"
)
# The name in `writer`, and the live session of that name, for a person; NULL when it has ended.
HOLDER = f"""SELECT session, (
    SELECT concat('session ', pid, ' of role ', usename, ', application ', application_name,
                  ', from ' || host(client_addr))
    FROM pg_stat_activity WHERE {IS_NAMED} LIMIT 1)
FROM writer WHERE id = 1"""
# What is read as ended has ended for good, so the name may be replaced as long as it is the same.
TAKE = f"""UPDATE writer SET session = (SELECT {SESSION} FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE id = 1 AND session IS NOT DISTINCT FROM %s::text"""
# No time-out of the server's counts between the messages of one question: a holder that is cut off there would
# keep the lead for as long as its network says that it lives. A candidate ends such a session.
END_CUT_OFF_HOLDER = f"""SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED}
WHERE id = 1 AND wait_event = 'ClientRead' AND state_change < now() - interval '5 s'"""
UPGRADE_KEY = 0x63616C6C6D6F6E + (1 << 40)


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


def take(connection: Connection, is_shared: bool) -> str | None:
    """Takes the lead for this session, at once or not at all: then says which session holds it."""
    with connection.begin():
        named, holder = connection.exec_driver_sql(HOLDER).one()
        if holder is None:
            taken = connection.exec_driver_sql(TAKE, (named,)).rowcount == 1
            return None if taken else "another session that was faster"
        if is_shared:
            connection.exec_driver_sql(END_CUT_OFF_HOLDER).all()
        return str(holder)


def one_upgrade_at_a_time(connection: Connection) -> None:
    """Waits until the transaction of another program that makes or upgrades the tables has ended.

    Once there are tables, by a lock that takes a right to them: another role cannot hold up an upgrade.
    """
    if connection.dialect.name != "postgresql":
        return
    if inspect(connection).has_table("alembic_version"):
        connection.exec_driver_sql("LOCK TABLE alembic_version IN SHARE ROW EXCLUSIVE MODE")
    else:
        question = "SELECT pg_advisory_xact_lock(%s + hashtext(current_schema()))"
        connection.exec_driver_sql(question, (UPGRADE_KEY,))


def heard(connection: Connection) -> dict[str, datetime]:
    """Until when each exchange was heard by the holder, with all that it said stored."""
    question = "SELECT exchange, heard FROM heartbeat"
    with connection.begin():
        return {name: tables.moment(at) for name, at in connection.exec_driver_sql(question)}
