"""Writes notices in a thread of the server, so that no call waits for them."""

from __future__ import annotations

import threading

from handrail.approvals import Notices
from handrail.entrypoints.hosts.never_fail import never_fail

TOGETHER_S = 0.2
"""How long what follows is waited for: a decision and the move that it allows are written together."""


def keep_writing(notices: Notices, together_s: float = TOGETHER_S) -> threading.Event:
    """Write what has become of every request, and from then on what becomes of each.

    It ends when the event that is returned is set and something is due, or with the process.
    """
    ended = threading.Event()

    def write() -> None:
        notices.begin()
        while notices.due.woken.wait() and not ended.is_set():
            ended.wait(together_s)
            with never_fail("what the gate writes on versions"):
                notices.write()

    threading.Thread(target=write, name="handrail-notices", daemon=True).start()
    return ended
