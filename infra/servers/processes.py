"""Child processes, each with its own group: started with a log, kept apart from other processes, stopped as a whole."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STOP_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class ChildFiles:
    """Where a child runs, where its output goes, and the file that names it while it lives."""

    folder: Path
    log: Path
    record: Path


class Child:
    """One running command with everything that it started."""

    def __init__(self, process: subprocess.Popen[bytes], place: ChildFiles) -> None:
        """Wrap a process that leads its own group."""
        self._process = process
        self.place = place

    @classmethod
    def start(cls, command: str, environment: Mapping[str, str], place: ChildFiles) -> Child:
        """Run a shell line; its output is appended to the log, its pid recorded so that a later start finds it."""
        place.log.parent.mkdir(parents=True, exist_ok=True)
        place.record.parent.mkdir(parents=True, exist_ok=True)
        with place.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                env=dict(environment),
                cwd=place.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_default_signals,  # noqa: PLW1509 - runs two system calls, takes no lock
            )
        place.record.write_text(json.dumps({"pid": process.pid, "born": _born(process.pid)}), encoding="ascii")
        return cls(process, place)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def last_line(self) -> str:
        """Return the last line of the log that says something."""
        lines = self.place.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """Ask the group to end, wait, then end what is left of it. Stopping twice changes nothing."""
        if self.exit_code is None:
            _signal_group(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
        _signal_group(self.pid, signal.SIGKILL)
        self._process.wait()
        self.place.record.unlink(missing_ok=True)


def stop_left_over(record: Path) -> None:
    """End the group that an interrupted run left behind; another process that got its pid since is left alone."""
    try:
        left = json.loads(record.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    if _born(left["pid"]) == left["born"]:
        _signal_group(left["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while _born(left["pid"]) == left["born"] and time.monotonic() < deadline:
            time.sleep(0.1)
        if _born(left["pid"]) == left["born"]:
            _signal_group(left["pid"], signal.SIGKILL)
    record.unlink(missing_ok=True)


def _default_signals() -> None:
    # A background job of a non-interactive shell ignores SIGINT, and so would the Prefect worker's own shutdown.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _signal_group(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, what)


def _born(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks; None if it is gone or only waits to be reaped."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]
