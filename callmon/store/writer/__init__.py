"""The write path: outbox, writer process, lease, idempotent transactions."""
