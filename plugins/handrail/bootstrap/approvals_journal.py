"""What lineage records of a promotion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from handrail.approvals.domain.permit import Permit
from handrail.approvals.ports import DecisionJournal
from handrail.manifest import digest_of_bytes
from handrail.refs import ArtifactVersion, ModelAlias, TrackingRun

if TYPE_CHECKING:
    from handrail.lineage.service.lineage import Lineage


class LineageJournal(DecisionJournal):
    """Keeps the promise of the gate's `DecisionJournal` with the lineage plugin."""

    def __init__(self, lineage: Callable[[], Lineage]) -> None:
        """Record into the graph that is opened at the first promotion: the gate works without it."""
        self._lineage = lineage

    def promoted(self, permit: Permit, envelope: str, moved_at: str) -> None:
        """Record version, run, permit and approvers, and where the alias points since."""
        from handrail.lineage import agent_uri

        lineage, version = self._lineage(), permit.model_version
        run = TrackingRun(permit.server, permit.run_id) if permit.run_id else None
        lineage.record_registration(version, tree_digest=permit.tree_digest, run=run)
        lineage.record_permit(
            ArtifactVersion(permit.uri, "permit", digest_of_bytes(envelope.encode("utf-8"))),
            version,
            tree_digest=permit.tree_digest,
            policy_digest=permit.policy_digest,
            approvers=[agent_uri(permit.server, person) for person in permit.approvers],
        )
        lineage.point(
            ModelAlias(permit.model, permit.alias).pointer, version, datetime.fromisoformat(moved_at), by=permit.uri
        )
