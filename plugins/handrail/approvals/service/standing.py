"""Watches whether what aliases point at is what the gate has promoted, at the start and while the server runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from handrail.approvals.domain.people import folded
from handrail.approvals.domain.standing import Disagreement, Pointed, disagreements
from handrail.approvals.service.holding import WATCH, Holding
from handrail.errors import HandrailError
from handrail.manifest import digest_of

_log = logging.getLogger(__name__)


class StandingWatch:
    """Compares the registry with the ledger, and holds what disagrees so that at least it does not change further."""

    def __init__(self, holding: Holding) -> None:
        """Compare the two that `holding` uses, for the aliases that its rules protect."""
        self._holding = holding
        self._registry, self._index, self._rules = holding.registry, holding.index, holding.rules
        self._holds = holding.holds
        self._reported: frozenset[Disagreement] = frozenset()

    def look(self) -> Sequence[Disagreement]:
        """Return every alias whose target the gate did not set. Aliases that are being moved are left out.

        Raises:
            Unavailable: the registry or the ledger cannot be read.
        """
        found, moving = self._look()
        return [row for row in found if (row.model, folded(row.alias)) not in moving]

    @property
    def reported(self) -> tuple[Disagreement, ...]:
        """What the last look reported and still lasts; empty before the first."""
        return tuple(sorted(self._reported, key=lambda row: (row.model, row.alias)))

    def _look(self) -> tuple[Sequence[Disagreement], set[tuple[str, str]]]:
        moving = self._moving()

        def protected(row: Pointed) -> bool:
            return self._rules.protected(row.model, row.alias, prompt=row.prompt)

        found = disagreements(self._registry.listed_aliases(), self._index.promoted(), protected)
        return found, moving | self._moving()

    def _moving(self) -> set[tuple[str, str]]:
        unfinished = (history.request.subject for history in self._index.unfinished() if history.open_move)
        return {(subject.model, folded(subject.alias)) for subject in unfinished}

    def report(self) -> Sequence[Disagreement]:
        """Log and hold what disagrees, each once as long as it lasts, and release what the rule releases.

        A store that cannot be read is logged too.
        """
        try:
            every, moving = self._look()
            found = [row for row in every if (row.model, folded(row.alias)) not in moving]
            self._tend(every, found)
        except HandrailError as err:
            _log.error("Whether every alias points at what was promoted cannot be seen; it is tried again. %s", err)
            return ()
        new = [row for row in found if row not in self._reported]
        for row in new:
            _log.error(row.sentence)
        for row in self._reported.difference(found):
            _log.warning("The alias %r of %r is again as the gate has set it.", row.alias, row.model)
        self._reported = frozenset(found)
        return new

    def _tend(self, every: Sequence[Disagreement], found: Sequence[Disagreement]) -> None:
        """Hold what disagrees as long as it does; what is being moved just now keeps the hold that it has."""
        active = {holder for holder in self._holds.holders() if holder.startswith(WATCH)}
        for row in found:
            if row.version is not None and not any(holder.startswith(_name(row)) for holder in active):
                self._hold(row, f"{_name(row)}{self._holding.clock():%Y%m%dT%H%M%S%f}")
        names = tuple(map(_name, every))
        for holder in sorted(active):
            if not holder.startswith(names):
                self._holds.release(holder, self._holding.clock(), "The alias does not point at it around the gate.")
        for sentence in self._holding.tend():
            _log.info(sentence)

    def _hold(self, row: Disagreement, holder: str) -> None:
        try:
            self._holds.hold(self._registry.candidate(row.model, str(row.version)), holder)
        except HandrailError as err:
            _log.error("Version %s of %r cannot be held: %s", row.version, row.model, err)


def _name(row: Disagreement) -> str:
    """Return how the holders for one disagreement begin; it may end and come again, and what is released stays so."""
    return f"{WATCH}{digest_of([row.model, row.alias, row.version]).removeprefix('sha256:')[:20]}-"
