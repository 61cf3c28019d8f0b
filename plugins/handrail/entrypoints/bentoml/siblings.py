"""What the other processes of a service say of themselves, in the folder that their metrics share.

A process that is still loading accepts no connection yet, so it says nothing; one that may not serve accepts and
answers 503: then the service as a whole is not ready, whichever process is asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

READY = "handrail_serving_ready"
ELSEWHERE = "Another process of this service serves no model: some requests would be refused. Its log says why."


def gauges(mode: str) -> Iterator[Path]:
    """Yield the files of the processes' gauges of a mode, as prometheus_client names them."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        yield from Path(folder).glob(f"gauge_{mode}_*.db")


def pid_of(file: Path) -> int:
    """Return whose file it is."""
    return int(file.stem.rpartition("_")[2])


def is_alive(pid: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def elsewhere_not_ready() -> str | None:
    """Return a sentence if another process of this service accepts requests and may not serve; else None."""
    for file in gauges("livemin"):
        if pid_of(file) != os.getpid() and is_alive(pid_of(file)) and _says_no(file):
            return ELSEWHERE
    return None


def _says_no(file: Path) -> bool:
    from prometheus_client.mmap_dict import MmapedDict

    try:
        found = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
        return any(json.loads(key)[0] == READY and value == 0 for key, value, *_ in found)
    except (OSError, ValueError):
        return False
