"""Brings a plugin's tables to their newest revision. Each plugin has scripts and a version table of its own."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from handrail.errors import Misconfigured
from handrail.storage.engine import Store

ENV_SCRIPT = Path(__file__).parent / "alembic_env"


def migrate(store: Store, plugin: str, scripts: Path) -> None:
    """Apply the revisions in `scripts` (a folder of Alembic revision files) that the store lacks.

    Safe to call at each start and from several processes at once. Revision ids must be unique across plugins.

    Raises:
        Misconfigured: the store was written by a newer release.
    """
    # Imported late: what only verifies permits or asks a server never gets here, and Alembic is slow to import.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(ENV_SCRIPT))
    config.set_main_option("version_locations", str(scripts))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = f"{plugin}_version"
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    with store.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"handrail.{plugin}"})
        _refuse_newer(connection, plugin, known)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(connection: Connection, plugin: str, known: set[str]) -> None:
    if not connection.dialect.has_table(connection, f"{plugin}_version"):
        return
    held = set(connection.execute(text(f"select version_num from {plugin}_version")).scalars())
    if held - known:
        raise Misconfigured(
            f"The {plugin} tables",
            f"their revision {sorted(held - known)[0]!r} is newer than this release",
            "Install the newer Handrail again, or restore a backup.",
        )
