"""Opens what follows a stream: its readings online at once, and in the files that training reads soon after."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

from handrail.acquisition import Acquiring, Following, OnlineTable, Taken
from handrail.bootstrap import open_platform
from handrail.bootstrap.acquisition import find_table, open_acquired, open_acquiring, read_tables
from handrail.bootstrap.dvc_files import folder_md5, hash_file
from handrail.errors import InvalidInput
from handrail.lineage import ActivityDetails, Member, data_at, tree_digest
from handrail.refs import ArtifactVersion
from handrail.settings import Settings
from handrail.tools import require

__all__ = ["Wanted", "open_following", "open_online_table"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where readings of a stream go: a push source of a feature repository, a folder for files, or neither."""

    push: str | None = None
    repository: Path = Path("feature_repo")
    to: Path | None = None
    every: timedelta = timedelta(minutes=5)
    go_on: bool = False


@contextmanager
def open_following(  # noqa: PLR0913 - what is followed, where to, and three ways to speak with it
    settings: Settings,
    name: str,
    wanted: Wanted,
    say: Callable[[str], None],
    progress: Callable[[Taken], None],
    stopping: Event,
) -> Iterator[Following]:
    """Lend what follows one table of config/sources.yaml that is a stream. One process alone follows it.

    Raises:
        InvalidInput: the table is no stream.
        Refused: another process follows it on this machine.
        Misconfigured: the feature repository has no such push source, or as for `open_acquiring`.
    """
    if find_table(read_tables(settings).tables, name).stream is None:
        raise InvalidInput("--follow", f"the table {name!r} is no stream", "Run it without, as often as you need.")
    with ExitStack() as opened:
        acquiring = opened.enter_context(open_acquiring(settings, name, progress, go_on=wanted.go_on))
        if wanted.push:
            acquiring.online = opened.enter_context(open_online_table(settings, wanted.repository, wanted.push, say))
        write: Callable[[], object] = lambda: None  # noqa: E731 - the usual case of what follows
        if wanted.to is not None:
            require("pyarrow", "acquisition")
            write = _Parts(settings, acquiring, settings.project / wanted.to).write
        yield Following(acquiring, say, write, wanted.every.total_seconds(), stopping)


@contextmanager
def open_online_table(
    settings: Settings, repository: Path, source: str, say: Callable[[str], None] = lambda _: None
) -> Iterator[OnlineTable]:
    """Lend a push source of a feature repository; a relative one is below the project.

    `say` gets a sentence about rows that it cannot hold.
    """
    require("feast", "feast")
    require("pyarrow", "acquisition")
    from handrail.acquisition.adapters.feast_online_table import FeastOnlineTable
    from handrail.acquisition.adapters.sql_watermarks import SqlWatermarks

    with open_acquired(settings) as store:
        with _named(settings):
            online = FeastOnlineTable(settings.project / repository, source, SqlWatermarks(store), say)
        try:
            yield online
        finally:
            online.close()


@contextmanager
def _named(settings: Settings) -> Iterator[None]:
    """Set the variables that feature_store.yaml of the reference project names, for as long as it is read."""
    wanted = {"HANDRAIL_PROJECT": str(settings.project), "HANDRAIL_HOME": str(settings.home)}
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ |= added
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


class _Parts:
    """The files of a table, a folder for each of its versions, and lineage from them to its source."""

    def __init__(self, settings: Settings, acquiring: Acquiring, folder: Path) -> None:
        self._settings, self._acquiring, self._folder = settings, acquiring, folder
        self._hashed: dict[str, tuple[int, int, Member]] = {}
        self._recorded: dict[str, int] = {}

    def write(self) -> None:
        """Write what came, and record what the folders hold now, unless nothing came."""
        from handrail.acquisition.adapters.parquet_parts import write_parts

        for table in self._acquiring.opening.tables():
            held = self._recorded.get(table.name)
            if held is not None and not self._acquiring.store.arrived(table.name, held, 1):
                continue
            rows = write_parts(self._acquiring.store, table, self._folder / table.name)
            self._record(table.name, rows)
            self._recorded[table.name] = rows

    def _record(self, name: str, rows: int) -> None:
        project, folder = self._settings.project, self._folder / name
        inside = folder.is_relative_to(project)
        root = folder.relative_to(project).as_posix() if inside else folder.as_posix()
        members = tuple(self._member(file, f"{root}/{file.name}") for file in sorted(folder.glob("*.parquet")))
        sha256 = tree_digest(members, root).partition(":")[2]
        if inside:
            made = data_at(self._settings.repository, root, folder_md5(members, root), sha256)
        else:
            made = ArtifactVersion(f"file://{root}@sha256:{sha256}", "file", f"sha256:{sha256}")
        attributes = {"rows": str(rows)}
        newest = self._acquiring.store.arrived(name, rows - 1, 1) if rows else ()
        if newest:
            attributes["watermark"] = newest[0].came_at.isoformat()
        with open_platform(self._settings) as platform:
            platform.lineage.record_activity(
                f"acquire://{name}@{sha256}",
                "acquisition",
                used=[ArtifactVersion(self._acquiring.source.name, "source")],
                generated=[made],
                details=ActivityDetails(attributes=attributes),
            )

    def _member(self, file: Path, path: str) -> Member:
        """Hash a file, unless it was hashed as it is."""
        stat = file.stat()
        known = self._hashed.get(path)
        if known is None or known[:2] != (stat.st_ino, stat.st_mtime_ns):
            known = self._hashed[path] = (stat.st_ino, stat.st_mtime_ns, hash_file(file, path))
        return known[2]
