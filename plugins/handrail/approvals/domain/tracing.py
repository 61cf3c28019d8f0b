"""What the trace of a candidate in lineage ends at, as the gate saw it itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handrail.manifest import digest_of

COMPLETE = "complete"
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Traced:
    """How many commits and pieces of data a trace ends at, the digest of these ends, and how many gaps it has.

    `examples` are sentences about the first gaps, at most `MOST_SHOWN`.
    """

    commits: tuple[str, ...]
    data: int
    ends: str
    gaps: int
    examples: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """What a request binds: `complete`, or the digest of what is missing."""
        return digest_of([self.gaps, list(self.examples)]) if self.gaps else COMPLETE

    @property
    def contradicts_itself(self) -> bool:
        """Whether it says complete without a commit or without data."""
        return not self.gaps and not (self.commits and self.data)

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {
            "commits": list(self.commits),
            "data": self.data,
            "ends": self.ends,
            "gaps": self.gaps,
            "examples": list(self.examples),
        }
