"""What lineage knows of a model that was made by a pipeline, and where its commit and its data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import UnknownReference
from handrail.lineage import LockedFile, Trace, Verb

TREE, STAGE, COMMIT = "tree://", "dvc-stage://", "git://"
DIRTY = "git_dirty"
NO_TREE = "Lineage holds no files of it. If MLflow does, run: handrail lineage collect mlflow --download."
NO_STAGE = (
    "No stage of dvc.yaml wrote it, as when a script calls log_model. Let a stage write the model into one of its "
    "outputs (save_model), register that folder, then run: handrail lineage collect dvc."
)


@dataclass(frozen=True, slots=True)
class CommitPlace:
    """A local repository that holds a commit; the project is at `prefix` in it (empty, or ending in a slash)."""

    commit: str
    repository: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class FetchedData:
    """What could not be fetched, how many bytes are there, and the last error of DVC."""

    missing: tuple[LockedFile, ...]
    size: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What lineage knows of a model: its tree, and the stage runs that wrote that tree, with the commits they name.

    `version` is empty if only the tree is known. `dirty`: the tracking run found uncommitted changes.
    """

    version: str
    tree: str
    path: str
    stages: Mapping[str, tuple[str, ...]]
    training_sets: frozenset[str] = frozenset()
    dirty: bool = False


def recorded_model(trace: Trace) -> Recorded:
    """Read from the trace of a version, a tree or a prediction which stage runs wrote the tree nearest to it.

    Raises:
        UnknownReference: no tree, or no stage of a DVC pipeline, led to it.
    """
    nodes = {node.uri: node for node in trace.nodes}
    tree = next((node for node in trace.nodes if node.uri.startswith(TREE)), None)
    if tree is None:
        raise UnknownReference("artifact tree", trace.ref, NO_TREE)
    held = _causes(trace, [tree.uri], Verb.DERIVED_FROM, "dvc://")
    runs = _causes(trace, held, Verb.GENERATED, STAGE)
    if not runs:
        raise UnknownReference(
            "pipeline stage",
            tree.uri,
            NO_STAGE,
        )
    holding = {edge.effect for edge in trace.edges if edge.cause == tree.uri and edge.verb is Verb.DERIVED_FROM}
    holding.add(trace.start)
    version = next((node.uri for node in trace.nodes if node.kind == "model-version" and node.uri in holding), "")
    runs_of_mlflow = _causes(trace, [tree.uri, version], Verb.GENERATED, "mlflow://")
    return Recorded(
        version,
        tree.digest or tree.uri.removeprefix(TREE).replace("/", ":", 1),
        nodes[held[0]].attributes.get("path", held[0].partition("@")[0]),
        {run: tuple(uri.rpartition("/")[2] for uri in _causes(trace, [run], Verb.USED, COMMIT)) for run in runs},
        frozenset(n.attributes.get("path", "") for n in trace.nodes if n.attributes.get("role") == "training-set"),
        any(_says_dirty(nodes[uri].attributes) for uri in runs_of_mlflow if uri in nodes),
    )


def _causes(trace: Trace, effects: Sequence[str], verb: Verb, scheme: str) -> list[str]:
    found = {e.cause for e in trace.edges if e.effect in effects and e.verb is verb and e.cause.startswith(scheme)}
    return sorted(found)


def _says_dirty(attributes: Mapping[str, str]) -> bool:
    return any(name.endswith(DIRTY) and "true" in value for name, value in attributes.items())
