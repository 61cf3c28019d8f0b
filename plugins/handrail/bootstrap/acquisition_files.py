"""Writes acquired tables as files, with lineage from each file, as every reader names it, back to its source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.acquisition import Acquiring, Opening
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.lineage import path_artifact
from handrail.errors import InvalidInput
from handrail.files import sha256_of
from handrail.lineage import ActivityDetails
from handrail.refs import ArtifactVersion
from handrail.settings import Settings
from handrail.tools import require

__all__ = ["Written", "record_folder", "record_taken", "write_acquired"]

EXTRA = "acquisition"
MOST_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Written:
    """A file with the rows of a table: where, how many, and its sha256."""

    path: str
    rows: int
    digest: str


def write_acquired(settings: Settings, acquiring: Acquiring, file: Path, as_of: datetime | None = None) -> Written:
    """Write what is known of a table, or was at a moment, as Parquet, and record in lineage where its rows came from.

    The file derives from the table at its digest, and that from the source, with how far it was read. A file of the
    project is recorded as the data of DVC that it is, too, so that what a stage makes of it leads back to the source.

    Raises:
        Unavailable: the folder cannot be written.
        InvalidInput: nothing was acquired of the table yet.
    """
    require("pyarrow", EXTRA)
    from handrail.acquisition.adapters.parquet_tables import write_table

    name, store = acquiring.table.name, acquiring.store
    table = store.table(name)
    if table is None:
        raise InvalidInput(name, "nothing of it was acquired yet", "Run handrail acquire first.")
    rows = write_table(store, table, file, as_of)
    manifest, _ = store.manifest(name, as_of)
    written = Written(_named(settings, file), rows, f"sha256:{sha256_of(file)}")
    known = ArtifactVersion(f"acquired://{name}@{manifest.digest}", "acquired-table", manifest.digest)
    position = json.dumps(store.position(name), default=str)[:MOST_SHOWN]
    used, said = _version(acquiring.opening)
    source = ArtifactVersion(acquiring.source.name, "source")
    shown = _file(settings, file, written.digest)
    with open_platform(settings) as platform:
        lineage = platform.lineage
        run = f"acquire://{name}@{manifest.digest}"
        how_far = ActivityDetails(attributes={"watermark": position} | said)
        lineage.record_activity(run, "acquisition", used=[source, *used], generated=[known], details=how_far)
        lineage.derive(shown, known)
        _derive_data(platform, file, [shown])
    return written


def record_folder(settings: Settings, folder: Path) -> None:
    """Record a folder of the project with the tables in it: a stage may read it as a whole."""
    with open_platform(settings) as platform:
        files = [_file(settings, file, f"sha256:{sha256_of(file)}") for file in sorted(folder.glob("*.parquet"))]
        _derive_data(platform, folder, files)


def record_taken(settings: Settings, table: Path, before: ArtifactVersion, file: Path) -> None:
    """Record that a table of the project was made of what it was before, and of a file with newer rows."""
    with open_platform(settings) as platform:
        _derive_data(platform, table, [before, _file(settings, file, f"sha256:{sha256_of(file)}")])


def _derive_data(platform: Platform, made: Path, causes: list[ArtifactVersion]) -> None:
    project = platform.settings.project.resolve()
    if made.resolve().is_relative_to(project):
        whole = path_artifact(platform.settings, project, made.resolve().relative_to(project).as_posix())
        for cause in causes:
            if cause.uri != whole.uri:
                platform.lineage.derive(whole, cause)


def _file(settings: Settings, file: Path, digest: str) -> ArtifactVersion:
    return ArtifactVersion(f"file://{_named(settings, file)}@{digest}", "file", digest)


def _named(settings: Settings, file: Path) -> str:
    """Return the path below the project, wherever the command runs; elsewhere as it was given."""
    project = settings.project.resolve()
    inside = file.resolve().is_relative_to(project)
    return file.resolve().relative_to(project).as_posix() if inside else file.as_posix()


def _version(opening: Opening) -> tuple[list[ArtifactVersion], dict[str, str]]:
    """Return the version before, whose rows were carried on, and what changed since: for lineage."""
    newest, tables = opening.newest(), opening.tables()
    if newest is None:
        return [], {}
    before = opening.store.manifest(tables[-2].name)[0]
    renamed = [f"{old!r} is called {new!r} now" for old, new in newest.renamed.items()]
    said = "; ".join([*map(str, newest.changes), *renamed])[:MOST_SHOWN]
    node = ArtifactVersion(f"acquired://{before.table}@{before.digest}", "acquired-table", before.digest)
    return [node], {"version": str(newest.number), "schema-change": said, "opened-by": newest.by}
