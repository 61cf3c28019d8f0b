"""How the gate looks into lineage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from handrail.approvals.domain.subject import Candidate
from handrail.approvals.domain.tracing import MOST_SHOWN, Traced
from handrail.approvals.evidence_ports import LineageTraces
from handrail.errors import UnknownReference
from handrail.manifest import digest_of
from handrail.refs import ModelVersion

if TYPE_CHECKING:
    from handrail.lineage.service.lineage import Lineage


class ReadTraces(LineageTraces):
    """Keeps the promise of the gate's `LineageTraces` with the lineage plugin."""

    def __init__(self, server: str, lineage: Callable[[], Lineage]) -> None:
        """Look for the versions of this server in the graph that is opened at the first look."""
        self._server = server
        self._lineage = lineage

    def traced(self, candidate: Candidate, tree_digest: str) -> Traced:
        """Return what the trace of a version ends at."""
        from handrail.lineage import completeness_of, tree_uri

        version = ModelVersion(self._server, candidate.model, candidate.epoch, candidate.version)
        try:
            trace = self._lineage().trace(version.uri)
        except UnknownReference:
            return _traced({}, {}, (f"Lineage knows nothing of {version.uri}.",))
        found = completeness_of(trace, tree_uri(tree_digest))
        return _traced(found.commits, found.data, found.gaps)


def _traced(commits: Mapping[str, str], data: Mapping[str, str], gaps: Sequence[str]) -> Traced:
    shown = sorted(gaps)[:MOST_SHOWN]
    ends = digest_of([dict(commits), dict(data)])
    return Traced(tuple(sorted(commits))[:MOST_SHOWN], len(data), ends, len(gaps), tuple(shown))
