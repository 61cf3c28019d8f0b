"""Brings recorded data into a fresh clone of a DVC project: from the remote, else from the caches of known clones."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from handrail.errors import InvalidInput, Unavailable
from handrail.files import unwritable
from handrail.lineage import LockedFile
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.lock_files import files_in
from handrail.lineage.adapters.dvc.tracked import parse_dvc_file
from handrail.reproduction.adapters.work_folder import ANOTHER_FOLDER
from handrail.reproduction.domain.recorded import FetchedData
from handrail.reproduction.ports import DataSource
from handrail.tools import require

CONFIG, LOCAL = ".dvc/config", ".dvc/config.local"
OBJECTS = Path("files") / "md5"
BORROWED = "handrail-cache"
FOLDER = ".dir"
Sections = Mapping[str, Mapping[str, str]]


class DvcData(DataSource):
    """Data by DVC, in the environment of the reproduction."""

    def __init__(self, neighbours: Sequence[Path] = ()) -> None:
        """Take from the caches of `neighbours` (other checkouts of the project) what the remote lacks."""
        self._neighbours = tuple(neighbours)

    def connect(self, project: Path, origin: Path) -> tuple[str, ...]:
        """Let the clone `project` use the remotes of the checkout `origin`, and its own cache.

        Returns the names of the places that data is taken from, the default remote first.

        Raises:
            Unavailable: DVC is not installed, or the settings cannot be written.
        """
        require("dvc", "dvc")
        own, there = _read(project / CONFIG), origin / ".dvc"
        sections = {name: dict(values) for name, values in (_read(there / "config") | own).items()}
        for name, values in _read(there / "config.local").items():
            sections.setdefault(name, {}).update(values)
        remotes = {name: _resolved(values, there) for name, values in sections.items() if name.startswith("'remote \"")}
        default = sections.get("core", {}).get("remote")
        for number, cache in enumerate(self._caches(origin, sections)):
            remotes[f"'remote \"{BORROWED}-{number}\"'"] = {"url": str(cache)}
        settings = {"core": {"remote": default} if default else {}, "cache": {"dir": "cache"}, **remotes}
        _write(project / LOCAL, settings)
        borrowed = [name.split('"')[1] for name in remotes if BORROWED in name]
        return (*((default,) if default else ()), *borrowed)

    def tracked(self, project: Path) -> tuple[LockedFile, ...]:
        """Return what `.dvc` files of the clone track, by path relative to it."""
        return tuple(_trackers(project))

    def near(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Return what none of the places on this machine holds, and in `message` the places elsewhere."""
        urls = {place: _read(project / LOCAL).get(f"'remote \"{place}\"'", {}).get("url", "") for place in places}
        folders = [Path(url) for url in urls.values() if url and "://" not in url]
        missing = tuple(file for file in files if not any(_held(folder / OBJECTS, file) for folder in folders))
        message = ", ".join(url for url in urls.values() if "://" in url)
        return FetchedData(missing, 0, message)

    def fetch(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Bring files into the clone's cache, from one place after the other until nothing is missing."""
        missing, message = _missing(project, files), ""
        # By its own file: DVC does not find outputs in folders that git ignores.
        named = {file: str(tracker.relative_to(project)) for file, tracker in _trackers(project).items()}
        for place in places:
            if not missing:
                break
            targets = sorted({named.get(file, file.path) for file in missing})
            message = _dvc(project, "fetch", "--quiet", "--remote", place, *targets) or message
            missing = _missing(project, files)
        return FetchedData(missing, sum(_size(project, file) for file in files), message)

    def restore(self, project: Path, file: LockedFile, target: Path) -> None:
        """Copy a fetched file or folder to `target`.

        Raises:
            Unavailable: the disk does not take it.
            InvalidInput: its path, or that of a file in it, leads out of where it belongs.
        """
        with unwritable(Path(file.path), ANOTHER_FOLDER):
            for inner, md5 in _parts(_cache(project), file):
                _check_inside(file.path, inner)
                place = target / inner if inner else target
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                shutil.copyfile(_place(_cache(project), md5), place)

    def _caches(self, origin: Path, sections: Sections) -> list[Path]:
        named = sections.get("cache", {}).get("dir")
        found = [origin / ".dvc" / named if named else origin / ".dvc" / "cache"]
        found += [neighbour / ".dvc" / "cache" for neighbour in self._neighbours]
        return [cache for cache in dict.fromkeys(map(Path.resolve, found)) if (cache / OBJECTS).is_dir()]


def _trackers(project: Path) -> dict[LockedFile, Path]:
    """Return what `.dvc` files track, with the file that does."""
    files = (file for file in project.rglob("*.dvc") if file.is_file() and ".dvc" not in file.parts[:-1])
    return {found: file for file in sorted(files) for found in _tracked(project, file)}


def _tracked(project: Path, file: Path) -> Iterator[LockedFile]:
    with suppress(OSError, InvalidInput):
        yield from files_in(
            parse_dvc_file(file.relative_to(project).as_posix(), file.read_bytes(), Place(project)).outputs
        )


def _read(file: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    if file.is_file():
        parser.read(file, encoding="utf-8")
    return {name: dict(parser[name]) for name in parser.sections()}


def _resolved(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Make a relative address of a remote absolute: it is relative to the folder of its settings."""
    url = values.get("url", "")
    local = url and "://" not in url and not Path(url).is_absolute()
    return {**values, "url": str((folder / url).resolve())} if local else dict(values)


def _write(file: Path, sections: Sections) -> None:
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"    {key} = {value}" for key, value in values.items())]
    try:
        # Remotes may bring secrets.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join([*lines, ""]))
    except OSError as err:
        raise Unavailable(str(file), (err.strerror or str(err)).lower(), "Is that a DVC project?") from err


def _dvc(project: Path, *arguments: str) -> str:
    """Run DVC; return the last line of its error output."""
    own = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / ".dvc" / "tmp" / "site")}
    run = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    message = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
    return message[-1].removeprefix("ERROR: ").rstrip(".") if run.returncode and message else ""


def _held(objects: Path, file: LockedFile) -> bool:
    return all(_place(objects, md5).is_file() for _, md5 in _known(objects, file))


def _missing(project: Path, files: Sequence[LockedFile]) -> tuple[LockedFile, ...]:
    return tuple(file for file in files if not _held(_cache(project), file))


def _known(objects: Path, file: LockedFile) -> list[tuple[str, str]]:
    """Return the objects that a file or folder consists of; of a folder whose list is missing, the list itself."""
    try:
        # A file consists of itself alone, and counts once.
        return list(dict.fromkeys([*_parts(objects, file), ("", file.md5)]))
    except (OSError, ValueError, KeyError, TypeError):
        return [("", file.md5)]


def _parts(objects: Path, file: LockedFile) -> list[tuple[str, str]]:
    if not file.md5.endswith(FOLDER):
        return [("", file.md5)]
    rows = json.loads(_place(objects, file.md5).read_bytes())
    return [(str(row["relpath"]), str(row["md5"])) for row in rows]


def _check_inside(*paths: str) -> None:
    """Refuse paths that lead to other files: a commit and a remote may come from anybody."""
    for path in paths:
        if os.path.isabs(path) or os.path.normpath(path).split(os.sep)[0] == os.pardir:
            raise InvalidInput(path, "it leads out of its folder", "Correct it in the commit; nothing was written.")


def _size(project: Path, file: LockedFile) -> int:
    objects = _cache(project)
    found = (_place(objects, md5) for _, md5 in _known(objects, file))
    return sum(place.stat().st_size for place in found if place.is_file())


def _cache(project: Path) -> Path:
    return project / ".dvc" / "cache" / OBJECTS


def _place(objects: Path, md5: str) -> Path:
    return objects / md5[:2] / md5[2:]
