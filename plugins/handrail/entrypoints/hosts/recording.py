"""Lineage written from inside another tool: opened once in a process, and never in that tool's way."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from handrail.bootstrap import Platform, open_platform
from handrail.errors import HandrailError, Unavailable
from handrail.lineage import Lineage

PATIENCE_S = 5.0
"""How long the recorded tool is held up, at most, by a store that somebody else has locked."""

_log = logging.getLogger("handrail.lineage")


def record(what: str, write: Callable[[Lineage], object], opener: Callable[[], Platform] | None = None) -> bool:
    """Call `write` with the lineage of the project around the current folder; tell whether it was recorded.

    `opener` gives another platform than that of the current folder.

    What lineage refuses, a store that is not there or is damaged, a folder that is gone: nothing of this ever fails the
    tool that is being recorded. The log says in a sentence what is missing.
    """
    try:
        write((opener or platform_here)().lineage)
    except HandrailError as err:
        _log.warning("Lineage does not know of %s. %s", what, err)
        return False
    except Exception:  # noqa: BLE001 - no mistake in recording may fail what is recorded
        _log.exception("Lineage does not know of %s.", what)
        return False
    return True


def platform_here() -> Platform:
    """Return this process's platform of the project around the current folder; a fork opens its own.

    Raises:
        Misconfigured: its settings cannot be used.
        Unavailable: the current folder was removed.
    """
    told = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("HANDRAIL_")))
    try:
        here = Path.cwd()
    except OSError as err:
        raise Unavailable("The current folder", "it was removed", "Start again from one that is there.") from err
    return _open(os.getpid(), here, told)


@lru_cache(maxsize=8)
def _open(process: int, folder: Path, told: tuple[tuple[str, str], ...]) -> Platform:  # noqa: ARG001 - the key
    return open_platform(patience_s=PATIENCE_S)
