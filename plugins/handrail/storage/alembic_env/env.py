"""Alembic's environment for all plugins: runs on the connection that `migrate` holds open."""

from alembic import context

configuration = context.config.attributes
context.configure(
    connection=configuration["connection"],
    version_table=configuration["version_table"],
    transactional_ddl=False,  # `migrate` holds the transaction around all of it
)
context.run_migrations()
