"""The doctor: looks for everything that would make an answer of lineage incomplete or wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from handrail.clock import Clock
from handrail.errors import HandrailError, InvalidInput
from handrail.lineage.domain.flaws import Coverage, Flaw
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.limits import MAX_NODES
from handrail.lineage.ports import GraphAudit, GraphStore

PATIENCE = timedelta(days=1)
NOT_CHECKED = "not-checked"
IN_THE_WAY = (TypeError, ValueError, ArithmeticError, AttributeError, HandrailError)
"""What reading a value of another type, or beyond its range, may end in."""
COMMIT, DATA, SHA256 = "git-commit", "dvc-data", "sha256:"


@dataclass(frozen=True, slots=True)
class DoctorPorts:
    """What the doctor looks at.

    `changed_files` returns a flaw for each file of a project that is not what its pipeline's last run left,
    `impossible` a flaw for each value of the store that its column cannot hold, `altered` by what it looks at a flaw
    for each row of the store that is not as it was recorded, as far as other rows show it,
    `registrations` by the URI of a deployment the URIs of what it was registered with, `predictions` how many
    predictions it made.
    """

    graph: GraphStore
    audit: GraphAudit
    changed_files: Callable[[Path], Sequence[Flaw]]
    impossible: Callable[[], Sequence[Flaw]]
    altered: Mapping[str, Callable[[], Sequence[Flaw]]]
    registrations: Callable[[], Mapping[str, Sequence[str]]]
    predictions: Callable[[], Mapping[str, int]]
    clock: Clock


class Doctor:
    """Finds flaws, and changes nothing."""

    def __init__(self, ports: DoctorPorts) -> None:
        self._ports = ports

    def check(self, project: Path) -> tuple[Flaw, ...]:
        """Return every flaw of the graph, of the predictions' links and of the files of `project`, each once.

        A value that cannot be, which only an edit of the database leaves, is a flaw itself. Whatever cannot be looked
        at because of it is named as not checked; the rest is.
        """
        overdue = self._ports.clock() - PATIENCE
        looks: Mapping[str, Callable[[], Iterable[Flaw]]] = {
            "the links of the graph": lambda: self._ports.audit.flaws(overdue=overdue),
            **self._ports.altered,
            "digests that contradict": self._contradictions,
            "what deployments were registered with": self._registrations,
            "what predictions lead back to": self._predictions,
        }
        impossible = self._ports.impossible()
        found = {*impossible, *self._ports.changed_files(project)}
        for what, look in looks.items():
            try:
                found |= {*look()}
            except InvalidInput as err:
                found.add(Flaw(NOT_CHECKED, what, f"a row cannot be read: {err}"))
            except IN_THE_WAY:
                if not impossible:
                    raise
                found.add(Flaw(NOT_CHECKED, what, "a value that cannot be is in the way: see impossible-value"))
        # The name of a row may be such a value itself.
        return tuple(sorted(Flaw(one.kind, str(one.subject), str(one.detail)) for one in found))

    def is_empty(self) -> bool:
        """Return whether nothing at all was recorded, so that a check means nothing."""
        return self._ports.audit.is_empty()

    def coverage(self) -> Coverage:
        """Count all predictions, and those whose deployment leads back to a commit and to data with a sha256.

        Both counts are 0 where a value that cannot be is in the way: the flaws name it.
        """
        try:
            counts = list(self._deployments())
            traced = sum(count for uri, count in counts if self._judge(uri, count) is None)
        except IN_THE_WAY:
            if not self._ports.impossible():
                raise
            return Coverage(0, 0)
        return Coverage(sum(count for _, count in counts), traced)

    def _contradictions(self) -> Iterator[Flaw]:
        for conflict in self._ports.graph.conflicts():
            others = ", ".join(conflict.others)
            yield Flaw("two-digests", conflict.uri, f"{conflict.first} is used, and it was also claimed as {others}")

    def _registrations(self) -> Iterator[Flaw]:
        for deployment, named in sorted(self._ports.registrations().items()):
            walk = self._ports.graph.walk(deployment, Direction.CAUSES, MAX_NODES)
            reached = {node.uri for node in walk.nodes} if walk and not walk.truncated else {*named}
            for uri in sorted({*named} - reached):
                yield Flaw("deployment-differs", deployment, f"it was registered with {uri}, which did not lead to it")

    def _predictions(self) -> Iterator[Flaw]:
        for deployment, count in self._deployments():
            if flaw := self._judge(deployment, count):
                yield flaw

    def _deployments(self) -> Iterator[tuple[str, int]]:
        """Return the deployments that made predictions, and how many."""
        return ((uri, count) for uri, count in sorted(self._ports.predictions().items()) if count)

    def _judge(self, deployment: str, count: int) -> Flaw | None:
        """Follow a deployment back to a commit and to data with a sha256; None if both are reached."""
        walk = self._ports.graph.walk(deployment, Direction.CAUSES, MAX_NODES)
        if walk is None:
            return Flaw(
                "unlinked-predictions", deployment, f"lineage does not know what made its {count:,} predictions"
            )
        if walk.truncated:
            return Flaw("too-large-to-check", deployment, f"more than {MAX_NODES:,} nodes led to it")
        if not any(node.kind == COMMIT for node in walk.nodes):
            return Flaw("predictions-without-commit", deployment, f"no commit led to its {count:,} predictions")
        if not any(node.kind == DATA and (node.digest or "").startswith(SHA256) for node in walk.nodes):
            return Flaw("predictions-without-data", deployment, f"no sha256 of data led to its {count:,} predictions")
        return None
