"""The stage runs in the lock file of a DVC pipeline, and the facts that follow from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from handrail import manifest
from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    activity_fact,
    describe_activity,
    describe_artifact,
    describe_derivation,
    describe_use,
)
from handrail.lineage.domain.locked import OutsideData
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.records import inputs_at, tree_at
from handrail.manifest import FileEntry
from handrail.refs import SAFE, ArtifactVersion, DataVersion, FeatureService, FeatureView, GitCommit

ASSERTED_BY = "dvc"
MODEL_FILE = "MLmodel"
TRAINING_SET = "training-set"
COMMITTED = "committed"
"""The attribute with the moment of a commit, in UTC."""
_BLANK = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a folder that a stage reads or writes; its path is relative to the project, its size in bytes."""

    path: str
    md5: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """A file or folder of `dvc.lock` at its content.

    `sha256` (64 hex digits) is empty if the bytes at hand are not those that the lock names; a folder has `members`
    under the same condition. Members are in the order of their paths.
    """

    path: str
    md5: str
    sha256: str = ""
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A dependency in git; `in_commit` if the commit has the very bytes that the lock names."""

    path: str
    md5: str
    in_commit: bool


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features that a training set was read through; `training_set` is the output that holds it."""

    training_set: PipelineFile
    service: FeatureService
    views: tuple[FeatureView, ...]


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run of one stage. `fingerprint` is the sha256 of its lock entry; `commit` recorded that entry first.

    `inputs_fingerprint` is the sha256 (64 hex digits) by which the stage tags its runs in MLflow, if it does.
    `validated` are the URIs of what `validation` says it is about, if it says so. `read_outside` and `written_outside`
    are data that is not in the project.
    """

    name: str
    fingerprint: str
    commit: str
    parameters: str
    inputs: tuple[PipelineFile, ...]
    code: tuple[CodeFile, ...]
    outputs: tuple[PipelineFile, ...]
    features: FeatureSet | None = None
    validation: PipelineFile | None = None
    inputs_fingerprint: str | None = None
    validated: tuple[str, ...] = ()
    read_outside: tuple[OutsideData, ...] = ()
    written_outside: tuple[OutsideData, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """A file or folder that no stage makes: the `.dvc` file `named_by` named its hash first in `commit`.

    `sources` are what it was imported from.
    """

    file: PipelineFile
    named_by: str
    commit: str
    sources: tuple[PipelineFile | OutsideData, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineRecord:
    """All stage runs of a project's lock files, and what else is under DVC.

    `notes` are sentences for the user about what this record cannot say. `committed` has when each commit (40 hex
    digits) was made, as its committer says, of those that are known.
    """

    repository: str
    stages: tuple[StageRun, ...] = field(default_factory=tuple)
    tracked: tuple[TrackedFile, ...] = ()
    notes: tuple[str, ...] = ()
    committed: Mapping[str, datetime] = field(default_factory=dict)

    def artifact(self, path: str) -> ArtifactVersion:
        """Return the artifact at a path of the project: an output, an input, or a file in one of them.

        Raises:
            KeyError: no stage reads or writes that path.
        """
        return self.artifacts()[path]

    def artifacts(self) -> Mapping[str, ArtifactVersion]:
        """Return every artifact by its path."""
        found: dict[str, ArtifactVersion] = {}
        made = (file for stage in self.stages for file in (*stage.inputs, *stage.outputs))
        for file in (*(tracked.file for tracked in self.tracked), *made):
            found |= {member.path: _member(self.repository, member) for member in file.members}
            found[file.path] = _data(self.repository, file)
        return found

    def runs(self) -> Mapping[str, str]:
        """Return the URI of each stage's run by the stage's name."""
        return {stage.name: _run_uri(self.repository, stage) for stage in self.stages}

    def inputs_of(self, stage: str) -> tuple[ArtifactVersion, ...]:
        """Return what a stage read; nothing for an unknown stage."""
        return tuple(one for run in self.stages if run.name == stage for one in _read(self.repository, run))


def tree_digest(members: Sequence[Member], root: str) -> str:
    """Return the digest of the folder `root`, as permits name a tree."""
    return manifest.tree_digest(
        FileEntry(member.path.removeprefix(f"{root}/"), member.size, member.sha256) for member in members
    )


def data_at(repository: str, path: str, md5: str, sha256: str = "") -> ArtifactVersion:
    """Return a file or folder of a project as DVC knows it; its digest is the sha256 (64 hex digits) if it is given."""
    uri, digest = DataVersion(repository, path, md5).uri, f"sha256:{sha256}" if sha256 else f"md5:{md5}"
    return ArtifactVersion(uri, "dvc-data", digest, {"path": path, "md5": md5})


def describe_pipeline(record: PipelineRecord) -> Facts:
    """State what each stage used and generated, the files in its folders, its commit, features and validation.

    Tracked data comes from the commit whose `.dvc` file names it. A commit has its moment, where that is known.
    """
    stages = [part for stage in record.stages for part in _stage(record.repository, stage)]
    tracked = [part for each in record.tracked for part in _tracked(record.repository, each)]
    return Facts.union([*stages, *tracked, *_moments(record)])


def _moments(record: PipelineRecord) -> Iterator[Facts]:
    named = {*(stage.commit for stage in record.stages), *(each.commit for each in record.tracked)}
    for commit in sorted(named & record.committed.keys()):
        at = record.committed[commit].astimezone(UTC).isoformat()
        node = artifact_at(GitCommit(record.repository, commit).uri, f"git:{commit}")
        yield describe_artifact(replace(node, attributes={COMMITTED: at}))


def _stage(repository: str, stage: StageRun) -> Iterator[Facts]:
    commit = artifact_at(GitCommit(repository, stage.commit).uri, f"git:{stage.commit}")
    code = [_code(repository, file) for file in stage.code]
    read = [*_read(repository, stage), *code]
    outputs = [_data(repository, file) for file in stage.outputs]
    written = [*outputs, *map(_outside, stage.written_outside)]
    node = activity_fact(
        _run_uri(repository, stage),
        "dvc-stage",
        ActivityDetails(attributes={"stage": stage.name, "parameters": stage.parameters}),
    )
    # A folder is what the stage made. Its files may be older than this run: a later run that writes one of them again,
    # byte for byte, did not make it first, and saying so could close a circle.
    yield describe_activity(node, read, written, [], ASSERTED_BY)
    # The commit is a cause of this run and not of its files: a later run of the same file would lead to its own commit
    # through the file. That the commit holds the very bytes that ran is what the recorder compared.
    is_whole = bool(stage.code) and all(source.in_commit for source in stage.code)
    yield describe_use(node, commit, ASSERTED_BY, agreed=commit.digest if is_whole else None)
    for file in (*stage.inputs, *stage.outputs):
        yield _contents(repository, file)
    if stage.inputs_fingerprint:
        inputs = inputs_at(stage.inputs_fingerprint)
        yield from (describe_derivation(inputs, each, ASSERTED_BY) for each in read)
    if stage.features:
        yield from _features(repository, node.uri, stage.features)
    if stage.validation:
        unchecked = [file for file in outputs if file.uri not in stage.validated]
        yield from _validation(repository, stage.validation, unchecked)


def _tracked(repository: str, tracked: TrackedFile) -> Iterator[Facts]:
    file, commit = tracked.file, GitCommit(repository, tracked.commit)
    data = _data(repository, file)
    data = replace(data, attributes={**data.attributes, "named_by": tracked.named_by})
    # The bytes were hashed and are those that the commit names.
    agreed = f"md5:{file.md5}" if file.sha256 else None
    yield describe_derivation(data, artifact_at(commit.uri, f"git:{tracked.commit}"), ASSERTED_BY, agreed)
    for source in tracked.sources:
        taken = _outside(source) if isinstance(source, OutsideData) else _data(repository, source)
        yield describe_derivation(data, taken, ASSERTED_BY)
    yield _contents(repository, file)


def _read(repository: str, stage: StageRun) -> list[ArtifactVersion]:
    return [*(_data(repository, file) for file in stage.inputs), *map(_outside, stage.read_outside)]


def _outside(data: OutsideData) -> ArtifactVersion:
    """Name data elsewhere as an OpenLineage event would name it: the address, and the version after an `@`."""
    at = f"@{quote(data.version, safe=SAFE)}" if data.version else ""
    md5 = data.details.get("md5", "")
    return ArtifactVersion(f"{data.address}{at}", "dataset", f"md5:{md5}" if md5 else None, data.details)


def _run_uri(repository: str, stage: StageRun) -> str:
    name = _BLANK.sub(lambda found: quote(found[0]), stage.name)
    return f"dvc-stage://{repository}/{name}@{stage.fingerprint}"


def _contents(repository: str, file: PipelineFile) -> Facts:
    whole = _data(repository, file)
    parts = [
        describe_derivation(whole, _member(repository, member), ASSERTED_BY, agreed=f"md5:{member.md5}")
        for member in file.members
    ]
    if any(member.path == f"{file.path}/{MODEL_FILE}" for member in file.members):
        tree = tree_at(tree_digest(file.members, file.path))
        parts.append(describe_derivation(tree, whole, ASSERTED_BY, agreed=tree.digest))
    return Facts.union(parts)


def _features(repository: str, stage: str, features: FeatureSet) -> Iterator[Facts]:
    service = artifact_at(features.service.uri, f"sha256:{features.service.spec_hash}")
    views = [artifact_at(view.uri, f"sha256:{view.spec_hash}") for view in features.views]
    held = _data(repository, features.training_set)
    held = replace(held, attributes={**held.attributes, "role": TRAINING_SET})
    yield describe_activity(activity_fact(stage), [service, *views], [held], [], "feast")
    # Only the manifest says this, so no digest is given for the maker's side: nothing here may look proven.
    for view in views:
        yield describe_derivation(replace(service, digest=None), view, "feast")


def _validation(repository: str, result: PipelineFile, outputs: Sequence[ArtifactVersion]) -> Iterator[Facts]:
    digest = f"sha256:{result.sha256}"
    verdict = artifact_at(f"gx://{repository}/validation/{result.sha256}", digest)
    held = _data(repository, result)
    yield describe_derivation(verdict, held, "great-expectations", agreed=digest)
    # That this data is what was validated is known from the stage alone: asserted, not proven.
    for output in outputs:
        if output.uri != held.uri:
            yield describe_derivation(output, replace(verdict, digest=None), "great-expectations")


def _data(repository: str, file: PipelineFile) -> ArtifactVersion:
    return data_at(repository, file.path, file.md5, file.sha256)


def _member(repository: str, member: Member) -> ArtifactVersion:
    return data_at(repository, member.path, member.md5, member.sha256)


def _code(repository: str, file: CodeFile) -> ArtifactVersion:
    return replace(data_at(repository, file.path, file.md5), kind="source-file")
