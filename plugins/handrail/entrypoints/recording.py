"""Lineage written from inside another tool: opened once in a process, and never in that tool's way."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.lineage import Lineage
from handrail.errors import HandrailError

_log = logging.getLogger("handrail.lineage")


def record(what: str, write: Callable[[Lineage], object], opener: Callable[[], Platform] | None = None) -> bool:
    """Call `write` with the lineage of the project around the current folder; tell whether it was recorded.

    `opener` gives another platform than that of the current folder.

    What lineage refuses, or a store that is not there, never fails the tool that is being recorded: the log says in a
    sentence what is missing.
    """
    try:
        write((opener or platform_here)().lineage)
    except HandrailError as err:
        _log.warning("Lineage does not know of %s. %s", what, err)
        return False
    return True


def platform_here() -> Platform:
    """Return this process's platform of the project around the current folder; a fork opens its own.

    Raises:
        Misconfigured: its settings cannot be used.
    """
    told = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("HANDRAIL_")))
    return _open(os.getpid(), Path.cwd(), told)


@lru_cache(maxsize=8)
def _open(process: int, folder: Path, told: tuple[tuple[str, str], ...]) -> Platform:  # noqa: ARG001 - the key
    return open_platform()
