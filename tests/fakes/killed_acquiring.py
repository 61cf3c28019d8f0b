"""`handrail acquire` in processes of their own, each killed at one of its moments: SIGKILL, which nothing survives.

Processes are forked from a server that has imported everything, so that many of them are cheap.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from handrail.acquisition.adapters import feast_online_table, message_source, sql_row_store, sql_watermarks
from handrail.bootstrap import acquisition
from handrail.entrypoints.cli import build
from handrail.errors import HandrailError

MOMENTS = ("read", "inserted", "kept", "noted", "pushed", "confirmed")
"""Before a page is kept; within its transaction; after that; after the watermark; after the push; after it is said."""
AGAIN_AFTER_S = 0.5
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.fakes.killed_acquiring"])


def start(project: Path, *arguments: str, die_at: tuple[str, int] | None = None) -> Any:
    """Start the command in a project; the process dies at the n-th time that it reaches a moment.

    It has the variables of now: those of the server are of when the first process was started.
    """
    process = _context.Process(target=_run, args=(project, arguments, die_at, dict(os.environ)))
    process.start()
    return process


def _run(
    project: Path, arguments: tuple[str, ...], die_at: tuple[str, int] | None, environment: dict[str, str]
) -> None:
    os.chdir(project)
    os.environ.clear()
    os.environ |= environment | {"HANDRAIL_PROJECT": str(project), "HANDRAIL_HOME": str(project / ".handrail")}
    acquisition.AGAIN_AFTER_S = AGAIN_AFTER_S
    if die_at is not None:
        _lay_in_wait(*die_at)
    log = (project / "log.txt").open("a", buffering=1)
    sys.stdout = sys.stderr = log
    try:
        build()(["acquire", *arguments], standalone_mode=False)
    except HandrailError as err:
        log.write(f"{err}\n")
        sys.exit(1)


def _lay_in_wait(moment: str, count: int) -> None:
    left = [count]

    def passed(reached: str) -> None:
        if reached == moment:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    store, online = sql_row_store.SqlRowStore, feast_online_table.FeastOnlineTable
    store.append = _around(store.append, lambda: passed("read"), lambda: passed("kept"))  # type: ignore[method-assign]
    written: Any = sql_row_store
    written.insert = _around(written.insert, after=lambda: passed("inserted"))
    marks = sql_watermarks.SqlWatermarks
    marks.note = _around(marks.note, after=lambda: passed("noted"))  # type: ignore[method-assign]
    online.push = _around(online.push, after=lambda: passed("pushed"))  # type: ignore[method-assign]
    source = message_source.MessageSource
    source.confirm = _around(source.confirm, after=lambda: passed("confirmed"))  # type: ignore[method-assign]


def _around(
    work: Callable[..., Any], before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        before()
        found = work(*args, **kwargs)
        after()
        return found

    return run


with suppress(ImportError):
    # What a child would import otherwise, each time.
    import handrail.entrypoints.feast.offline_store
    import handrail.entrypoints.feast.provider  # noqa: F401
