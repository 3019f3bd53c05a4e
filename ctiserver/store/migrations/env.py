"""Alembic's entry: runs the migrations on the connection that ctiserver.store.database hands in."""

from alembic import context

from ctiserver.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
