"""Opens what erases subjects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.bootstrap import Platform
from handrail.bootstrap.feedback import open_compaction, open_spool
from handrail.bootstrap.feedback_subjects import open_erasures, open_texts, subject_reference
from handrail.feedback.service.erasing import Copies, Eraser, ErasureReport
from handrail.feedback.service.retaining import Retention
from handrail.storage import Store

if TYPE_CHECKING:
    from handrail.feedback.erasure_ports import Leftovers

__all__ = ["ErasureReport", "open_eraser", "open_retention"]


def open_eraser(platform: Platform, also: Sequence[Path] = ()) -> Eraser:
    """Open what erases subjects of a project; `also` are files and folders to search beside its home.

    Raises:
        Misconfigured: config/feedback.yaml or a key cannot be used, or a newer release wrote the tables.
    """
    from handrail.feedback.adapters.byte_search import FolderLeftovers
    from handrail.feedback.adapters.pyarrow_part_names import PyarrowPartNames
    from handrail.feedback.adapters.spool_erasing import SpoolFolder
    from handrail.feedback.adapters.sql_exports import SqlExports
    from handrail.feedback.adapters.sql_parts import SqlParts

    settings, store, log = platform.settings, platform.store, platform.feedback
    exports = SqlExports(store)
    folders = FolderLeftovers([settings.home, *also, *(Path(each.path) for each in exports.all())])
    copies = Copies(
        parts=SqlParts(store),
        names=PyarrowPartNames(settings.home / "feedback"),
        compaction=open_compaction(settings, store),
        spool=SpoolFolder(settings.home / "spool"),
        exports=exports,
        texts=open_texts(settings, store),
        places=[_database(store), folders],
    )
    spool = open_spool(settings)
    return Eraser(
        log=log,
        book=open_erasures(settings, store),
        copies=copies,
        drain=lambda: spool.drain(log.record_predictions),
        name_of=lambda subject: subject_reference(subject, settings),
    )


def open_retention(platform: Platform) -> Retention:
    """Open what removes texts that were kept long enough.

    Raises:
        Misconfigured: config/feedback.yaml cannot be used, or a newer release wrote the tables.
    """
    from handrail.feedback.adapters.yaml_kinds import read_kept

    settings = platform.settings
    log = platform.feedback  # opened, so that the tables are there
    kept = {name: length for name, length in read_kept(settings.config / "feedback.yaml").items() if name in log.kinds}
    return Retention(open_texts(settings, platform.store), kept, [_database(platform.store)])


def _database(store: Store) -> Leftovers:
    from handrail.feedback.adapters.sql_leftovers import PostgresqlLeftovers, SqliteLeftovers

    return SqliteLeftovers(store) if store.engine.dialect.name == "sqlite" else PostgresqlLeftovers(store)
