"""Brings recorded data into a fresh clone of a DVC project: from the caches of known clones, else from a remote."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from handrail.errors import InvalidInput, Unavailable
from handrail.files import unwritable
from handrail.lineage import LockedFile
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.ignored import DVC, root_of
from handrail.lineage.adapters.dvc.lock_files import files_in, locked_stages
from handrail.lineage.adapters.dvc.settings import cached_object, read_settings
from handrail.lineage.adapters.dvc.tracked import read_dvc_files
from handrail.lineage.adapters.dvc.trees import TreeOnDisk
from handrail.reproduction.adapters.dvc_objects import borrow, holds, parts_of, size_of
from handrail.reproduction.adapters.work_folder import ANOTHER_FOLDER
from handrail.reproduction.domain.recorded import FetchedData
from handrail.reproduction.ports import DataSource
from handrail.tools import require

CONFIG, LOCAL = "config", "config.local"


class DvcData(DataSource):
    """Data by DVC, in the environment of the reproduction."""

    def __init__(self, neighbours: Sequence[Path] = ()) -> None:
        """Take from the caches of `neighbours` (other checkouts of the project) too."""
        self._neighbours = tuple(neighbours)

    def connect(self, project: Path, origin: Path) -> tuple[str, ...]:
        """Let the clone `project` use the remotes of the checkout `origin`, and its own cache.

        Returns the places that data is taken from: the folders of caches, which need no network, then the names of
        remotes, the default one first.

        Raises:
            Unavailable: DVC is not installed, or the settings cannot be written.
        """
        require("dvc", "dvc")
        here, there = root_of(project) / DVC, root_of(origin) / DVC
        sections = {name: dict(values) for name, values in (_read(there / CONFIG) | _read(here / CONFIG)).items()}
        for name, values in _read(there / LOCAL).items():
            sections.setdefault(name, {}).update(values)
        remotes = {name: _resolved(values, there) for name, values in sections.items() if name.startswith("'remote \"")}
        default = sections.get("core", {}).get("remote")
        settings = {"core": {"remote": default} if default else {}, "cache": {"dir": "cache"}, **remotes}
        _write(here / LOCAL, settings)
        known = read_settings(project)
        names = sorted(known.remotes, key=lambda name: (name != known.default, name))
        return (*map(str, self._caches(project, origin)), *names)

    def tracked(self, project: Path) -> tuple[LockedFile, ...]:
        """Return what `.dvc` files of the clone track, by path relative to it."""
        return tuple(file for _, file in _trackers(project))

    def near(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Return what none of the places on this machine holds, and in `message` the places elsewhere."""
        remotes = read_settings(project).remotes
        addresses = [remotes.get(place, place) for place in places]
        folders = [Path(address) for address in addresses if "://" not in address]
        missing = tuple(file for file in files if not any(holds(folder, file) for folder in folders))
        return FetchedData(missing, 0, ", ".join(address for address in addresses if "://" in address))

    def fetch(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        """Bring files into the clone's cache, from one place after the other until nothing is missing."""
        cache, message = read_settings(project).cache, ""
        for place in places:
            missing = [file for file in files if not holds(cache, file)]
            if not missing:
                break
            if os.path.isabs(place):
                with unwritable(cache, ANOTHER_FOLDER):
                    for file in missing:
                        borrow(Path(place), cache, file)
            elif targets := _targets(project, missing):
                message = _dvc(project, "fetch", "--quiet", "--remote", place, *targets) or message
        missing = [file for file in files if not holds(cache, file)]
        return FetchedData(tuple(missing), sum(size_of(cache, file) for file in files), message)

    def restore(self, project: Path, file: LockedFile, target: Path) -> None:
        """Copy a fetched file or folder to `target`.

        Raises:
            Unavailable: the disk does not take it.
            InvalidInput: its path, or that of a file in it, leads out of where it belongs.
        """
        with unwritable(Path(file.path), ANOTHER_FOLDER):
            cache = read_settings(project).cache
            for inner, part in parts_of(cache, file):
                _check_inside(file.path, inner)
                place = target / inner if inner else target
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                shutil.copyfile(cached_object(cache, part), place)

    def _caches(self, project: Path, origin: Path) -> list[Path]:
        own = read_settings(project).cache
        found = dict.fromkeys(read_settings(place).cache.resolve() for place in (origin, *self._neighbours))
        return [cache for cache in found if cache.is_dir() and cache != own.resolve()]


def _trackers(project: Path) -> Iterator[tuple[str, LockedFile]]:
    """Yield what `.dvc` files track, after the name of the file that does."""
    for one in read_dvc_files(TreeOnDisk(project), _place(project)):
        yield from ((one.name, file) for file in files_in(one.outputs))


def _targets(project: Path, files: Sequence[LockedFile]) -> list[str]:
    """Return what tracks or makes the files: DVC does not find a path in a folder that git ignores."""
    stages = locked_stages(TreeOnDisk(project), _place(project))
    makers = [(stage.name, file) for stage in stages for file in stage.outputs]
    return sorted({name for name, file in (*_trackers(project), *makers) if file in files})


def _place(project: Path) -> Place:
    return Place(project, prefix=GitCommits(project).prefix)


def _read(file: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as err:
        problem = f"it cannot be read: {str(err).splitlines()[0].rstrip('.')}"
        raise InvalidInput(str(file), problem, "Correct it, or restore it with git.") from err
    return {name: dict(parser[name]) for name in parser.sections()}


def _resolved(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Make a relative address of a remote absolute: it is relative to the folder of its settings."""
    url = values.get("url", "")
    local = url and "://" not in url and not Path(url).is_absolute()
    return {**values, "url": str((folder / url).resolve())} if local else dict(values)


def _write(file: Path, sections: Mapping[str, Mapping[str, str]]) -> None:
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


def _check_inside(*paths: str) -> None:
    """Refuse paths that lead to other files: a commit and a remote may come from anybody."""
    for path in paths:
        if os.path.isabs(path) or os.path.normpath(path).split(os.sep)[0] == os.pardir:
            raise InvalidInput(path, "it leads out of its folder", "Correct it in the commit; nothing was written.")
