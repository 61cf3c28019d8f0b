"""Moving names: which one is meant, where it pointed, and who allowed that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from handrail.errors import UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference, NotYetSet
from handrail.lineage.domain.graph import Direction, Pointer
from handrail.lineage.domain.timeline import Period, match_name, periods
from handrail.lineage.domain.vocabulary import Verb
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.references import References, check_reference, close_to

NEARBY = 1_000
MODELS = "models:/"


class Names:
    """Answers questions about moving names."""

    def __init__(self, ports: LineagePorts) -> None:
        self._ports = ports

    @property
    def _references(self) -> References:
        return References(self._ports)

    def nearest(self, ref: str) -> tuple[str, ...]:
        """Return known names that are written much as `ref` is, the nearest first; for a sentence that says so."""
        return tuple(self._references.nearest(ref))

    def names_beginning(self, begin: str, most: int) -> tuple[str, ...]:
        """Return up to `most` known names that begin so, in their order; of very many some are left out."""
        return tuple(self._references.beginning(begin, most))

    def moving_name(self, given: str) -> str:
        """Return the moving name that is meant: itself, its end or a part, or the one that points at what is named.

        Raises:
            UnknownReference: no name fits, and none points at what is named.
            AmbiguousReference: several names fit.
        """
        names = match_name(given.removeprefix(MODELS), self._ports.pointers.names()) or self._pointing_at(given)
        if len(names) > 1:
            raise AmbiguousReference(given, names)
        return names[0]

    def _pointing_at(self, given: str) -> Sequence[str]:
        try:
            uri = self._deployment_of(given) or self._references.resolve(given)
        except UnknownReference as err:
            remedy = close_to(self.nearest(given)) or "Name an alias or a slot that was set, such as champion."
            raise UnknownReference("pointer", given, remedy) from err
        names = self._ports.pointers.names(uri)
        if not names:
            raise UnknownReference("pointer", given, f"No name ever pointed at {uri}. Name an alias or a slot.")
        return names

    def pointer_at(self, name: str, at: datetime) -> Pointer | None:
        """Return what a moving name pointed at; None if it was never set by then."""
        return self._ports.pointers.at(name, at)

    def pointer_names(self) -> tuple[str, ...]:
        """Return every moving name that was ever set."""
        return self._ports.pointers.names()

    def pointer_history(self, name: str) -> tuple[Pointer, ...]:
        """Return every move of a name, oldest first."""
        return self._ports.pointers.history(name)

    def timeline(self, name: str, at: datetime | None = None) -> tuple[Period, ...]:
        """Return where a moving name pointed, from when until when, and who allowed it; oldest first.

        `name` as in `moving_name`; with `at` only the period at that moment is returned.

        Raises:
            UnknownReference: no name fits.
            NotYetSet: the name was first set later.
            AmbiguousReference: several names fit.
        """
        meant = self.moving_name(name)
        found = periods(self._ports.pointers.history(meant))
        if at is not None:
            first, found = found[0].since, tuple(period for period in found if period.covers(at))
            if not found:
                raise NotYetSet(meant, first, at)
        return tuple(replace(period, agents=self._agents_of(period.by)) for period in found)

    def _agents_of(self, uri: str) -> tuple[str, ...]:
        """Return who answers for a permit, or the agent itself."""
        if uri.startswith("actor://"):
            return (uri,)
        walk = self._ports.graph.walk(uri, Direction.CAUSES, NEARBY)
        if walk is None:
            return ()
        made = [edge for edge in walk.edges if edge.effect == uri and edge.verb is Verb.GENERATED]
        makers = {edge.cause for edge in made if edge.counts}
        with_whom = [edge for edge in walk.edges if edge.effect in makers and edge.verb is Verb.ASSOCIATED_WITH]
        return tuple(edge.cause for edge in with_whom if edge.counts)

    def _deployment_of(self, ref: str) -> str | None:
        """Return the deployment of a prediction; None if `ref` is not the id of a prediction."""
        return None if "://" in check_reference(ref) else self._ports.predictions.deployment_of(ref)
