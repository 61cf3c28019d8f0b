"""Lineage written from inside another tool: opened once in a process, and never in that tool's way."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from handrail.bootstrap import Platform, open_platform
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.errors import Unavailable
from handrail.lineage import Lineage

PATIENCE_S = 5.0
"""How long the recorded tool waits, at most, for a store that another process has locked."""


def record(
    what: str,
    write: Callable[[Lineage], object],
    opener: Callable[[], Platform] | None = None,
    level: int = logging.WARNING,
) -> bool:
    """Call `write` with the lineage of the project around the current folder; return whether it was recorded.

    `opener` gives another platform than that of the current folder; a failure is logged at `level`.

    Refusals of lineage, a store that is missing or damaged, a removed folder: none of these fails the tool that is
    recorded. The log names in one sentence what is missing.
    """
    with never_fail(what, level) as attempt:
        write((opener or platform_here)().lineage)
    return attempt.done


def platform_here() -> Platform:
    """Return this process's platform of the project around the current folder; a fork opens its own.

    Raises:
        Misconfigured: its settings cannot be used.
        Unavailable: the current folder was removed.
    """
    variables = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("HANDRAIL_")))
    try:
        here = Path.cwd()
    except OSError as err:
        raise Unavailable("The current folder", "it was removed", "Start again from one that is there.") from err
    return _open(os.getpid(), here, variables)


@lru_cache(maxsize=8)
def _open(process: int, folder: Path, variables: tuple[tuple[str, str], ...]) -> Platform:  # noqa: ARG001 - the key
    return open_platform(patience_s=PATIENCE_S)
