"""The write path: the only way by which outcomes get into the database.

    event loop ── offer ──▶ waiting (memory, at most 100 ms; a standby's buffer)
                               │ appender, a thread: one record, encrypted, fsynced
                               ▼
                            outbox (a file): numbered records that are not known to be committed
                               │ writer, a thread: reads after the database's last number
                               ▼
                            transaction: write lock or lease, idempotent by number, bisects a rejected value
                               │ committed: counters published, outbox truncated
                               ▼
                            database

`outbox` states the invariant between its file and the database.
"""
