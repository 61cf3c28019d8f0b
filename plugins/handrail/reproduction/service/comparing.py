"""Compares what was pulled and what was made again with what a lock file says, file by file where it differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.recorded import Recorded
from handrail.reproduction.domain.results import Compared, Grade, Part
from handrail.reproduction.ports import FileComparer

MODEL_FILE = "MLmodel"
GONE = "missing"


class Comparer:
    """Compares by digests, and explains differences by bytes."""

    def __init__(self, files: FileComparer) -> None:
        self._files = files

    def inputs(self, project: Path, stage: str, outside: Sequence[LockedFile], tracked: set[str]) -> Iterator[Compared]:
        """Compare what a stage read, and no stage wrote, with the clone; without a stage, what none says it reads.

        `tracked` are the paths that `.dvc` files track.
        """
        for file in outside:
            yield self._read(stage, Part.INPUT if file.path in tracked else Part.CODE, project, file)

    def pulled(self, recorded: Path, stage: LockedStage) -> Iterator[Compared]:
        """Name recorded outputs whose bytes are not those that the lock names: nothing can be compared with them."""
        for file in stage.outputs:
            if (recorded / file.path).exists():
                found = self._read(stage.name, Part.INPUT, recorded, file)
                if found.grade is not Grade.BYTES:
                    yield found

    def tree(self, recorded: Path, stage: str, model: Recorded) -> Iterator[Compared]:
        """Name the recorded model if its bytes are not those of the version."""
        if not (recorded / model.path).is_dir():
            return
        digest = self._files.tree_digest(recorded, model.path)
        if digest != model.tree:
            holder = "MLflow holds" if model.logged else "dvc.lock names"
            detail = f"{holder} another tree than the version has"
            yield Compared(stage, Part.INPUT, model.path, model.tree, digest, Grade.DIFFERS, detail)

    def stage(
        self, runs: tuple[LockedStage, LockedStage], roots: tuple[Path, Path], model: Recorded, tolerance: float
    ) -> list[Compared]:
        """Compare a stage's recorded run with its new one: parameters and command, then each output of either."""
        then, now = runs
        found = [*_parameters(then, now), *_outside(then, now)]
        made = {file.path: file for file in now.outputs}
        for file in then.outputs:
            part = self._part(roots, file.path, model)
            digest = self._digest(made.get(file.path), file, roots[1])
            grade, detail = Grade.BYTES, ""
            if digest != file.md5:
                grade, detail = self._explain(roots, file.path, tolerance)
            found.append(Compared(then.name, part, file.path, file.md5, digest, grade, detail))
        for path in sorted(made.keys() - {file.path for file in then.outputs}):
            part, detail = self._part(roots, path, model), "the recorded run did not make it"
            found.append(Compared(then.name, part, path, GONE, made[path].md5, Grade.DIFFERS, detail))
        return found

    def logged(self, stage: str, roots: tuple[Path, Path], model: Recorded, tolerance: float) -> Compared:
        """Compare the model that a stage logged with the one that was logged now."""
        digest, grade, detail = self._files.tree_digest(roots[1], model.path), Grade.BYTES, ""
        if digest != model.tree:
            grade, detail = self._explain(roots, model.path, tolerance)
        return Compared(stage, Part.MODEL, model.path, model.tree, digest, grade, detail)

    def unevenness(self, recorded: Path, reproduced: Path, tolerance: float) -> int:
        """Return how many files of two folders differ, or are in one of them alone."""
        then, now = (set(self._files.files(root, "")) for root in (recorded, reproduced))
        grades = (self._files.compare(recorded / name, reproduced / name, tolerance)[0] for name in then & now)
        return len(then ^ now) + sum(grade is Grade.DIFFERS for grade in grades)

    def _read(self, stage: str, part: Part, root: Path, file: LockedFile) -> Compared:
        digest = self._files.digest(root, file)
        if digest == file.md5:
            return Compared(stage, part, file.path, file.md5, digest, Grade.BYTES)
        detail = "it was trained with changes that are not in the commit" if part is Part.CODE else ""
        detail = detail or "what was pulled has other bytes than were recorded"
        return Compared(stage, part, file.path, file.md5, digest or GONE, Grade.DIFFERS, detail)

    def _digest(self, made: LockedFile | None, recorded: LockedFile, root: Path) -> str:
        """Return the hash of what was made again, taken as the recorded one: DVC 3 names the outputs of DVC 2 anew."""
        if made is None:
            return GONE
        return made.md5 if made.hash_name == recorded.hash_name else self._files.digest(root, recorded) or GONE

    def _part(self, roots: tuple[Path, Path], path: str, model: Recorded) -> Part:
        if any((root / path / MODEL_FILE).is_file() for root in roots):
            return Part.MODEL
        if path in model.training_sets:
            return Part.FEATURES
        return Part.METRICS if path.endswith(".json") else Part.DATA

    def _explain(self, roots: tuple[Path, Path], path: str, tolerance: float) -> tuple[Grade, str]:
        """Compare file by file; the first that differs is described, the others are counted."""
        recorded, reproduced = roots
        if not (recorded / path).exists():
            return Grade.DIFFERS, "the recorded bytes are not available"
        then, now = (set(self._files.files(root, path)) for root in roots)
        uneven: list[tuple[str, Grade, str]] = []
        for name in sorted(then | now):
            if name not in then or name not in now:
                uneven.append((name, Grade.DIFFERS, "it is there on one side only"))
                continue
            grade, detail = self._files.compare(recorded / name, reproduced / name, tolerance)
            if grade is not Grade.BYTES:
                uneven.append((name, grade, detail))
        if not uneven:
            return Grade.DIFFERS, "the bytes on disk are equal, the digests are not"
        uneven.sort(key=lambda one: (one[1] is not Grade.DIFFERS, one[0]))
        name, grade, detail = uneven[0]
        rest = f"; {len(uneven) - 1} more of {len(then | now)} files differ" if len(uneven) > 1 else ""
        return grade, (detail if name == path else f"{name.removeprefix(f'{path}/')}: {detail}") + rest


def _parameters(then: LockedStage, now: LockedStage) -> Iterator[Compared]:
    """Name the parameters and the command with which the stage ran again, if they are others."""
    if then.command != now.command:
        yield Compared(then.name, Part.PARAMETERS, "dvc.yaml: cmd", then.command, now.command, Grade.DIFFERS)
    here, there = _flat(then.parameters), _flat(now.parameters)
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            values = here.get(name, GONE), there.get(name, GONE)
            yield Compared(then.name, Part.PARAMETERS, name, *values, Grade.DIFFERS)


def _outside(then: LockedStage, now: LockedStage) -> Iterator[Compared]:
    """Name data elsewhere of which the stage now saw another version."""
    versions = {data.address: data.version for data in now.outside}
    for data in then.outside:
        version = versions.get(data.address, GONE)
        if data.version and version != data.version:
            detail = f"it has the version {version} now, and had {data.version}"
            yield Compared(then.name, Part.INPUT, data.address, data.version, version, Grade.DIFFERS, detail)


def _flat(parameters: str) -> Mapping[str, str]:
    """Return each parameter's value as text by its file and name."""
    files: dict[str, dict[str, Any]] = json.loads(parameters)
    return {
        f"{file}: {name}": json.dumps(value, sort_keys=True)
        for file, values in files.items()
        for name, value in values.items()
    }
