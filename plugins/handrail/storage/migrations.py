"""Brings a plugin's tables to their newest revision. Each plugin has its own scripts and version table."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from handrail.errors import Misconfigured
from handrail.storage.engine import Store

# Alembic keeps what it works on in its own modules: one thread of a process at a time.
_ONE_THREAD = threading.Lock()
ENV_SCRIPT = Path(__file__).parent / "alembic_env"
_REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*= *[\"'](\w+)[\"'] *$", re.MULTILINE)


def migrate(store: Store, plugin: str, scripts: Path) -> None:
    """Apply the revisions in `scripts` (a folder of Alembic revision files) that the store lacks.

    Safe to call at each start, from several threads and processes at once. Revision ids must be unique across plugins.

    Raises:
        Misconfigured: the store was written by a newer release.
    """
    if _is_current(store, plugin, scripts):
        return
    # Imported late: Alembic is slow to import, and tables are up to date at nearly every start. It logs as it loads.
    with _quiet():
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(ENV_SCRIPT))
    config.set_main_option("version_locations", str(scripts))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = f"{plugin}_version"
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    with _ONE_THREAD, store.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"handrail.{plugin}"})
        _refuse_newer(connection, plugin, known)
        config.attributes["connection"] = connection
        with _quiet():
            command.upgrade(config, "head")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Alembic's progress out of the log of the tool that opens the store first; warnings stay."""
    log = logging.getLogger("alembic")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


def _is_current(store: Store, plugin: str, scripts: Path) -> bool:
    """Return whether the store is at the newest revision, by reading the scripts as text; False if that is unclear."""
    head = _head(scripts)
    with store.read() as connection:
        return head is not None and _held(connection, plugin) == {head}


def _head(scripts: Path) -> str | None:
    """Return the one revision that no other one follows; None unless every script names itself in a plain line."""
    revisions = [dict(_REVISION.findall(file.read_text(encoding="utf-8"))) for file in scripts.glob("*.py")]
    followed = {each.get("down_revision") for each in revisions}
    heads = [each.get("revision") for each in revisions if each.get("revision") not in followed]
    return heads[0] if len(heads) == 1 and all("revision" in each for each in revisions) else None


def _held(connection: Connection, plugin: str) -> set[str]:
    if not connection.dialect.has_table(connection, f"{plugin}_version"):
        return set()
    return set(connection.execute(text(f"select version_num from {plugin}_version")).scalars())


def _refuse_newer(connection: Connection, plugin: str, known: set[str]) -> None:
    held = _held(connection, plugin)
    if held - known:
        raise Misconfigured(
            f"The {plugin} tables",
            f"their revision {sorted(held - known)[0]!r} is newer than this release",
            "Install the newer Handrail again, or restore a backup.",
        )
