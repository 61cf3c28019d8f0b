"""What lineage knows of a model that was made by a pipeline, and where its commit and its data are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage import LockedFile, Node, Trace, Verb
from handrail.reproduction.domain.logged import TREE_AT, LoggedRun

TREE, STAGE, COMMIT = "tree://", "dvc-stage://", "git://"
DIRTY = "git_dirty"
NO_TREE = "Lineage holds no files of it. If MLflow does, run: handrail lineage collect mlflow --download."
NO_STAGE = "no stage of dvc.yaml wrote it, nor ran the script that logged it"
ADD_STAGE = "Add a stage that runs the script to dvc.yaml, log the model again with dvc repro, and commit dvc.lock."
_IN_RUN = re.compile(r"(?:runs:/+[^/]+|.*/artifacts)/(?P<path>[^/].*?)/?")
NO_COMMIT = "Log the model again, in a checkout of git."


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

    `version` is empty if only the tree is known. `dirty`: the tracking run found uncommitted changes. A model that no
    stage wrote was `logged` in a run; it has no path in the project, and the stage is looked for in the run's commit.
    """

    version: str
    tree: str
    path: str
    stages: Mapping[str, tuple[str, ...]]
    training_sets: frozenset[str] = frozenset()
    dirty: bool = False
    logged: LoggedRun | None = None


def recorded_model(trace: Trace) -> Recorded:
    """Read from the trace of a version, a tree or a prediction which stage runs wrote the tree nearest to it.

    Of a tree that no stage wrote, the tracking run in which it was logged.

    Raises:
        UnknownReference: no tree led to it.
        InvalidInput: neither a stage of a DVC pipeline is recorded that made it, nor a run that names its commit.
    """
    nodes = {node.uri: node for node in trace.nodes}
    tree = next((node for node in trace.nodes if node.uri.startswith(TREE)), None)
    if tree is None:
        raise UnknownReference("artifact tree", trace.ref, NO_TREE)
    holding = {edge.effect for edge in trace.edges if edge.cause == tree.uri and edge.verb is Verb.DERIVED_FROM}
    holding.add(trace.start)
    version = next((node.uri for node in trace.nodes if node.kind == "model-version" and node.uri in holding), "")
    digest = tree.digest or tree.uri.removeprefix(TREE).replace("/", ":")
    runs_of_mlflow = [uri for uri in _causes(trace, [tree.uri, version], Verb.GENERATED, "mlflow://") if uri in nodes]
    held = _causes(trace, [tree.uri], Verb.DERIVED_FROM, "dvc://")
    runs = _causes(trace, held, Verb.GENERATED, STAGE)
    if not runs:
        logged = _logged(trace, nodes, runs_of_mlflow, [tree.uri, version])
        return Recorded(version, digest, TREE_AT, {}, dirty=logged.dirty, logged=logged)
    return Recorded(
        version,
        digest,
        nodes[held[0]].attributes.get("path", held[0].partition("@")[0]),
        {run: tuple(uri.rpartition("/")[2] for uri in _causes(trace, [run], Verb.USED, COMMIT)) for run in runs},
        frozenset(n.attributes.get("path", "") for n in trace.nodes if n.attributes.get("role") == "training-set"),
        any(_says_dirty(nodes[uri].attributes) for uri in runs_of_mlflow),
    )


def _logged(trace: Trace, nodes: Mapping[str, Node], runs: Sequence[str], models: Sequence[str]) -> LoggedRun:
    """Read what the run that logged a model says of itself; of several runs, the first that names its commit.

    Raises:
        InvalidInput: no run is known, or none names its commit.
    """
    name = _name_logged(trace, nodes, models)
    for uri in runs:
        said = nodes[uri].attributes
        used = [cause.rpartition("/")[2] for cause in _causes(trace, [uri], Verb.USED, COMMIT)]
        if commit := next(iter(used), said.get("git_commit", "")):
            return LoggedRun(
                uri, commit, said.get("dvc_stage", ""), said.get("source", ""), name, dirty=_says_dirty(said)
            )
    if runs:
        raise not_recorded(models[-1] or models[0], f"the run that logged it, {runs[0]}, names no commit", NO_COMMIT)
    raise not_recorded(models[-1] or models[0], NO_STAGE, ADD_STAGE)


def not_recorded(model: str, why: str, remedy: str) -> InvalidInput:
    """Return the error about a model whose making nobody recorded."""
    return InvalidInput("model", f"how {model} was made is not recorded: {why}", remedy)


def _name_logged(trace: Trace, nodes: Mapping[str, Node], models: Sequence[str]) -> str:
    """Return the name under which a model was logged: of the logged model, else its path among the run's files."""
    for uri in _causes(trace, models, Verb.DERIVED_FROM, "mlflow://"):
        if uri in nodes and (name := nodes[uri].attributes.get("name")):
            return name
    sources = (nodes[uri].attributes.get("source", "") for uri in models if uri in nodes)
    return next((found["path"] for source in sources if (found := _IN_RUN.fullmatch(source))), "")


def _causes(trace: Trace, effects: Sequence[str], verb: Verb, scheme: str) -> list[str]:
    found = {e.cause for e in trace.edges if e.effect in effects and e.verb is verb and e.cause.startswith(scheme)}
    return sorted(found)


def _says_dirty(attributes: Mapping[str, str]) -> bool:
    return any(name.endswith(DIRTY) and "true" in value for name, value in attributes.items())
