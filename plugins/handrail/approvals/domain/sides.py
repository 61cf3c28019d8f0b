"""What is known of one version beside another: its frozen files, its run, and how lineage says that it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.manifest import Manifest


@dataclass(frozen=True, slots=True)
class NamedFeatures:
    """A feature service by its name, and the sha256 of its specification where that is known."""

    name: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What the frozen files of a version say of it.

    `features` are the inputs that its MLmodel names, `packages` what its lists of packages ask for by name; None where
    no file says so. `unread` is a sentence for each file that says it in no readable form. `texts` are the files of a
    prompt by path, None where the tree is not one. `settings` are the single values by which a package of Handrail
    answers, like its threshold; None where the tree has none.
    """

    manifest: Manifest
    features: tuple[str, ...] | None = None
    packages: Mapping[str, str] | None = None
    service: NamedFeatures | None = None
    unread: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows that a run says it read: what for (`training`), their name and digest, and how many they were."""

    context: str
    name: str
    digest: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run on the tracking server says of itself now; whoever may write to the run may change it.

    `clean` says whether the checkout had no uncommitted changes. `importances` are by the name of the feature.
    """

    run_id: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    clean: bool | None = None
    datasets: tuple[Dataset, ...] = ()
    service: NamedFeatures | None = None
    importances: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class PipelineData:
    """A file or folder of a pipeline: its digest, and how many files a folder has, where that is known."""

    digest: str
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Making:
    """How lineage says that a tree was made by the stages of a pipeline.

    `measured` if each hop from the tree's own digest to the stages is proven, and so is each stage's commit: it holds
    the very bytes that ran. Parameters are by name (`train.until`), code and data by path; `digests` are of all that
    data, file by file. `doubts` are sentences about what lineage knows in two ways, and what was left out for it.
    """

    measured: bool
    commit: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, PipelineData] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()
    service: NamedFeatures | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One of two versions, with what could be read of it; None where nothing could.

    `unread` names of `files`, `run` and `lineage` what could not be read.
    """

    version: int
    tree: str | None = None
    files: Manifest | None = None
    frozen: TreeFacts | None = None
    run: RunFacts | None = None
    making: Making | None = None
    unread: frozenset[str] = frozenset()
