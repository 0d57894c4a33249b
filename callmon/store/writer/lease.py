"""The leader lease on a PostgreSQL database that several instances share. One session of the server holds it.

    waiting ──no live session holds it──▶ held ──renewed each second──▶ held
       ▲                                   │
       └────── another session has it ◀── lost: no statement for 3 s, a lost network, a server that ended

Table `writer` names the session that holds the lease (`SESSION`). The lease is free when that session has ended.
So the server itself revokes the lease of an instance that is dead, frozen or cut off. A candidate replaces the
name of the ended session by its own in one UPDATE: of two candidates one succeeds.

The holder trusts its lease for less time than the server's idle time-out. It counts from before the renewal
query. So two instances never trust a lease at the same time.

An advisory lock would suffice for callmon alone. But every role of the database can acquire one, because
`pg_locks` shows its key to all. Only the role that owns table `writer` can change its row.

Refuses: a pooler that shares one connection among several clients, because the lease belongs to a session.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from callmon.store import tables

# How often the holder renews the lease, and how often a candidate tries to acquire it.
RENEW_SECONDS = 1.0
ASK_SECONDS = 0.25
# How long the holder trusts its lease after a renewal. The server ends an idle session half a second later.
HOLDS_SECONDS = 2.5
# With these the server detects a lost client within seconds. Otherwise a dead connection would keep the lease.
# A setting that an older server does not have is left out.
SERVER_NOTICES: Mapping[str, str] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    "client_connection_check_interval": "500",
}
# For an instance that shares its database: a session without statements is frozen, or hangs.
SERVER_EXPECTS: Mapping[str, str] = {
    "idle_session_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
}
# The name of a session. A process number is reused and a role has many sessions, but never with the same start.
SESSION = "concat(pid, ' ', usesysid, ' ', (extract(epoch FROM backend_start) * 1000000)::bigint)"
# The server hides the start of another role's session. Such a session counts as the named one, so that two
# instances never lead.
IS_NAMED = (
    f"datname = current_database() AND (session = {SESSION}"
    " OR backend_start IS NULL AND starts_with(session, concat(pid, ' ', usesysid, ' ')))"
)
# The name in `writer`, and a description of the live session of that name for an operator; NULL when it has ended.
HOLDER = f"""SELECT session, (
    SELECT concat('session ', pid, ' of role ', usename, ', application ', application_name,
                  ', from ' || host(client_addr))
    FROM pg_stat_activity WHERE {IS_NAMED} LIMIT 1)
FROM writer WHERE id = 1"""
# A session that has ended never comes back, so the UPDATE only checks that the name is unchanged.
TAKE = f"""UPDATE writer SET session = (SELECT {SESSION} FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE id = 1 AND session IS NOT DISTINCT FROM %s::text"""
# No server time-out applies between the messages of one query. A holder that is cut off there would keep the lease
# as long as its network reports it alive. A candidate ends such a session.
END_CUT_OFF_HOLDER = f"""SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED}
WHERE id = 1 AND wait_event = 'ClientRead' AND state_change < now() - interval '5 s'"""


def prepare(connection: Connection, is_shared: bool) -> None:
    """Sets the server's time-outs and keep-alives for this session, as far as the server has them."""
    wanted = {**SERVER_NOTICES, **(SERVER_EXPECTS if is_shared else {})}
    signs = ", ".join("(%s, %s)" for _ in wanted)
    question = (
        f"SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES {signs}) AS w (known, wanted)"
        " ON name = known"
    )
    parameters = tuple(word for pair in wanted.items() for word in pair)
    with connection.begin():
        connection.exec_driver_sql(question, parameters).all()


def acquire(connection: Connection, is_shared: bool) -> str | None:
    """Acquires the lease for this session and returns None, or returns the session that holds it.

    It does not wait for the holder.
    """
    with connection.begin():
        named, holder = connection.exec_driver_sql(HOLDER).one()
        if holder is None:
            taken = connection.exec_driver_sql(TAKE, (named,)).rowcount == 1
            return None if taken else "another session that acquired it first"
        if is_shared:
            connection.exec_driver_sql(END_CUT_OFF_HOLDER).all()
        return str(holder)


def holder_heartbeats(connection: Connection) -> dict[str, datetime]:
    """By exchange: until when the holder received its events and committed all of them."""
    question = "SELECT exchange, heard FROM heartbeat"
    with connection.begin():
        return {name: tables.from_microseconds(at) for name, at in connection.exec_driver_sql(question)}
