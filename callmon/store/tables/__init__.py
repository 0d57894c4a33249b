"""The tables. Private to `store/`: other packages use facts, calls and findings.

`fact` is append-only: it records what happened. `call` and `finding` are derived from it and can be rebuilt. A
counter and the rows that it counts are written in one transaction (`counter`). A caller's number is stored only in
`number.number`, encrypted (`store/encryption.py`): without the key, no table reveals it.

Times are whole microseconds since 1970 in UTC: exact, sortable, and the same integer in SQLite and PostgreSQL.

Refuses: a naive datetime, since its moment is not known.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
    text,
)

from callmon.store.tables.columns import CLUSTERED, keys, optional, required, table
from callmon.store.tables.columns import METADATA as METADATA
from callmon.store.tables.columns import Moment as Moment
from callmon.store.tables.columns import from_microseconds as from_microseconds
from callmon.store.tables.columns import microseconds as microseconds

Condition = ColumnElement[bool]
Which = Callable[[Table], Condition]

# Calls. The key of a call is its name and its exchange.

# The facts of a call that has ended, in one row. `data` is their JSON, compressed (`row_mapping.pack_facts`), and
# `at` the time of the last one. What is added later is another row. `n`, its position in the stream of rows,
# orders them.
FACT = table(
    "fact",
    *keys("call", "exchange"),
    *keys("n", kind=BigInteger),
    *optional("at", kind=Moment),
    *required("data", kind=sa.LargeBinary),
    **CLUSTERED,
)

# A call in progress, with the JSON of its facts: inserted with its arrival, moved to `fact` with its end.
OPEN = table(
    "open_call",
    *keys("call", "exchange"),
    *required("n", kind=BigInteger),
    *required("data", kind=Text),
    **CLUSTERED,
)

# The account of an ended call. `data` is the complete account; the columns serve queries.
CALL = table(
    "call",
    *keys("call", "exchange"),
    *optional("line"),
    *required("direction", "language"),
    *optional("in_hours", kind=Boolean),
    *optional("arrived", "answered", "ended", kind=Moment),
    *required("outcome"),
    *optional("rings", kind=Integer),
    *required("rings_estimated", kind=Boolean),
    *optional("waited", kind=BigInteger),
    *required("heard"),
    *required("data", kind=Text),
    Column("is_test", Boolean, nullable=False, server_default=false()),
    Index("ix_call_line_arrived", "line", "arrived"),
    Index("ix_call_arrived", "arrived"),
    Index("ix_call_test", "line", "arrived", sqlite_where=text("is_test = 1"), postgresql_where=text("is_test")),
    sqlite_with_rowid=True,  # without one, a row longer than a quarter of a page takes another whole page
)

# One verdict. A rejudgement, a backfill or a correction in the ledger replaces the row.
FINDING = table(
    "finding",
    *keys("call", "exchange", "standard"),
    *optional("at", kind=Moment),
    *required("line", "language"),
    *optional("in_hours", kind=Boolean),
    *required("verdict", "reason_key"),
    *optional("number", kind=Integer),
    *optional("cause"),
    **CLUSTERED,
)

# A number, encrypted. `role`: "caller", "dialled", or "callback" (the number to call instead, R-16).
# No other table stores a number. Equal numbers have the same `token` under one key.
NUMBER = table(
    "number",
    *keys("call", "exchange", "role"),
    *required("number"),
    *optional("token"),
    Index("ix_number_token", "token"),
    **CLUSTERED,
)

# The names of the keys under which numbers may be encrypted. The key file must contain them.
NUMBER_KEY = table("number_key", *keys("name"), **CLUSTERED)

# A measurement gap: a time span in which callmon received no events from an exchange.
GAP = table("gap", *keys("exchange"), *keys("began", kind=Moment), *required("ended", kind=Moment))

# By exchange, the time up to which all its events were received and stored.
HEARTBEAT = table("heartbeat", *keys("exchange"), *required("heard", kind=Moment))

# A counter as exported on /metrics. `figure` is its name and label values as a JSON list.
COUNTER = table("counter", *keys("figure"), *required("value", kind=Float), **CLUSTERED)

# One row: the number of the last committed batch, and the `token` of the writer that committed it.
# A writer reads from it whether a commit succeeded whose answer was lost. It also detects the writes of another
# program. `session`: on PostgreSQL, the session that holds the lease (`store/writer/write_lock.py`).
WRITER = table(
    "writer",
    Column("id", Integer, primary_key=True),
    *required("batch", kind=BigInteger),
    *required("token"),
    *optional("session"),
)

# Callbacks and disruptions.

# One entry of the ledger of callbacks: an event of one obligation. Append-only.
LEDGER = table(
    "ledger",
    *keys("obligation", "exchange"),
    *keys("n", kind=BigInteger),
    *required("at", kind=Moment),
    *required("kind"),
    *required("data", kind=Text),
    **CLUSTERED,
)

# The current state of an obligation, derived from its entries. `token` is a keyed hash of the number to call,
# `other` of the other number; neither is in `data`. `due` and `actionable` belong to the next step.
OBLIGATION = table(
    "obligation",
    *keys("id", "exchange"),
    *required("call", "kind", "opening", "line", "service", "language"),
    *optional("token", "other", "hidden"),
    *required("cautions"),
    *required("opened", kind=Moment),
    *optional("due", "due_business", "actionable", "settled", "acknowledged", kind=Moment),
    *required("state"),
    *optional("reason"),
    *required("count", "attempts", kind=Integer),
    *required("is_soon", "is_overdue", "is_live", kind=Boolean),
    *required("data", kind=Text),
    Index("ix_obligation_opened", "opened"),
    Index("ix_obligation_token", "token"),
    Index("ix_obligation_other", "other"),
    Index("ix_obligation_live", "is_live", "state"),
    **CLUSTERED,
)

# A contact with a caller, for the other pairs on this PostgreSQL (`store.pairs`). The writer deletes old ones.
CONTACT = table(
    "contact",
    *keys("call", "exchange", "kind"),
    *keys("at", kind=Moment),
    *required("n", kind=BigInteger),
    *required("token"),
    *required("data", kind=Text),
    Index("ix_contact_n", "n"),
    Index("ix_contact_token", "token"),
    Index("ix_contact_at", "at"),
    **CLUSTERED,
)

# A manual command on an obligation; the daemon applies them by `n`. Append-only; any program may insert.
HAND = table(
    "hand",
    *keys("n", kind=BigInteger),
    *required("at", kind=Moment),
    *required("actor", "action", "exchange", "obligation"),
    *required("data", kind=Text),
)

# One entry of the register of disruptions: an event of one disruption. Append-only.
DISRUPTION_ENTRY = table(
    "disruption_entry",
    *keys("disruption"),
    *keys("n", kind=BigInteger),
    *required("at", kind=Moment),
    *required("kind"),
    *required("data", kind=Text),
    **CLUSTERED,
)

# The current state of a disruption or of planned work, derived from its entries.
# `counts`: it is, or was, a disruption. `lines` has a space before and after each name, so that LIKE finds one.
DISRUPTION = table(
    "disruption",
    *keys("id"),
    *required("source", "exchange", "lines"),
    *required("began", kind=Moment),
    *optional("until", "announced", "ended", kind=Moment),
    *optional("how"),
    *required("counts", "is_live", kind=Boolean),
    *required("data", kind=Text),
    Index("ix_disruption_began", "began"),
    Index("ix_disruption_live", "is_live"),
)

# A manual command on a disruption; the daemon applies them by `n`. Append-only.
DISRUPTION_HAND = table(
    "disruption_hand",
    *keys("n", kind=BigInteger),
    *required("at", kind=Moment),
    *required("actor", "action", "disruption"),
    *required("data", kind=Text),
)

# Progress of the queues of manual commands: "hand" is the number of the last row of `hand` that the daemon
# applied; "disruption_hand" that of its table.
MARK = table("mark", *keys("name"), *required("value", kind=BigInteger), **CLUSTERED)

# Statements about lines, and sums.

# What a person states about a line after testing it, in the order of insertion. Append-only.
# `tested` is a local date (2026-11-20).
ATTESTATION = table(
    "attestation",
    Column("id", Integer, primary_key=True),
    *required("line", "subject", "tested", "by"),
    *required("is_so", kind=Boolean),
)

# How many calls of a line the exchange's own records and callmon counted on a local day (2026-11-24).
RECONCILIATION = table(
    "reconciliation",
    *keys("exchange", "day", "line"),
    *required("done", kind=Moment),
    *required("of_exchange", "of_callmon", kind=Integer),
    **CLUSTERED,
)

# A call of that day that only one side counted: "exchange" or "callmon".
RECONCILIATION_CALL = table(
    "reconciliation_call",
    *keys("exchange", "day", "call"),
    *required("line"),
    *required("arrived", kind=Moment),
    *required("counted_by"),
    **CLUSTERED,
)

# Aggregates of the ended calls of one local day, line, language and exchange (`store/rollups/update.py`).
# `day` is as 2026-10-31. `stored` counts all calls of the key, `calls` the public's inbound calls. Calls on no
# line have an empty line and language. `seal` is the sum of their rows' fingerprints in hexadecimal. `cell` is
# the counts and durations of `core/statistics/aggregates.py` as JSON.
ROLLUP = table(
    "rollup",
    *keys("day", "line", "language", "exchange"),
    *required("stored", "calls", kind=BigInteger),
    *required("seal"),
    *required("cell", kind=Text),
)

# One row: the state of `rollup`. `zone` is the time zone of its days, `version` the VERSION that built them. Calls
# that arrived before `until` (microseconds) are included.
ROLLUP_STATE = table(
    "rollup_state",
    Column("id", Integer, primary_key=True),
    *required("zone"),
    *required("version", "until", kind=BigInteger),
)

# A month's report, in one edition and revision, on its way to one recipient by e-mail. `stage`: "provisional" or
# "final". `copy`: 1, or more after a person sent it again. `state`: "waiting" for the attempt at `next`; "unknown"
# from just before the message is handed over; then "sent" or "failed". `fingerprint`: of the report's content.
REPORT_MAIL = table(
    "report_mail",
    *keys("month", "edition"),
    *keys("revision", kind=Integer),
    *keys("stage", "recipient"),
    *keys("copy", kind=Integer),
    *required("state", "fingerprint", "reason", "detail"),
    *required("attempts", kind=Integer),
    *required("since", "changed", "next", kind=Moment),
)

# The sign-off of monthly reports.

# A file of a report as it was signed, compressed (zlib). `month` is as 2026-10. Append-only.
SIGNED_FILE = table(
    "signed_file",
    *keys("month"),
    *keys("revision", kind=Integer),
    *keys("name"),
    *required("data", kind=LargeBinary),
)

# Who signed a file, when, at which step ("prepared", "verified", "approved"), and its SHA-256. Append-only.
SIGN_OFF = table(
    "sign_off",
    *keys("month"),
    *keys("revision", kind=Integer),
    *keys("step", "name"),
    *required("at", kind=Moment),
    *required("who", "sha256"),
)

# Accounts and accesses.

# A local account with a password hash (argon2). `roles` are separated by blanks.
ACCOUNT = table(
    "account",
    *keys("name"),
    *required("password", "roles"),
    *required("is_locked", kind=Boolean),
    *required("made", "changed", kind=Moment),
    **CLUSTERED,
)

# A session of a user. `id` is the hash of the cookie, so that a reader of this table cannot sign in.
# `source`: "account" takes the roles of the account; "oidc" the roles that the provider sent.
SESSION = table(
    "session",
    *keys("id"),
    *required("person", "source", "roles"),
    *required("made", "seen", kind=Moment),
    Index("ix_session_person", "person", "source"),
    Index("ix_session_made", "made"),
    **CLUSTERED,
)

# What a user saw or changed on a page, or tried to. Append-only, without a caller's number.
# Accesses to a number are in `access`.
AUDIT = table(
    "audit",
    Column("id", Integer, primary_key=True),
    *required("at", kind=Moment),
    *required("who", "act", "about", "address"),
    Index("ix_audit_at", "at"),
)

# One access to a number: actor (`who`), purpose, command, and how many calls it found. The row outlives the
# number. `token` is deleted with the number.
ACCESS = table(
    "access",
    Column("id", Integer, primary_key=True),
    *required("at", kind=Moment),
    *required("who", "purpose", "command"),
    *required("found", kind=Integer),
    *optional("token"),
    Index("ix_access_token", "token"),
)

# One disposal: time, actor (`who`), authority and counts. Contains no personal information; never deleted.
# `numbers` were unused since `unused_since`. Their `uses` lay between `first_use` and `last_use`.
DISPOSAL = table(
    "disposal",
    Column("id", Integer, primary_key=True),
    *required("at", kind=Moment),
    *required("who", "authority"),
    *required("unused_since", kind=Moment),
    *optional("first_use", "last_use", kind=Moment),
    *required("numbers", "uses", "files", kind=Integer),
)
