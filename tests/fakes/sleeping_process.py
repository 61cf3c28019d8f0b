"""Waits until a process waits: Ctrl-C between Python's last look for signals and a call that blocks is noticed late."""

from __future__ import annotations

import threading
import time
from pathlib import Path

DEADLINE_S = 60
PAUSE_S = 0.01


def wait_until_asleep(pid: int) -> None:
    """Return when the main thread of a process waits for something."""
    deadline = time.monotonic() + DEADLINE_S
    while _state(pid) != "S":
        assert time.monotonic() < deadline, f"process {pid} is still busy"
        threading.Event().wait(PAUSE_S)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
