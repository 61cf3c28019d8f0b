"""What lineage answers: traces back, impacts forward, and all about one node."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from handrail.errors import InvalidInput
from handrail.lineage.domain.facts import ColumnFact
from handrail.lineage.domain.graph import DigestConflict, Edge, Node
from handrail.lineage.domain.names import KNOWN_KINDS
from handrail.lineage.domain.timeline import Period, ends_in
from handrail.money import add_exactly

ENDS = ("model-version", "permit", "deployment", "feedback-snapshot", "report")
"""The kinds in which an impact ends, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that led to `start`, or that it led to: nodes nearest first, the hops that lead there, findings.

    A filter leaves out nodes, `hidden` of them, and the hops that lead to these; the walk went through them.
    """

    ref: str
    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    prediction_id: str | None = None
    truncated: bool = False
    conflicts: tuple[DigestConflict, ...] = ()
    hidden: int = 0

    @property
    def proven(self) -> int:
        """How many hops are proven; what a source has no say about is not."""
        return sum(edge.proven and edge.counts for edge in self.edges)


@dataclass(frozen=True, slots=True)
class Impact:
    """What `start` led to, by counts: `kinds` has the number of nodes of each kind, `start` itself included.

    `names` has the URIs of those of some kinds, `predictions` their number and `money` the amounts that feedback
    reports by currency, both by the URI of the deployment. `kind` is that of `start`, `failed` are the URIs of
    runs that failed or were aborted. All numbers are lower bounds if the walk was truncated. If only a `column` of
    `start` was followed, `columns` has the columns of each artifact that was not reached as a whole.
    """

    ref: str
    start: str
    kinds: Mapping[str, int]
    names: Mapping[str, Sequence[str]]
    predictions: Mapping[str, int]
    money: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    truncated: bool = False
    kind: str = ""
    failed: Sequence[str] = ()
    column: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of predictions."""
        return sum(self.predictions.values())

    @property
    def counts(self) -> dict[str, int]:
        """The number of nodes of each kind that it led to, without itself."""
        return {kind: left for kind, n in sorted(self.kinds.items()) if (left := n - (kind == self.kind))}

    @property
    def reached(self) -> int:
        """The number of nodes that it led to."""
        return sum(self.kinds.values()) - 1

    @property
    def total_money(self) -> dict[str, Decimal]:
        """The amounts by currency, exact."""
        totals: dict[str, Decimal] = {}
        for amounts in self.money.values():
            for currency, amount in amounts.items():
                totals[currency] = add_exactly([totals.get(currency, Decimal(0)), amount])
        return dict(sorted(totals.items()))


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the nodes that were reached, by URI; `next` is where the following page goes on, None at the end."""

    nodes: tuple[Node, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class NodeDetails:
    """All about one node: the hops to its direct causes and effects, where names pointed at it, findings about it.

    `ref` is what was asked for; `truncated` if it has more neighbours than are shown. `alternates` are other names of
    it, whose causes and effects are its own; `columns` say from which columns its own came, and which came from these.
    """

    node: Node
    causes: tuple[Edge, ...]
    effects: tuple[Edge, ...]
    pointers: tuple[Period, ...] = ()
    conflicts: tuple[DigestConflict, ...] = ()
    truncated: bool = False
    ref: str = ""
    alternates: tuple[str, ...] = ()
    columns: tuple[ColumnFact, ...] = ()

    @property
    def followed(self) -> tuple[str, ...]:
        """The moving names that `ref` fits and that point here now."""
        given = self.ref.removeprefix("models:/")
        return tuple(period.name for period in self.pointers if period.until is None and ends_in(period.name, given))


def check_kinds(kinds: Sequence[str], reached: Collection[str]) -> None:
    """Refuse a filter by an unknown kind that nothing has.

    Raises:
        InvalidInput: a kind is neither Handrail's own nor that of anything reached.
    """
    for kind in kinds:
        if kind not in reached and kind not in KNOWN_KINDS:
            here = ", ".join(sorted(reached)) or "nothing"
            raise InvalidInput("kind", f"{kind[:60]!r} is not a kind", f"Reached were: {here}.")
