"""What the server refused: counted by kind for the metrics, and noted in the log where it matters."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from handrail.approvals import AttemptKind, Attempts, NotEligible, Protected
from handrail.errors import HandrailError

NOBODY = "nobody known"


class Refusals:
    """One for a server; it never changes an answer."""

    def __init__(self, attempts: Attempts) -> None:
        """Note alarms with these."""
        self._attempts = attempts
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()

    @property
    def kinds(self) -> Mapping[str, int]:
        """How often which error was the gate's answer since the start, direct attempts left out."""
        with self._lock:
            return dict(self._kinds)

    @property
    def attempts(self) -> Mapping[AttemptKind, int]:
        """How many attempts of each kind were refused since the start."""
        return self._attempts.total

    def direct(self, error: Protected, account: str | None) -> None:
        """Remember a call of MLflow that tried what only the gate may do."""
        self._attempts.refused(AttemptKind.DIRECT, account or NOBODY, str(error))

    def answered(self, error: HandrailError, account: str | None) -> None:
        """Remember an error that is the answer of one of the gate's own routes."""
        with self._lock:
            self._kinds[type(error).__name__] += 1
        if isinstance(error, NotEligible):
            self._attempts.refused(AttemptKind.DECISION, account or NOBODY, str(error))

    def unknown_system(self, sentence: str, scheme: str) -> None:
        """Remember a call with a secret or a signature that is not the one in the settings."""
        with self._lock:
            self._kinds["NotLoggedIn"] += 1
        self._attempts.refused(AttemptKind.CONFIRMATION, scheme, sentence)
