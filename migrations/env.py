"""Run the migrations on the connection that the caller hands over. Alembic loads this file.

Without a connection it writes the SQL, for SQLite, instead of running it.

`eventstore.sql` configures Alembic in code: there is no ini file, and a migration works
the same from a checkout and from an installed wheel.
"""

from alembic import context

from eventstore.sql.tables import metadata

attributes = context.config.attributes
options = attributes.get("options", {})
if context.is_offline_mode():
    context.configure(transaction_per_migration=True, **options)
else:
    # One transaction for each revision: killed in between, a store is at the old revision or
    # at the new one. On SQLite the caller's engine begins with BEGIN IMMEDIATE.
    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        transaction_per_migration=True,
        transactional_ddl=True,
        **options,
    )
with context.begin_transaction():
    context.run_migrations()
