"""What is run again to reproduce a model, in which order it is compared, and when it counts as reproduced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from graphlib import CycleError, TopologicalSorter

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage import LockedFile, LockedStage, Trace, Verb

TREE, STAGE, COMMIT = "tree://", "dvc-stage://", "git://"
DIRTY = "git_dirty"


class Part(Enum):
    """What a compared thing is. Code, parameters and a tracked file are inputs, the rest is what stages wrote."""

    CODE = "code"
    PARAMETERS = "parameters"
    INPUT = "input data"
    DATA = "data"
    FEATURES = "features"
    METRICS = "metrics"
    MODEL = "model"

    @property
    def is_input(self) -> bool:
        """Whether it comes from the repository or the remote, not from a stage."""
        return self in (Part.CODE, Part.PARAMETERS, Part.INPUT)


class Grade(Enum):
    """How equal a thing is to what was recorded."""

    BYTES = "equal"
    WITHIN = "within tolerance"
    DIFFERS = "differs"


class Verdict(Enum):
    """What a reproduction came to."""

    REPRODUCED = "reproduced"
    EQUAL_IN_EFFECT = "equal in effect"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class CommitPlace:
    """A local repository that holds a commit; the project lies at `prefix` in it (empty, or ending in a slash)."""

    commit: str
    repository: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class FetchedData:
    """What could not be fetched, how many bytes are there, and what DVC complained of last."""

    missing: tuple[LockedFile, ...]
    size: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What lineage knows of a model: its tree, and the stage runs that wrote that tree, with the commits they name.

    `version` is empty if only the tree is known. `dirty` tells that the tracking run said so of its checkout.
    """

    version: str
    tree: str
    path: str
    stages: Mapping[str, tuple[str, ...]]
    training_sets: frozenset[str] = frozenset()
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing beside what was recorded; `detail` says in words by how much it differs."""

    stage: str
    part: Part
    path: str
    recorded: str
    reproduced: str
    grade: Grade
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Two trees' answers to the same rows; of several outputs a row, the greatest is its label."""

    rows: int
    source: str
    max_difference: float
    labels_differ: int
    detail: str = ""

    def agree(self, tolerance: float) -> bool:
        """Tell whether the answers are the same within `tolerance`."""
        return self.labels_differ == 0 and self.max_difference <= tolerance


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and the first thing in pipeline order that is not equal."""

    verdict: Verdict
    first: Compared | None = None
    reasons: tuple[str, ...] = field(default_factory=tuple)


def recorded_model(trace: Trace) -> Recorded:
    """Read from the trace of a version, a tree or a prediction which stage runs wrote the tree nearest to it.

    Raises:
        UnknownReference: no tree, or no stage of a DVC pipeline, led to it.
    """
    nodes = {node.uri: node for node in trace.nodes}
    tree = next((node for node in trace.nodes if node.uri.startswith(TREE)), None)
    if tree is None:
        raise UnknownReference("artifact tree", trace.ref, "Name a model version whose tree lineage holds.")
    held = _causes(trace, [tree.uri], Verb.DERIVED_FROM, "dvc://")
    runs = _causes(trace, held, Verb.GENERATED, STAGE)
    if not runs:
        raise UnknownReference(
            "pipeline stage",
            tree.uri,
            "No stage of dvc.yaml wrote this model: run it as one, and record it with record_pipeline.",
        )
    holding = {edge.effect for edge in trace.edges if edge.cause == tree.uri and edge.verb is Verb.DERIVED_FROM}
    holding.add(trace.start)
    version = next((node.uri for node in trace.nodes if node.kind == "model-version" and node.uri in holding), "")
    telling = _causes(trace, [tree.uri, version], Verb.GENERATED, "mlflow://")
    return Recorded(
        version,
        tree.digest or tree.uri.removeprefix(TREE).replace("/", ":", 1),
        nodes[held[0]].attributes.get("path", held[0].partition("@")[0]),
        {run: tuple(_commit_of(uri) for uri in _causes(trace, [run], Verb.USED, COMMIT)) for run in runs},
        frozenset(n.attributes.get("path", "") for n in trace.nodes if n.attributes.get("role") == "training-set"),
        any(_says_dirty(nodes[uri].attributes) for uri in telling if uri in nodes),
    )


def order_stages(stages: Iterable[LockedStage]) -> tuple[LockedStage, ...]:
    """Return stages so that each comes after those whose outputs it reads, otherwise by name.

    Raises:
        InvalidInput: they read each other's outputs in a circle.
    """
    by_name = {stage.name: stage for stage in sorted(stages, key=lambda stage: stage.name)}
    before = {
        name: sorted(other for other, made in by_name.items() if other != name and _reads(stage, made))
        for name, stage in by_name.items()
    }
    sorter = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError as err:
        raise InvalidInput("dvc.lock", f"its stages read each other: {err.args[1]}", "Restore it with git.") from err
    ordered: list[LockedStage] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += [by_name[name] for name in ready]
        sorter.done(*ready)
    return tuple(ordered)


def choose_stages(stages: Sequence[LockedStage], target: str, until: str | None = None) -> tuple[LockedStage, ...]:
    """Return what has to run again: the target, what it needs, and what judges the model beside it.

    The latter are stages that read something which the target reads from a stage, or writes. With `until` only that
    stage and what it needs come back.

    Raises:
        UnknownReference: there is no such stage.
    """
    ordered = order_stages(stages)
    by_name = {stage.name: stage for stage in ordered}
    last = until or target
    if last not in by_name:
        raise UnknownReference("stage", last, f"dvc.lock has {', '.join(sorted(by_name))}.")
    chosen = _needed(ordered, {last})
    if until is None:
        goal = by_name[target]
        near = [stage for stage in ordered if _reads(goal, stage)] + [goal]
        nearest = [stage for stage in near if not any(_reads(other, stage) for other in near[:-1])]
        beside = {stage.name for stage in ordered if any(_reads(stage, made) for made in nearest)}
        chosen |= _needed(ordered, beside)
    return tuple(stage for stage in ordered if stage.name in chosen)


def outdated(stages: Sequence[LockedStage]) -> tuple[str, ...]:
    """Return the names of stages that read other bytes than the lock's own stages wrote last."""
    made = {file.path: file.md5 for stage in stages for file in stage.outputs}
    return tuple(stage.name for stage in stages if any(made.get(f.path, f.md5) != f.md5 for f in stage.inputs))


def made_by(stages: Iterable[LockedStage], path: str) -> bool:
    """Tell whether one of the stages writes `path`, a folder around it or something in it."""
    return any(_overlap(path, out.path) for stage in stages for out in stage.outputs)


def judge(found: Sequence[Compared], predictions: Predictions | None, tolerance: float) -> Judgement:
    """Decide. Equal bytes throughout are reproduced; else equal inputs, metrics and predictions within `tolerance`.

    `found` is in pipeline order. Files that differ and are neither (data, pictures) are named and do not decide.
    """
    uneven = [each for each in found if each.grade is not Grade.BYTES]
    first = next((each for each in uneven if each.grade is Grade.DIFFERS), uneven[0] if uneven else None)
    answers = predictions is None or predictions.agree(tolerance)
    if not uneven and answers:
        return Judgement(Verdict.REPRODUCED)
    reasons = [f"{each.part.value} {each.path} differs" for each in uneven if _decides(each)]
    if not answers and predictions is not None:
        reasons.append(f"predictions differ by up to {predictions.max_difference:.3g}")
    if predictions is None and any(each.grade is Grade.DIFFERS for each in uneven):
        reasons.append("no predictions were compared")
    return Judgement(Verdict.DIFFERS if reasons else Verdict.EQUAL_IN_EFFECT, first, tuple(reasons))


def _decides(compared: Compared) -> bool:
    return compared.grade is Grade.DIFFERS and (compared.part.is_input or compared.part is Part.METRICS)


def _needed(ordered: Sequence[LockedStage], names: set[str]) -> set[str]:
    needed = set(names)
    for stage in reversed(ordered):
        if stage.name in needed:
            needed |= {other.name for other in ordered if other is not stage and _reads(stage, other)}
    return needed


def _reads(stage: LockedStage, other: LockedStage) -> bool:
    return any(_overlap(read.path, made.path) for read in stage.inputs for made in other.outputs)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _causes(trace: Trace, effects: Sequence[str], verb: Verb, scheme: str) -> list[str]:
    found = {e.cause for e in trace.edges if e.effect in effects and e.verb is verb and e.cause.startswith(scheme)}
    return sorted(found)


def _commit_of(uri: str) -> str:
    return uri.rpartition("/")[2]


def _says_dirty(attributes: Mapping[str, str]) -> bool:
    return any(name.endswith(DIRTY) and "true" in value for name, value in attributes.items())
