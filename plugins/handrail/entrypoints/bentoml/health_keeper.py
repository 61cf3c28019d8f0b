"""Writes what a serving process counted into the record of health, now and then, from any thread."""

from __future__ import annotations

import logging
from time import monotonic

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_health
from handrail.delivery import HealthRecords
from handrail.entrypoints.bentoml.watch import Watch
from handrail.errors import HandrailError

KEEP_EVERY_S = 10.0

_log = logging.getLogger("handrail.bentoml")


class HealthKeeper:
    """Keeps samples every ten seconds; while the store is away they wait, and one sentence says so."""

    def __init__(self, platform: Platform, watch: Watch) -> None:
        """Keep what `watch` counts; nothing is opened before it is due."""
        self._platform, self._watch = platform, watch
        self._records: HealthRecords | None = None
        self._due = 0.0
        self._said = ""

    def is_due(self) -> bool:
        """Say whether it is time to keep again."""
        return monotonic() >= self._due

    def keep(self) -> None:
        """Write down what was counted."""
        self._due = monotonic() + KEEP_EVERY_S
        try:
            if self._records is None:
                self._records = open_health(self._platform)
            self._watch.keep(self._records)
            self._said = ""
        except HandrailError as err:
            if str(err) != self._said:
                _log.warning("The record of health waits: %s", err)
            self._said = str(err)
