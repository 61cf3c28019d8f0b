"""Reads the last run of a DVC pipeline from dvc.lock, the project files and git. DVC itself is not needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from handrail.errors import InvalidInput, MissingFile
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.project_files import ProjectFiles
from handrail.lineage.adapters.dvc.tracked import read_tracked
from handrail.lineage.domain.pipeline import (
    CodeFile,
    FeatureSet,
    LockedFile,
    LockedStage,
    PipelineFile,
    PipelineRecord,
    StageRun,
)
from handrail.lineage.ports import PipelineReader
from handrail.refs import FeatureService, FeatureView

LOCK = "dvc.lock"
FEATURE_STORE = "feature_repo/feature_store.yaml"
TRAINING_MANIFEST = "manifest.json"
VALIDATION = "validation.json"
STAGE_INPUTS = "stage_inputs"
MAX_HISTORY = 200
Entries = Mapping[str, Mapping[str, Any]]


class DvcPipeline(PipelineReader):
    """The reader of dvc.lock."""

    def __init__(self, repository: str) -> None:
        """Name the repository in `dvc://` and `git://` URIs."""
        self._repository = repository

    def read(self, project: Path, commit: str) -> PipelineRecord:
        """Return the stage runs in dvc.lock; each is of the commit that recorded its entry first.

        The lock of the commit that is checked out is read from the folder, that of another one from the commit. A
        project without stages has no lock; what it tracks in `.dvc` files is read all the same.
        """
        git = GitCommits(project)
        git.check(commit)
        files = ProjectFiles.of_dvc(project)
        tracked = read_tracked(git, files, commit)
        entries = _entries(project, git, commit, optional=bool(tracked))
        origins = _origins(git, commit, entries)
        made = {path for entry in entries.values() for path, _ in _hashed(entry, "outs")}
        stages = []
        for name, entry in sorted(entries.items()):
            inputs, code = [], []
            for path, md5 in _hashed(entry, "deps"):
                held = None if path in made else git.content(path, origins[name])
                if held is None:
                    inputs.append(files.describe(path, md5))
                else:
                    code.append(CodeFile(path, md5, hashlib.md5(held, usedforsecurity=False).hexdigest() == md5))
            outputs = [files.describe(path, md5) for path, md5 in _hashed(entry, "outs")]
            validation = _validation(outputs)
            stages.append(
                StageRun(
                    name,
                    _fingerprint(entry),
                    origins[name],
                    json.dumps(entry.get("params", {}), sort_keys=True, default=str),
                    tuple(inputs),
                    tuple(code),
                    tuple(outputs),
                    _features(project, files, outputs),
                    validation,
                    _inputs_fingerprint(files, outputs),
                    _validated(files, validation),
                )
            )
        return PipelineRecord(self._repository, tuple(stages), tracked)


def hashed_files(project: Path) -> set[tuple[str, str]]:
    """Return every path that dvc.lock names, with its md5; a path that two stages name differently comes twice.

    Raises:
        Unavailable: there is no dvc.lock.
    """
    entries = _read_lock(project).values()
    return {found for entry in entries for part in ("deps", "outs") for found in _hashed(entry, part)}


def locked_stages(name: str, text: bytes) -> tuple[LockedStage, ...]:
    """Return the stages of the lock file `text`, which is called `name`, by their names.

    Raises:
        InvalidInput: it is not a lock file.
    """
    return tuple(
        LockedStage(
            stage,
            _fingerprint(entry),
            json.dumps(entry.get("cmd", ""), default=str),
            json.dumps(entry.get("params", {}), sort_keys=True, default=str),
            tuple(LockedFile(*found) for found in _hashed(entry, "deps")),
            tuple(LockedFile(*found) for found in _hashed(entry, "outs")),
        )
        for stage, entry in sorted(_parse(name, text).items())
    )


def _read_lock(project: Path) -> Entries:
    try:
        return _parse(f"{project.name}/{LOCK}", (project / LOCK).read_bytes())
    except FileNotFoundError as err:
        raise MissingFile(f"{project.name}/{LOCK}", "Run: dvc repro.") from err


def _entries(project: Path, git: GitCommits, commit: str, *, optional: bool) -> Entries:
    """Read the stages of `commit`; with `optional` a project may have none."""
    if commit == git.resolve("HEAD"):
        return {} if optional and not (project / LOCK).exists() else _read_lock(project)
    held = git.content(LOCK, commit)
    if held is None and not optional:
        raise MissingFile(f"{LOCK} in {commit}", "Name a commit that holds one.")
    return _parse(f"{LOCK} in {commit}", held or b"")


def _parse(name: str, text: bytes) -> Entries:
    try:
        stages = (yaml.safe_load(text) or {}).get("stages", {})
        return {str(stage): dict(entry) for stage, entry in stages.items()}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as err:
        raise InvalidInput(name, "it is not a lock file of DVC", "Restore it with git, then run: dvc repro.") from err


def _hashed(entry: Mapping[str, Any], part: str) -> Iterator[tuple[str, str]]:
    for item in entry.get(part) or ():
        if item.get("md5"):
            yield str(item["path"]), str(item["md5"])


def _fingerprint(entry: Mapping[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _origins(git: GitCommits, commit: str, entries: Entries) -> dict[str, str]:
    """Find for each stage the earliest commit since which its entry has not changed; `commit` if it is not committed.

    Commits older than the last 200 changes of the lock are not looked at.
    """
    wanted = {name: _fingerprint(entry) for name, entry in entries.items()}
    origins = dict.fromkeys(entries, commit)
    unchanged = set(entries)
    for older in git.changes_of(LOCK, commit, MAX_HISTORY):
        then = _parse(LOCK, git.content(LOCK, older) or b"")
        unchanged = {name for name in unchanged if name in then and _fingerprint(then[name]) == wanted[name]}
        if not unchanged:
            break
        origins |= dict.fromkeys(unchanged, older)
    return origins


def _features(project: Path, files: ProjectFiles, outputs: Sequence[PipelineFile]) -> FeatureSet | None:
    for output in outputs:
        path = f"{output.path}/{TRAINING_MANIFEST}"
        if not any(member.path == path for member in output.members):
            continue
        manifest = _read_json(files, path)
        if "feature_service" in manifest:
            return _feature_set(_feast_project(project), output, manifest)
    return None


def _feature_set(feast: str, output: PipelineFile, manifest: Mapping[str, Any]) -> FeatureSet:
    try:
        service = manifest["feature_service"]
        return FeatureSet(
            output,
            FeatureService(feast, service["name"], _hex(service["spec_hash"])),
            tuple(FeatureView(feast, name, _hex(value)) for name, value in sorted(manifest["views"].items())),
        )
    except (KeyError, TypeError, AttributeError) as err:
        raise InvalidInput(
            f"{output.path}/{TRAINING_MANIFEST}",
            "it lacks the name or the specification hash of the feature service or of a view",
            "Run the stage that writes it again: dvc repro -f features.",
        ) from err


def _feast_project(project: Path) -> str:
    file = project / FEATURE_STORE
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        return str(values["project"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as err:
        raise InvalidInput(FEATURE_STORE, "it does not name its project", "Add: project: <name>.") from err


def _hex(value: str) -> str:
    return value.removeprefix("sha256:")


def _validation(outputs: Sequence[PipelineFile]) -> PipelineFile | None:
    found = (file for file in outputs if file.path.rpartition("/")[2] == VALIDATION and file.sha256)
    return next(found, None)


def _validated(files: ProjectFiles, validation: PipelineFile | None) -> tuple[str, ...]:
    """Find what a validation says it is about, as HandrailAction writes it: URIs under `data`."""
    named = _read_json(files, validation.path).get("data") if validation else None
    return tuple(str(uri) for uri in named) if isinstance(named, list) else ()


def _inputs_fingerprint(files: ProjectFiles, outputs: Sequence[PipelineFile]) -> str | None:
    """Find the fingerprint of its inputs that a stage wrote into one of its reports, under `stage_inputs`."""
    for output in outputs:
        if output.path.endswith(".json") and output.sha256:
            found = _read_json(files, output.path).get(STAGE_INPUTS)
            if found:
                return str(found)
    return None


def _read_json(files: ProjectFiles, path: str) -> Mapping[str, Any]:
    """Read a JSON file that a stage wrote; one without a mapping is empty."""
    try:
        content = json.loads(files.read(path))
    except ValueError as err:
        raise InvalidInput(path, "it is not JSON", "Run the stage that writes it again: dvc repro -f.") from err
    return content if isinstance(content, dict) else {}
