"""What lineage refuses, beyond the errors of the house."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.errors import Conflict, InvalidInput, Refused


class CycleRefused(Refused):
    """A fact would make something its own cause; `edges` are those that close the circle, as sentences."""

    def __init__(self, edges: Sequence[str]) -> None:
        self.edges = tuple(edges)
        super().__init__(
            "Recording a cycle",
            (
                f"These edges close a circle: {'; '.join(edges)}.",
                "Nothing was recorded; name each version of its own, in an OpenLineage event by the `version` facet.",
            ),
        )


class RoleConflict(Conflict):
    """The same URI was used before for another sort of node (artifact, activity, agent)."""

    def __init__(self, uri: str, held: str, given: str) -> None:
        super().__init__("node", uri, f"It is an {held} and was now given as an {given}; nothing was recorded.")


class AmbiguousReference(InvalidInput):
    """A prefix or a path names several nodes; `candidates` holds some of them."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        self.candidates = tuple(candidates)
        shown = ", ".join(candidates[:5]) + (", ..." if len(candidates) > 5 else "")
        super().__init__("reference", f"{prefix!r} fits several nodes: {shown}", "Give more of the one you mean.")
