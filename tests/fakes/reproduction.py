"""Fakes of every port of the reproduction plugin. Commits, remotes and stages are in memory, clones on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from handrail.errors import InvalidInput, Refused, Unavailable, UnknownReference
from handrail.lineage import LockedFile, LockedStage, Member, tree_digest
from handrail.lineage.domain.locked import MD5_OF_TEXT
from handrail.reproduction import ports
from handrail.reproduction.domain.environments import RecordedPackages, read_pins
from handrail.reproduction.domain.numbers import numbers_apart
from handrail.reproduction.domain.recorded import CommitPlace, FetchedData
from handrail.reproduction.domain.results import Grade

LOCK = "dvc.lock"
Contents = Mapping[str, bytes]
"""The bytes of a file under the name "", or of the files of a folder by their paths below it."""


def contents(target: Path) -> Contents:
    """Read a file, or every file of a folder."""
    if target.is_file():
        return {"": target.read_bytes()}
    return {file.relative_to(target).as_posix(): file.read_bytes() for file in target.rglob("*") if file.is_file()}


def md5_of(held: Contents) -> str:
    """Return DVC's md5."""
    if "" in held:
        return hashlib.md5(held[""]).hexdigest()
    rows = [{"md5": hashlib.md5(held[path]).hexdigest(), "relpath": path} for path in sorted(held)]
    return hashlib.md5(json.dumps(rows).encode()).hexdigest() + ".dir"


@dataclass
class FakeCommits(ports.CommitSource):
    """Commits of one repository, each with its files by path."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    repository: str = "the repository"

    def holding(self, commits: Sequence[str]) -> tuple[CommitPlace, ...]:
        return tuple(CommitPlace(commit, self.repository) for commit in commits if commit in self.commits)

    def check_out(self, place: CommitPlace, folder: Path) -> Path:
        try:
            for path, content in self.commits[place.commit].items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        except OSError as err:
            raise Unavailable(str(folder), "it cannot be written", "Free the disk.") from err
        return folder

    def later(self, place: CommitPlace) -> tuple[CommitPlace, ...]:
        order = list(self.commits)
        pairs = zip(order, order[1:], strict=False)
        changed = [new for old, new in pairs if self.commits[old].get(LOCK) != self.commits[new].get(LOCK)]
        return tuple(replace(place, commit=new) for new in changed if order.index(new) > order.index(place.commit))

    def searched(self) -> tuple[str, ...]:
        return (self.repository,)


@dataclass
class FakeData(ports.DataSource):
    """One remote: contents by md5; `files` are tracked by every commit."""

    remote: dict[str, Contents] = field(default_factory=dict)
    files: tuple[LockedFile, ...] = ()

    def connect(self, project: Path, origin: Path) -> tuple[str, ...]:
        return ("remote",)

    def tracked(self, project: Path) -> tuple[LockedFile, ...]:
        return self.files

    def near(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        return FetchedData(tuple(file for file in files if file.md5 not in self.remote), 0)

    def fetch(self, project: Path, places: Sequence[str], files: Sequence[LockedFile]) -> FetchedData:
        there = [self.remote[file.md5] for file in files if file.md5 in self.remote]
        return FetchedData(
            self.near(project, places, files).missing, sum(len(b) for held in there for b in held.values())
        )

    def restore(self, project: Path, file: LockedFile, target: Path) -> None:
        for inner, content in self.remote[file.md5].items():
            if ".." in PurePosixPath(inner).parts or inner.startswith("/") or file.path.startswith("../"):
                raise InvalidInput("path", f"{inner!r} leads out of its folder", "Restore the data.")
            place = target / inner if inner else target
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


@dataclass
class FakeRunner(ports.StageRunner):
    """Stages as functions of the project's folder; its lock file is JSON. `ran` lists what ran, in order."""

    steps: dict[str, Callable[[Path], None]] = field(default_factory=dict)
    commits: FakeCommits = field(default_factory=lambda: FakeCommits())
    ran: list[str] = field(default_factory=list)

    def stages(self, place: CommitPlace) -> tuple[LockedStage, ...]:
        return self._read(self.commits.commits[place.commit].get(LOCK, b""))

    def _read(self, lock: bytes) -> tuple[LockedStage, ...]:
        try:
            return tuple(read_stage(row) for row in json.loads(lock or b"[]"))
        except (ValueError, TypeError, KeyError) as err:
            raise InvalidInput(LOCK, "it is not a lock file", "Restore it with git.") from err

    def fits(self, place: CommitPlace, stage: LockedStage) -> bool:
        held = self.commits.commits[place.commit]
        files = [file for file in stage.inputs if file.path in held]
        values = json.loads(stage.parameters)
        return all(md5_of({"": held[file.path]}) == file.md5 for file in files) and all(
            json.loads(held[file]).get(name) == value
            for file, named in values.items()
            if file in held
            for name, value in named.items()
        )

    def run(
        self, project: Path, stage: str, environment: Mapping[str, str], report: Callable[[str], None]
    ) -> LockedStage:
        report(f"Running stage {stage!r}")
        held = {one.name: one for one in self._read((project / LOCK).read_bytes())}
        if stage not in held:
            raise Unavailable(f"The stage {stage!r}", "it is not in dvc.yaml", "Correct that.")
        self.ran.append(stage)
        try:
            self.steps[stage](project)
        except RuntimeError as err:
            raise Unavailable(f"The stage {stage!r}", f"it failed: {err}", "Correct that; run it again.") from err
        held[stage] = locked(held[stage], project)
        (project / LOCK).write_bytes(lock_of(list(held.values())))
        return held[stage]

    def entry(self, project: Path, stage: str) -> LockedStage | None:
        lock = project / LOCK
        held = self._read(lock.read_bytes()) if lock.is_file() else ()
        return next((one for one in held if one.name == stage), None)


def locked(stage: LockedStage, project: Path) -> LockedStage:
    """Return the stage with the md5 that its inputs and outputs have now."""
    ins, outs = (
        tuple(LockedFile(file.path, md5_of(contents(project / file.path))) for file in files)
        for files in (stage.inputs, stage.outputs)
    )
    made = hashlib.sha256(repr((stage.name, stage.command, ins, outs)).encode()).hexdigest()
    return LockedStage(stage.name, made, stage.command, stage.parameters, ins, outs)


def lock_of(stages: Sequence[LockedStage]) -> bytes:
    """Return a lock file that the fake runner reads."""
    return json.dumps([asdict(stage) for stage in stages]).encode()


def read_stage(row: Mapping[str, Any]) -> LockedStage:
    """Read a stage of such a lock file."""
    ins, outs = (tuple(LockedFile(**each) for each in row[name]) for name in ("inputs", "outputs"))
    return LockedStage(row["name"], row["fingerprint"], row["command"], row["parameters"], ins, outs)


@dataclass
class FakePackages(ports.PackageList):
    """A commit's `requirements.lock`, and versions that every interpreter has."""

    versions: dict[str, str] = field(default_factory=dict)

    def recorded(self, project: Path, tree: Path | None, lock: str | None) -> RecordedPackages:
        if lock is not None and not (project / lock).is_file():
            raise UnknownReference("lock file", lock, "Name a file of that commit.")
        chosen = lock or "requirements.lock"
        if not (project / chosen).is_file():
            return RecordedPackages((), {})
        return RecordedPackages((chosen,), read_pins((project / chosen).read_text(), bool), chosen)

    def installed(self, python: Path) -> Mapping[str, str]:
        return {"python": "3.11.0"} | self.versions

    def install(self, lock: Path, folder: Path) -> Path:
        self.versions |= read_pins(lock.read_text(), bool)
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return python

    def import_roots(self, project: Path) -> tuple[Path, ...]:
        return (project / "src",) if (project / "src").is_dir() else ()


class PlainFiles(ports.FileComparer):
    """Files by their bytes, JSON by its numbers."""

    def digest(self, root: Path, file: LockedFile) -> str | None:
        held = contents(root / file.path)
        if file.hash_name == MD5_OF_TEXT:
            held = {path: content.replace(b"\r\n", b"\n") for path, content in held.items()}
        return md5_of(held) if (root / file.path).exists() else None

    def tree_digest(self, root: Path, path: str) -> str:
        held = {name: (root / name).read_bytes() for name in self.files(root, path)}
        members = [Member(n, md5_of({"": b}), hashlib.sha256(b).hexdigest(), len(b)) for n, b in held.items()]
        return tree_digest(members, path)

    def files(self, root: Path, path: str) -> tuple[str, ...]:
        target = root / path
        return tuple(sorted((target / n if n else target).relative_to(root).as_posix() for n in contents(target)))

    def copy(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)

    def compare(self, recorded: Path, reproduced: Path, tolerance: float) -> tuple[Grade, str]:
        one, other = recorded.read_bytes(), reproduced.read_bytes()
        if one == other:
            return Grade.BYTES, ""
        if recorded.suffix == ".json":
            apart = numbers_apart(json.loads(one), json.loads(other))
            return (Grade.WITHIN if apart.within(tolerance) else Grade.DIFFERS), apart.sentence
        return Grade.DIFFERS, "other bytes"


@dataclass
class FolderState:
    """What a work folder remembers."""

    identity: dict[str, str]
    done: tuple[str, ...] = ()
    finished: dict[str, object] | None = None
    taken: bool = False


class MemoryFolder(ports.WorkFolder):
    """A work folder; `states` is shared with later ones of the same path."""

    def __init__(self, path: Path, states: dict[Path, FolderState]) -> None:
        self._path, self._states = path, states
        self._mine = False

    @property
    def path(self) -> Path:
        return self._path

    @property
    def state(self) -> FolderState:
        return self._states[self._path]

    def open(self, identity: Mapping[str, str]) -> tuple[str, ...]:
        held = self._states.setdefault(self._path, FolderState(dict(identity)))
        refusals = {
            "Another process is reproducing there.": held.taken,
            "It holds a reproduction that is finished.": held.finished is not None,
            "It holds an interrupted reproduction of something else.": held.identity != dict(identity),
        }
        if why := next((sentence for sentence, refused in refusals.items() if refused), None):
            raise Refused(f"Reproducing in {self._path}", (why, "Name another folder."))
        held.taken = self._mine = True
        return held.done

    def mark(self, stage: str) -> None:
        self.state.done = tuple(sorted({*self.state.done, stage}))

    def finish(self, report: Mapping[str, object]) -> None:
        self.state.finished = dict(report)

    def remove(self) -> None:
        self._states.pop(self._path, None)
        shutil.rmtree(self._path, ignore_errors=True)

    def close(self) -> None:
        if self._mine and self._path in self._states:
            self.state.taken = False
        self._mine = False
