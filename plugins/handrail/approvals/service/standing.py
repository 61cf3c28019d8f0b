"""Watches whether what aliases point at is what the gate has promoted, at the start and while the server runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from handrail.approvals.domain.people import folded
from handrail.approvals.domain.standing import Disagreement, disagreements
from handrail.approvals.ports import Holds, Registry, RequestIndex, RuleBook
from handrail.errors import HandrailError

_log = logging.getLogger(__name__)


class StandingWatch:
    """Compares the registry with the ledger, and holds what disagrees so that at least it does not change further."""

    def __init__(self, registry: Registry, index: RequestIndex, rules: RuleBook, holds: Holds) -> None:
        """Compare these two, for the aliases that the rules protect."""
        self._registry = registry
        self._index = index
        self._rules = rules
        self._holds = holds
        self._reported: frozenset[Disagreement] = frozenset()

    def look(self) -> Sequence[Disagreement]:
        """Return every alias whose target the gate did not set. Aliases that are being moved are left out.

        Raises:
            Unavailable: the registry or the ledger cannot be read.
        """
        moving = self._moving()
        found = disagreements(self._registry.listed_aliases(), self._index.promoted(), self._rules.protected)
        still = self._moving()
        return [row for row in found if (row.model, folded(row.alias)) not in moving | still]

    def _moving(self) -> set[tuple[str, str]]:
        unfinished = (history.request.subject for history in self._index.unfinished() if history.open_move)
        return {(subject.model, folded(subject.alias)) for subject in unfinished}

    def report(self) -> Sequence[Disagreement]:
        """Log and hold what disagrees, each once as long as it lasts; a store that cannot be read is logged too."""
        try:
            found = self.look()
        except HandrailError as err:
            _log.error("Whether every alias points at what was promoted cannot be seen; it is tried again. %s", err)
            return ()
        new = [row for row in found if row not in self._reported]
        for row in new:
            _log.error(row.sentence)
            self._hold(row)
        for row in self._reported.difference(found):
            _log.warning("The alias %r of %r is again as the gate has set it.", row.alias, row.model)
        self._reported = frozenset(found)
        return new

    def _hold(self, row: Disagreement) -> None:
        if row.version is None:
            return
        try:
            self._holds.hold(self._registry.candidate(row.model, str(row.version)))
        except HandrailError as err:
            _log.error("Version %s of %r cannot be held: %s", row.version, row.model, err)
