"""What an alias points at beside a candidate, as the gate keeps it."""

from __future__ import annotations

from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.service.asking import GatePorts
from handrail.manifest import Manifest


def incumbent_manifest(
    ports: GatePorts, server: str, candidate: Candidate, alias: str, account: str
) -> Manifest | None:
    """List what the alias points at, if it points at another version: as promoted, or as copied now.

    Raises:
        StillReading: its files are being copied; the same call gets the list later.
        Refused: they cannot be used.
    """
    points_at = ports.registry.incumbent(candidate.model, alias)
    if points_at is None or points_at == candidate.version:
        return None
    incumbent = ports.registry.candidate(candidate.model, str(points_at))
    envelope = ports.index.permit(server, candidate.model, alias)
    permit = Permit.from_payload(Envelope.from_json(envelope).payload) if envelope else None
    if permit and (permit.epoch, permit.version) == (incumbent.epoch, incumbent.version):
        return permit.manifest
    return ports.reader.copy(incumbent, account)
