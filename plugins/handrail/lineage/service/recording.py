"""The telling half of lineage: which facts follow from what a tool did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from handrail.errors import InvalidInput
from handrail.lineage.domain import (
    ActivityDetails,
    Facts,
    Name,
    PipelineRecord,
    Pointer,
    activity_fact,
    check_uri,
    describe_activity,
    describe_bento,
    describe_deployment,
    describe_derivation,
    describe_membership,
    describe_permit,
    describe_pipeline,
    describe_registration,
    describe_report,
    describe_snapshot,
    describe_tracking_run,
    uri_of,
)
from handrail.lineage.service.foundation import LineagePorts
from handrail.refs import ArtifactVersion


class Recording:
    """Records what led to what. Every verb is one transaction, may be repeated, and may come in any order."""

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
        facts = describe_activity(activity, used, generated, agents, details.asserted_by)
        self._record(facts | describe_membership(activity.uri, details.within, details.asserted_by))

    def derive(
        self,
        effect: ArtifactVersion,
        cause: ArtifactVersion,
        *,
        agreed: str | None = None,
        asserted_by: str = "handrail",
    ) -> None:
        """Record that `effect` came from `cause`; `agreed` is a digest that was compared on both sides."""
        self._record(describe_derivation(effect, cause, asserted_by, agreed))

    def record_pipeline(self, project: Path, commit: str) -> PipelineRecord:
        """Record every stage run of the project's dvc.lock, down to single files, and return what was read.

        `commit` has 40 hex digits; a stage that an earlier commit ran is recorded with that one.

        Raises:
            Unavailable: there is no dvc.lock.
        """
        record = self._ports.pipelines.read(project, commit)
        self._record(describe_pipeline(record))
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
        self._record(describe_tracking_run(run, used, stage_inputs, tree_digest, agents))

    def record_registration(self, version: Name, *, tree_digest: str, run: Name | None = None) -> None:
        """Record which tree a registered model version holds, and the MLflow run that made it."""
        self._record(describe_registration(version, tree_digest, run))

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
        self._record(describe_permit(permit, version, tree_digest, policy_digest, approvers))

    def record_bento(
        self, bento: Name, permit: ArtifactVersion, *, tree_digest: str, digest: str | None = None
    ) -> None:
        """Record the tree and the permit that a bento carries; digests as computed from the bento's own files."""
        self._record(describe_bento(bento, permit, tree_digest, digest))

    def record_deployment(
        self, deployment: Name, bento: Name, *, bento_digest: str | None = None, tree_digest: str | None = None
    ) -> None:
        """Record the bento that a deployment serves and the tree that it verified when it loaded."""
        self._record(describe_deployment(deployment, bento, bento_digest, tree_digest))

    def record_snapshot(
        self,
        snapshot: ArtifactVersion,
        *,
        deployments: Sequence[Name] = (),
        labels: ArtifactVersion | None = None,
    ) -> None:
        """Record whose predictions a feedback snapshot is about, and the label file that was exported from it."""
        self._record(describe_snapshot(snapshot, labels, deployments))

    def record_report(self, report: ArtifactVersion, snapshot: ArtifactVersion) -> None:
        """Record the feedback snapshot that a report is a function of."""
        self._record(describe_report(report, snapshot))

    def _record(self, facts: Facts) -> None:
        ports = self._ports
        ports.graph.record(facts, ports.writer.write(facts, ports.clock()), ports.sinks)

    def point(self, name: str, target: Name | None, at: datetime, by: str) -> None:
        """Record that a moving name points at a version from `at` on; None takes the name away."""
        if at.tzinfo is None:
            raise InvalidInput("at", f"{at.isoformat()!r} has no time zone", "Give an aware moment, best in UTC.")
        uri = None if target is None else check_uri("target", uri_of(target))
        self._ports.pointers.add(Pointer(name, uri, at.astimezone(UTC), by))
