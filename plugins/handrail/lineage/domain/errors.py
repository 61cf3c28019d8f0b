"""What lineage refuses, beyond the errors that all plugins share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from handrail.errors import Conflict, Contradiction, InvalidInput, Refused, UnknownReference


class CycleRefused(Contradiction):
    """A fact would make something its own cause; `edges` are those that close the circle, as sentences."""

    def __init__(self, edges: Sequence[str]) -> None:
        self.edges = tuple(edges)
        super().__init__(
            "Recording a cycle",
            (
                f"These edges close a circle: {'; '.join(edges)}.",
                "Nothing was recorded; give each version its own name, in an OpenLineage event by the `version` facet.",
            ),
        )


class RoleConflict(Conflict):
    """The same URI was used before for another sort of node (artifact, activity, agent)."""

    def __init__(self, uri: str, held: str, given: str) -> None:
        super().__init__("node", uri, f"It is an {held} and was now given as an {given}; nothing was recorded.")
        self.uri, self.held, self.given = uri, held, given


class OutOfScope(Refused):
    """A token does not allow what its holder attempted; `option` is what would allow it."""

    def __init__(self, action: str, holder: str, attempt: str, option: str) -> None:
        remedy = f"Make another token that allows it, with {option}: handrail lineage token create."
        super().__init__(action, (f"The token of {holder} does not allow to {attempt}.", remedy))
        self.holder, self.attempt, self.option = holder, attempt, option


class AmbiguousReference(InvalidInput):
    """A prefix or a path names several nodes; `candidates` holds these, of more than `MOST` some."""

    SHOWN = 5
    MOST = 100

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        self.prefix, self.candidates = prefix, tuple(candidates)
        shown, left = ", ".join(candidates[: self.SHOWN]), len(candidates) - self.SHOWN
        if left > 0:
            shown += f" and {left} more" if len(candidates) <= self.MOST else f" and more than {left - 1} more"
        super().__init__("ref", f"{prefix!r} fits several nodes: {shown}", "Give more of the one you mean.")


class NotYetSet(UnknownReference):
    """A moving name was first set after the moment that was asked for."""

    def __init__(self, name: str, first: datetime, asked: datetime) -> None:
        super().__init__("moving name", name, "Ask for then or later.", field="at")
        self.problem = f"the name {name!r} was first set at {first.isoformat()}, not by {asked.isoformat()}"
        self.first, self.asked = first, asked
