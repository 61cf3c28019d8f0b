"""What the server looks at by itself, at its start and every minute."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from handrail.approvals import RuleWatch
from handrail.bootstrap.approvals import OpenGate
from handrail.clock import system_time

EVERY_S = 60.0


@dataclass
class Looks:
    """When the watch last looked at everything."""

    last: datetime | None = None


def keep_watch(opened: OpenGate, looks: Looks, every_s: float = EVERY_S) -> threading.Event:
    """Look now and again and again: report what the gate did not set and files that only propose, end what has expired.

    The watch ends when the event that is returned is set, or with the process.
    """
    watches, gate, ended = (opened.watch, RuleWatch(opened.rules)), opened.gate, threading.Event()

    def look() -> None:
        for watch in watches:
            watch.report()
        gate.expiry.sweep()
        gate.glass.watch()
        opened.outside.attempts.flush()
        opened.notices.retry()
        looks.last = system_time()

    def look_again() -> None:
        while not ended.wait(every_s):
            look()

    look()
    threading.Thread(target=look_again, name="handrail-watch", daemon=True).start()
    return ended
