"""The script that alembic runs. It uses the given connection; the whole upgrade is one transaction."""

from alembic import context

from callmon.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # works on SQLite, since the connection begins its transactions itself
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
