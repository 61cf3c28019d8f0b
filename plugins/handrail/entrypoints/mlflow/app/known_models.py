"""What of a registered model never changes while it is there, asked of MLflow's database once and not in each call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """When a registered model was made, in milliseconds, and whether it is a prompt: the tag for that is reserved."""

    epoch: int
    is_prompt: bool


class KnownModels:
    """Remembers registered models by name until any is made, deleted or renamed through this server."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._changes = 0

    def find(self, name: str, read: Callable[[str], Any]) -> Known:
        """Return what is known of a model, which `read` gets from MLflow; what that raises is raised."""
        with self._lock:
            if name in self._known:
                return self._known[name]
            changes = self._changes
        model = read(name)
        found = Known(int(model.creation_timestamp), bool(model._is_prompt()))
        with self._lock:
            # What was read before a change may be from before it, and is not kept.
            if changes == self._changes and len(self._known) < MOST_KNOWN:
                self._known[name] = found
        return found

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Enclose a call that makes, deletes or renames a model."""
        try:
            yield
        finally:
            with self._lock:
                self._changes += 1
                self._known.clear()
