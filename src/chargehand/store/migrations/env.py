"""Run by Alembic: applies revisions in the transaction that the caller has begun."""

from alembic import context

from chargehand.store.engine.schema import VERSION_TABLE
from chargehand.store.engine.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
