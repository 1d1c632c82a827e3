"""What Alembic runs: the steps, inside the transaction that `storage.journal.migrating` has begun."""

from alembic import context

from storage.journal.tables import SCHEMA

context.configure(connection=context.config.attributes["connection"], target_metadata=SCHEMA)
context.run_migrations()
