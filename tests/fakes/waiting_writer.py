"""Holds the first write back until other callers wait for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

DEADLINE_S = 20


def while_one_writes(held, group, first, others):
    """Start a call, then the others; let the first go when all others wait; return the result or error of each.

    `held` has the events `entered`, which its write sets, and `go`, for which its write waits.
    """
    with ThreadPoolExecutor(len(others) + 1) as pool:
        calls = [pool.submit(first)]
        assert held.entered.wait(DEADLINE_S)
        calls += map(pool.submit, others)
        deadline = time.monotonic() + DEADLINE_S
        while group.waiting() < len(others) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        held.go.set()
        return [call.exception() or call.result() for call in calls]
