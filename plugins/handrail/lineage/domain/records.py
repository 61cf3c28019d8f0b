"""What each tool of the loop did, as facts: run, registration, permit, bento, deployment, snapshot, report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from handrail.lineage.domain.facts import (
    Facts,
    activity_fact,
    describe_activity,
    describe_derivation,
)
from handrail.lineage.domain.names import artifact_at, inputs_uri, tree_uri
from handrail.refs import ArtifactVersion


class HasUri(Protocol):
    """Any reference of `handrail.refs`."""

    @property
    def uri(self) -> str:
        """The URI that names it."""


Name = str | HasUri
"""A URI, or a reference that has one."""


def uri_of(name: Name) -> str:
    """Return the URI behind a name."""
    return name if isinstance(name, str) else name.uri


def tree_at(digest: str) -> ArtifactVersion:
    """Return the artifact tree with that digest."""
    return artifact_at(tree_uri(digest), digest)


def inputs_at(fingerprint: str) -> ArtifactVersion:
    """Return the inputs of a stage with that fingerprint (64 hex digits)."""
    return artifact_at(inputs_uri(fingerprint), f"sha256:{fingerprint}")


def describe_tracking_run(
    run: Name,
    *,
    stage_inputs: str | None = None,
    used: Sequence[ArtifactVersion] = (),
    tree_digest: str | None = None,
    agents: Sequence[str] = (),
) -> Facts:
    """State what an MLflow run read and the artifact tree that it produced.

    `stage_inputs` is the run's tag `handrail.stage_inputs` (64 hex digits): it leads on to what the stage read, if
    the stage also wrote it into a JSON output. `used` are inputs beyond these.
    """
    generated = [tree_at(tree_digest)] if tree_digest else []
    read = [*used, inputs_at(stage_inputs)] if stage_inputs else used
    return describe_activity(activity_fact(uri_of(run), "tracking-run"), read, generated, agents, "mlflow")


def describe_registration(version: Name, *, tree_digest: str, run: Name | None = None) -> Facts:
    """State which tree a registered model version holds, and the MLflow run that made it."""
    model = artifact_at(uri_of(version), tree_digest)
    facts = describe_derivation(model, tree_at(tree_digest), "mlflow")
    if run is None:
        return facts
    return facts | describe_activity(activity_fact(uri_of(run), "tracking-run"), [], [model], [], "mlflow")


def describe_permit(
    permit: ArtifactVersion, version: Name, *, tree_digest: str, policy_digest: str, approvers: Sequence[str]
) -> Facts:
    """State who allowed which bytes by which policy; the permit's digest is that of its file."""
    algorithm, _, value = policy_digest.partition(":")
    model, tree = artifact_at(uri_of(version), tree_digest), tree_at(tree_digest)
    policy = artifact_at(f"policy://{algorithm}/{value}", policy_digest)
    decision = activity_fact(f"{permit.uri}/decision", "promotion-decision")
    return describe_activity(decision, [model, tree, policy], [permit], approvers, "approvals") | describe_derivation(
        permit, model, "approvals"
    )


def describe_bento(bento: Name, permit: ArtifactVersion, *, tree_digest: str, digest: str | None = None) -> Facts:
    """State which tree and which permit a bento carries; digests as computed from the bento's own files."""
    built = artifact_at(uri_of(bento), digest)
    return describe_derivation(built, permit, "bentoml") | describe_derivation(built, tree_at(tree_digest), "bentoml")


def describe_deployment(
    deployment: Name, bento: Name, *, bento_digest: str | None = None, tree_digest: str | None = None
) -> Facts:
    """State which bento a deployment serves and the tree that it verified when it loaded."""
    rollout = artifact_at(uri_of(deployment), tree_digest)
    facts = describe_derivation(rollout, artifact_at(uri_of(bento), bento_digest), "bentoml")
    return facts | describe_derivation(rollout, tree_at(tree_digest), "bentoml") if tree_digest else facts


def describe_serving(deployment: Name, version: Name, *, tree_digest: str | None = None) -> Facts:
    """State which registered model version a deployment serves, and the tree that it loaded if the service says so.

    For services that are no bento. Without the digest the hop to the version is a claim of whoever records it.
    """
    rollout = artifact_at(uri_of(deployment), tree_digest)
    facts = describe_derivation(rollout, artifact_at(uri_of(version), None), "service")
    return facts | describe_derivation(rollout, tree_at(tree_digest), "service") if tree_digest else facts


def describe_snapshot(
    snapshot: ArtifactVersion, *, deployments: Sequence[Name] = (), labels: ArtifactVersion | None = None
) -> Facts:
    """State whose predictions a feedback snapshot is about, and the label file that was exported from it."""
    parts = [describe_derivation(snapshot, artifact_at(uri_of(name)), "feedback") for name in deployments]
    if labels is not None:
        parts.append(describe_derivation(labels, snapshot, "feedback"))
    return Facts.union(parts)


def describe_report(report: ArtifactVersion, snapshot: ArtifactVersion) -> Facts:
    """State which snapshot a report is a function of."""
    return describe_derivation(report, snapshot, "evidently")
