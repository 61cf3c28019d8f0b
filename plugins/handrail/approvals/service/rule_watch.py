"""Says which files only propose, each once as long as it lasts."""

from __future__ import annotations

import logging

from handrail.approvals.service.rule_changes import RuleChanges
from handrail.errors import HandrailError

_log = logging.getLogger(__name__)


class RuleWatch:
    """Compares the files with what is in force, at the start and while the server runs."""

    def __init__(self, changes: RuleChanges) -> None:
        """Look at these."""
        self._changes = changes
        self._reported: frozenset[str] = frozenset()

    def report(self) -> None:
        """Log what the files only propose; a store that cannot be read is logged too."""
        try:
            found = self._changes.look()
        except HandrailError as err:
            _log.error("Whether the files say what is in force cannot be seen; it is tried again. %s", err)
            return
        for sentence in found:
            if sentence not in self._reported:
                _log.warning(sentence)
        self._reported = frozenset(found)
