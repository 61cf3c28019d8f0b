"""The use cases of lineage: record what led to what, then ask back from a prediction or forward from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain import (
    ActivityDetails,
    AmbiguousReference,
    DigestConflict,
    Direction,
    Impact,
    Name,
    PipelineRecord,
    Pointer,
    Reign,
    Trace,
    Verb,
    Walk,
    activity_fact,
    check_uri,
    data_prefix,
    describe_activity,
    describe_bento,
    describe_deployment,
    describe_derivation,
    describe_permit,
    describe_pipeline,
    describe_registration,
    describe_report,
    describe_snapshot,
    describe_tracking_run,
    match_name,
    order_by_distance,
    reigns,
    uri_of,
)
from handrail.lineage.ports import ConflictLog, GraphStore, PipelineReader, PointerLog, PredictionIndex
from handrail.refs import ArtifactVersion

MAX_NODES = 50_000
DEPLOYMENT = "deployment"
SHOWN = 5
NEARBY = 1_000


@dataclass(frozen=True, slots=True)
class LineagePorts:
    """What lineage stands on; `repository` is the name of the project's repository in `dvc://` and `git://` URIs."""

    graph: GraphStore
    conflicts: ConflictLog
    pointers: PointerLog
    predictions: PredictionIndex
    pipelines: PipelineReader
    repository: str


class Lineage:
    """Which data, code, checks, approvals and deployment made a prediction, and what a file touched.

    Every `record_*` is one transaction, may be repeated, and may come in any order. A URI or a reference of
    `handrail.refs` names a thing. All raise `InvalidInput` for a name or digest that cannot be used, `CycleRefused`
    and `RoleConflict` for facts that contradict what is held; nothing is recorded then.
    """

    def __init__(self, ports: LineagePorts) -> None:
        """Work on `ports`."""
        self._ports = ports

    def record_activity(  # noqa: PLR0913 - the published signature; all but the name are keywords
        self,
        uri: Name,
        kind: str,
        *,
        used: Sequence[ArtifactVersion] = (),
        generated: Sequence[ArtifactVersion] = (),
        agents: Sequence[str] = (),
        details: ActivityDetails | None = None,
    ) -> None:
        """Record what an activity used and generated; `agents` are `actor://` URIs."""
        details = details or ActivityDetails()
        activity = activity_fact(uri_of(uri), kind, details)
        self._ports.graph.record(describe_activity(activity, used, generated, agents, details.asserted_by))

    def derive(
        self,
        effect: ArtifactVersion,
        cause: ArtifactVersion,
        *,
        agreed: str | None = None,
        asserted_by: str = "handrail",
    ) -> None:
        """Record that `effect` came from `cause`; `agreed` is a digest that was compared on both sides."""
        self._ports.graph.record(describe_derivation(effect, cause, asserted_by, agreed))

    def record_pipeline(self, project: Path, commit: str) -> PipelineRecord:
        """Record every stage run of the project's dvc.lock, down to single files, and return what was read.

        `commit` has 40 hex digits; a stage that an earlier commit ran is recorded with that one.

        Raises:
            Unavailable: there is no dvc.lock.
        """
        record = self._ports.pipelines.read(project, commit)
        self._ports.graph.record(describe_pipeline(record))
        return record

    def record_tracking_run(
        self,
        run: Name,
        *,
        stage_inputs: str | None = None,
        used: Sequence[ArtifactVersion] = (),
        tree_digest: str | None = None,
        agents: Sequence[str] = (),
    ) -> None:
        """Record what an MLflow run read and the artifact tree that came of it.

        `stage_inputs` is the run's tag `handrail.stage_inputs` (64 hex digits): it leads on to what the stage read, if
        the stage also wrote it into a JSON output. `used` are inputs beyond these.
        """
        self._ports.graph.record(describe_tracking_run(run, used, stage_inputs, tree_digest, agents))

    def record_registration(self, version: Name, *, tree_digest: str, run: Name | None = None) -> None:
        """Record which tree a registered model version holds, and the MLflow run that made it."""
        self._ports.graph.record(describe_registration(version, tree_digest, run))

    def record_permit(
        self,
        permit: ArtifactVersion,
        version: Name,
        *,
        tree_digest: str,
        policy_digest: str,
        approvers: Sequence[str],
    ) -> None:
        """Record who allowed which bytes by which policy; the permit's digest is that of its file."""
        self._ports.graph.record(describe_permit(permit, version, tree_digest, policy_digest, approvers))

    def record_bento(
        self, bento: Name, permit: ArtifactVersion, *, tree_digest: str, digest: str | None = None
    ) -> None:
        """Record the tree and the permit that a bento carries; digests as computed from the bento's own files."""
        self._ports.graph.record(describe_bento(bento, permit, tree_digest, digest))

    def record_deployment(
        self, deployment: Name, bento: Name, *, bento_digest: str | None = None, tree_digest: str | None = None
    ) -> None:
        """Record the bento that a deployment serves and the tree that it verified when it loaded."""
        self._ports.graph.record(describe_deployment(deployment, bento, bento_digest, tree_digest))

    def record_snapshot(
        self,
        snapshot: ArtifactVersion,
        *,
        deployments: Sequence[Name] = (),
        labels: ArtifactVersion | None = None,
    ) -> None:
        """Record whose predictions a feedback snapshot is about, and the label file that was exported from it."""
        self._ports.graph.record(describe_snapshot(snapshot, labels, deployments))

    def record_report(self, report: ArtifactVersion, snapshot: ArtifactVersion) -> None:
        """Record the feedback snapshot that a report is a function of."""
        self._ports.graph.record(describe_report(report, snapshot))

    def point(self, name: str, target: Name | None, at: datetime, by: str) -> None:
        """Record that a moving name points at a version from `at` on; None takes the name away."""
        if at.tzinfo is None:
            raise InvalidInput("at", f"{at.isoformat()!r} has no time zone", "Give an aware moment, best in UTC.")
        uri = None if target is None else check_uri("target", uri_of(target))
        self._ports.pointers.add(Pointer(name, uri, at.astimezone(UTC), by))

    def pointer_at(self, name: str, at: datetime) -> Pointer | None:
        """Return what a moving name pointed at; None if it was never set by then."""
        return self._ports.pointers.at(name, at)

    def pointer_history(self, name: str) -> tuple[Pointer, ...]:
        """Return every move of a name, oldest first."""
        return self._ports.pointers.history(name)

    def timeline(self, name: str, at: datetime | None = None) -> tuple[Reign, ...]:
        """Return where a moving name pointed, from when until when, and who allowed it; oldest first.

        `name` may be its end or a part, such as `champion`; with `at` only what held at that moment comes back.

        Raises:
            UnknownReference: no name fits, or it was not set by then.
            AmbiguousReference: several names fit.
        """
        names = match_name(name, self._ports.pointers.names())
        if len(names) > 1:
            raise AmbiguousReference(name, names)
        if not names:
            raise UnknownReference("pointer", name, "Name an alias or a slot that was set, such as champion.")
        found = reigns(self._ports.pointers.history(names[0]))
        if at is not None:
            found = tuple(reign for reign in found if reign.covers(at))
            if not found:
                raise UnknownReference("pointer", names[0], f"It was not set by {at.isoformat()}.")
        return tuple(replace(reign, agents=self._agents_of(reign.by)) for reign in found)

    def _agents_of(self, uri: str) -> tuple[str, ...]:
        """Return who answers for a permit, or the agent itself."""
        if uri.startswith("actor://"):
            return (uri,)
        walk = self._ports.graph.walk(uri, Direction.CAUSES, NEARBY)
        if walk is None:
            return ()
        makers = {edge.cause for edge in walk.edges if edge.effect == uri and edge.verb is Verb.GENERATED}
        return tuple(edge.cause for edge in walk.edges if edge.effect in makers and edge.verb is Verb.ASSOCIATED_WITH)

    def trace(self, ref: str, max_nodes: int = MAX_NODES) -> Trace:
        """Return everything that led to a prediction (by id) or to anything else (by URI, prefix or project path).

        Raises:
            UnknownReference: nothing has that id or name.
            AmbiguousReference: a prefix or path fits several versions.
        """
        deployment = None if "://" in ref else self._ports.predictions.deployment_of(ref)
        walk = self._walk(deployment or ref, Direction.CAUSES, max_nodes)
        uris = [node.uri for node in walk.nodes]
        return Trace(
            ref=ref,
            start=walk.start,
            nodes=order_by_distance(walk, Direction.CAUSES),
            edges=walk.edges,
            prediction_id=ref if deployment else None,
            truncated=walk.truncated,
            conflicts=self._ports.conflicts.conflicts(uris),
        )

    def impact(self, ref: str, max_nodes: int = MAX_NODES) -> Impact:
        """Return everything that a version led to, forward to the number of predictions.

        `ref` is a URI, a unique prefix of one, or a path of the project such as `data/raw/flights/2013-03.csv`.

        Raises:
            UnknownReference: nothing has that name.
            AmbiguousReference: a prefix or path fits several versions.
        """
        walk = self._walk(ref, Direction.EFFECTS, max_nodes)
        deployments = sorted(node.uri for node in walk.nodes if node.kind == DEPLOYMENT)
        counts = self._ports.predictions.count_predictions(deployments) if deployments else {}
        return Impact(
            ref=ref,
            start=walk.start,
            nodes=order_by_distance(walk, Direction.EFFECTS),
            edges=walk.edges,
            predictions={uri: counts.get(uri, 0) for uri in deployments},
            truncated=walk.truncated,
        )

    def findings(self) -> tuple[DigestConflict, ...]:
        """Return every URI that was claimed with several digests, and who claimed what."""
        return self._ports.conflicts.conflicts()

    def _walk(self, ref: str, direction: Direction, max_nodes: int) -> Walk:
        if max_nodes < 1:
            raise InvalidInput("max_nodes", f"{max_nodes} is no budget", "Give at least 1.")
        graph = self._ports.graph
        walk = graph.walk(ref, direction, max_nodes) or graph.walk(self._resolve(ref), direction, max_nodes)
        if walk is None:
            raise _unknown(ref)
        return walk

    def _resolve(self, ref: str) -> str:
        prefix = ref if "://" in ref else data_prefix(self._ports.repository, ref.removeprefix("./"))
        found = self._ports.graph.find(f"{prefix}@", SHOWN + 1) or self._ports.graph.find(prefix, SHOWN + 1)
        if not found:
            raise _unknown(ref)
        if len(found) > 1:
            raise AmbiguousReference(ref, found)
        return found[0]


def _unknown(ref: str) -> UnknownReference:
    return UnknownReference(
        "prediction, version or project path",
        ref,
        "Give a prediction id, a URI that lineage holds, or a path under DVC such as data/raw.",
    )
