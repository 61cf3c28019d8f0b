"""The counters of the permits that were used here, in one file: an older permit than one of them is a step back."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail.approvals.domain.permit import Permit
from handrail.errors import Misconfigured
from handrail.files import replace_file, unwritable
from handrail.manifest import canonical_json, digest_of

REMEDY = "Restore it. Removing it means that older permits are taken again."


class SeenCounters:
    """Remembers the highest counter of each use."""

    def __init__(self, file: Path) -> None:
        """Keep them in this file, made at the first permit."""
        self._file = file

    def why_older(self, permit: Permit) -> str | None:
        """Return why this permit is a step back, None if it is not.

        Raises:
            Misconfigured: the file cannot be read: without it nobody knows.
        """
        seen, counter = self._counters().get(_key(permit), 0), permit.terms.counter if permit.terms else 0
        if counter >= seen:
            return None
        return f"The permit has the counter {counter}, and {seen} was used here before, for {permit.use}."

    def keep(self, permit: Permit) -> None:
        """Remember the permit's counter.

        Raises:
            Unavailable: the file cannot be written.
        """
        if permit.terms is None:
            return
        with self._locked():
            counters = self._counters()
            if counters.get(_key(permit), 0) < permit.terms.counter:
                counters[_key(permit)] = permit.terms.counter
                replace_file(self._file, canonical_json({"version": 1, "counters": counters}), mode=0o600)

    def _counters(self) -> dict[str, int]:
        try:
            content = json.loads(self._file.read_bytes())
            if content["version"] != 1:
                raise ValueError("it is of another version")
            return {str(key): int(counter) for key, counter in content["counters"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise Misconfigured(str(self._file), f"it holds no counters of permits: {err}", REMEDY) from err

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with unwritable(self._file, REMEDY):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._file.with_name(f".{self._file.name}.lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _key(permit: Permit) -> str:
    return digest_of(permit.use.to_json())
