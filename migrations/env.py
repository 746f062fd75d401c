"""Run the migrations on the connection that the caller hands over. Alembic loads this file.

Without a connection it writes the SQL, for SQLite, instead of running it.

`eventstore.sql` configures Alembic in code: there is no ini file, and a migration works
the same from a checkout and from an installed wheel.
"""

from alembic import context

from eventstore.sql.tables import metadata

# One transaction for each revision: killed in between, a store is at the old revision or
# at the new one. The caller's engine begins with BEGIN IMMEDIATE.
context.configure(
    connection=context.config.attributes["connection"],
    dialect_name="sqlite" if context.is_offline_mode() else None,
    target_metadata=metadata,
    transaction_per_migration=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
