"""Predictions of a serving process: in the spool before the answer leaves, and moved into the log behind it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from contextlib import closing

from handrail.bootstrap import open_platform
from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.streams import SpoolTarget
from handrail.clock import EventClock
from handrail.errors import HandrailError
from handrail.feedback import Prediction
from handrail.settings import Settings

DRAIN_EVERY_S, RETRY_AFTER_S = 0.5, 5.0
"""How long what is spooled is collected before it is moved, and how long a log that is not there is left alone."""
PATIENCE_S = 5.0

_log = logging.getLogger("handrail.feedback")


class Recorder:
    """Keeps the predictions of this process; each fork of it has a file and a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        """Record in the project of `settings`; nothing is opened before `start` or the first prediction."""
        self.settings = settings
        self.now = EventClock(settings.replay_clock)
        self._spool = open_spool(settings)
        self._lock = threading.Lock()
        self._drainer: _Drainer | None = None

    def start(self) -> None:
        """Begin to move into the log what processes before this one left in the spool."""
        self._running().due.set()

    def keep(self, prediction: Prediction) -> None:
        """Write a prediction into the spool; call it before its answer leaves.

        Raises:
            Unavailable: it could not be written.
        """
        self._spool.append((prediction,))
        self._running().due.set()

    def close(self) -> None:
        """Move what is spooled into the log, as far as the log is there; a later prediction begins again."""
        try:
            self._spool.close()
        except HandrailError as err:
            _log.error("%s", err)
        with self._lock:
            drainer, self._drainer = self._drainer, None
        if drainer is not None and drainer.is_ours():
            atexit.unregister(self.close)
            drainer.stop()

    def _running(self) -> _Drainer:
        drainer = self._drainer
        if drainer is not None and drainer.is_ours() and drainer.thread.is_alive():
            return drainer
        with self._lock:
            if self._drainer is None or not self._drainer.is_ours() or not self._drainer.thread.is_alive():
                self._drainer = _Drainer(self)
                # Not every host says that it ends.
                atexit.unregister(self.close)
                atexit.register(self.close)
            return self._drainer

    def drain(self, target: SpoolTarget) -> None:
        """Move what is spooled into the log, or the stream that the settings name.

        Raises:
            HandrailError: it is not there; what is spooled stays there.
        """
        receipt = self._spool.drain(target.record)
        if receipt.conflicts:
            ids = ", ".join(receipt.conflicts[:3])
            _log.warning("%d prediction ids came again with another answer: %s.", len(receipt.conflicts), ids)


class _Drainer:
    """The thread of one process that moves what is spooled."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._process = os.getpid()
        self._stopping = threading.Event()
        self._said = ""
        self.due = threading.Event()
        self.thread = threading.Thread(target=self._run, name="handrail-spool-drain", daemon=True)
        self.thread.start()

    def is_ours(self) -> bool:
        return self._process == os.getpid()

    def stop(self) -> None:
        self._stopping.set()
        self.due.set()
        self.thread.join()

    def _run(self) -> None:
        with open_platform(self._recorder.settings, PATIENCE_S) as platform, closing(SpoolTarget(platform)) as target:
            is_last = False
            while not is_last:
                self.due.wait()
                self.due.clear()
                # The spool is closed before this is set: the last turn sees all of it.
                is_last = self._stopping.is_set()
                pause_s = self._drain(target)
                self._stopping.wait(pause_s)

    def _drain(self, target: SpoolTarget) -> float:
        """Move what is spooled; return how long to wait before the next time."""
        try:
            self._recorder.drain(target)
        except HandrailError as err:
            if str(err) != self._said:
                _log.warning("Predictions stay in the spool for now. %s", err)
            self._said = str(err)
            self.due.set()
            return RETRY_AFTER_S
        self._said = ""
        return DRAIN_EVERY_S
