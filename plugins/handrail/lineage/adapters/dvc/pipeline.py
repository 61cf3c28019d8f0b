"""Reads what the pipelines of a DVC project did last, and the data that it tracks, from its files and git."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from handrail.errors import InvalidInput, MissingFile
from handrail.lineage.adapters.dvc.entries import Located, Place
from handrail.lineage.adapters.dvc.git_commits import GitCommits
from handrail.lineage.adapters.dvc.ignored import DVC, DvcIgnore
from handrail.lineage.adapters.dvc.lock_files import LOCK, LockedRun, files_in, outside_in, parse_lock, read_runs
from handrail.lineage.adapters.dvc.project_files import ProjectFiles, md5_of_bytes
from handrail.lineage.adapters.dvc.tracked import parse_dvc_file, read_dvc_files
from handrail.lineage.adapters.dvc.trees import ProjectTree, TreeInCommit, TreeOnDisk
from handrail.lineage.domain.locked import LockedFile, OutsideData
from handrail.lineage.domain.pipeline import CodeFile, FeatureSet, PipelineFile, PipelineRecord, StageRun, TrackedFile
from handrail.lineage.ports import PipelineReader
from handrail.refs import FeatureService, FeatureView

FEATURE_STORE = "feature_repo/feature_store.yaml"
TRAINING_MANIFEST = "manifest.json"
VALIDATION = "validation.json"
STAGE_INPUTS = "stage_inputs"
MAX_HISTORY = 200
UNHASHED = "{name} has no hash of {path} yet, so that no version of it is recorded. Run dvc pull, or dvc update."
SHALLOW = (
    "This clone is shallow: what an older commit recorded is said to be of the oldest commit in it. "
    "Run git fetch --unshallow, then collect again."
)


class DvcPipeline(PipelineReader):
    """The reader of the lock files and the `.dvc` files of a project."""

    def __init__(self, repository: str) -> None:
        """Name the repository in `dvc://` and `git://` URIs."""
        self._repository = repository

    def read(self, project: Path, commit: str) -> PipelineRecord:
        """Return the stage runs of every dvc.lock; each is of the commit that recorded its entry first.

        The locks of the commit that is checked out are read from the folder, those of another one from the commit. A
        project without stages has no lock; what it tracks in `.dvc` files is read all the same.
        """
        git = GitCommits(project)
        git.check(commit)
        held = TreeInCommit(git, commit, DvcIgnore(project))
        tree = TreeOnDisk(project) if commit == git.resolve("HEAD") else held
        reading = _Reading(project, git, Place(project, prefix=git.prefix), ProjectFiles.of_dvc(project))
        tracked, unhashed = reading.tracked(held)
        if not tracked and not tree.named(LOCK):
            raise _nothing_to_read(project, tree)
        notes, stages = [*unhashed, *([SHALLOW] if git.is_shallow() else [])], reading.stages(tree, commit)
        committed = git.moments([*(stage.commit for stage in stages), *(each.commit for each in tracked)])
        return PipelineRecord(self._repository, stages, tracked, tuple(notes), committed)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a project."""

    project: Path
    git: GitCommits
    place: Place
    files: ProjectFiles

    def tracked(self, held: TreeInCommit) -> tuple[tuple[TrackedFile, ...], list[str]]:
        """Return what the `.dvc` files of a commit name, and a sentence for each output that has no hash.

        Each is of the commit that brought this content in: among the commit and its ancestors, on any branch, the
        first whose `.dvc` file of that name names it. A content that is set back later came in with the first one: it
        is the same version, what was made from it in between cannot be older than its cause, and reading an old and a
        new commit, in any order, says the same. A change of something else in the `.dvc` file changes nothing.
        """
        found, unhashed = [], []
        for file in read_dvc_files(held, self.place):
            since = self._since(file.name, str(held.commit))
            sources = tuple(self._source(one) for one in file.sources)
            for one in files_in(file.outputs):
                first = since.get(one, str(held.commit))
                found.append(TrackedFile(self._describe(one), file.name, first, sources))
            unhashed += [UNHASHED.format(name=file.name, path=path) for path in file.unhashed]
        return tuple(found), unhashed

    def _since(self, name: str, commit: str) -> Mapping[LockedFile, str]:
        """Return the first commit in which a `.dvc` file named each content, as far as the last 200 changes go."""
        since: dict[LockedFile, str] = {}
        for older, text in self.git.history_of(name, commit, MAX_HISTORY).items():
            with suppress(InvalidInput):  # an older commit may hold a broken one
                for one in files_in(parse_dvc_file(name, text, self.place).outputs):
                    since.setdefault(one, older)
        return since

    def stages(self, tree: ProjectTree, commit: str) -> tuple[StageRun, ...]:
        """Return the stage runs of the lock files, by name."""
        runs = read_runs(tree, self.place)
        origins = _origins(self.git, commit, runs)
        made = {file.path for run in runs for file in files_in(run.outputs())}
        return tuple(self._stage(run, origins[run.name], made) for run in runs)

    def _stage(self, run: LockedRun, origin: str, made: set[str]) -> StageRun:
        inputs, code = [], []
        for file in files_in(run.inputs()):
            held = None if file.path in made else self.git.content(file.path, origin)
            if held is None:
                inputs.append(self._describe(file))
            else:
                code.append(CodeFile(self._name(file.path), file.md5, md5_of_bytes(held, file.hash_name) == file.md5))
        outputs = [self._describe(file) for file in files_in(run.outputs())]
        validation = _validation(outputs)
        return StageRun(
            run.name,
            run.fingerprint,
            origin,
            json.dumps(run.entry.get("params", {}), sort_keys=True, default=str),
            tuple(inputs),
            tuple(code),
            tuple(outputs),
            _features(self.project, self.files, outputs),
            validation,
            _inputs_fingerprint(self.files, outputs),
            _validated(self.files, validation),
            outside_in(run.inputs()),
            outside_in(run.outputs()),
        )

    def _source(self, one: Located) -> PipelineFile | OutsideData:
        return self._describe(one) if isinstance(one, LockedFile) else one

    def _describe(self, file: LockedFile) -> PipelineFile:
        found, name = self.files.describe(file), self._name(file.path)
        members = [replace(one, path=self._name(one.path)) for one in found.members]
        return replace(found, path=name, members=tuple(members))

    def _name(self, path: str) -> str:
        """Return the path by which lineage names a file: beside the project, from the top of its repository."""
        return f"/{posixpath.normpath(self.place.prefix + path)}" if path.startswith("../") else path


def _nothing_to_read(project: Path, tree: ProjectTree) -> MissingFile:
    inner = sorted(folder.parent.name for folder in project.glob(f"*/{DVC}") if folder.is_dir())
    if inner:
        remedy = f"The DVC project is in {inner[0]}: run this there, or set HANDRAIL_PROJECT to that folder."
        return MissingFile(f"{project.name}/{LOCK}", remedy)
    if tree.commit is None:
        return MissingFile(f"{project.name}/{LOCK}", "Run: dvc repro.")
    return MissingFile(f"{LOCK} in {tree.commit}", "Name a commit that holds one.")


def _origins(git: GitCommits, commit: str, runs: Sequence[LockedRun]) -> dict[str, str]:
    """Find for each stage the earliest commit since which its entry has not changed; `commit` if it is not committed.

    Commits older than the last 200 changes of a lock are not looked at.
    """
    origins = {run.name: commit for run in runs}
    for lock in sorted({run.lock for run in runs}):
        unchanged = {run.key: run for run in runs if run.lock == lock}
        for older in git.changes_of(lock, commit, MAX_HISTORY):
            then = parse_lock(lock, git.content(lock, older) or b"")
            unchanged = {key: run for key, run in unchanged.items() if then.get(key) == run.entry}
            if not unchanged:
                break
            origins |= {run.name: older for run in unchanged.values()}
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
