"""DVC as a program in a separate process group, so that ending it ends the stage that it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROUTINE = (
    "ERROR: failed to reproduce",
    "> ",
    "Running stage",
    "Updating lock file",
    "Use `dvc push`",
    "To track",
    "Having any",
)


def run_dvc(
    project: Path, arguments: Sequence[str], environment: Mapping[str, str], report: Callable[[str], None] | None
) -> tuple[int, list[str]]:
    """Run DVC in `project`; return its exit code and the lines that it and its stage printed.

    `report` gets each line as it is printed. Whatever interrupts this call ends DVC and its stage together: DVC alone
    would leave the stage running.
    """
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        has_ended = False
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if report is not None:
                    report(line.rstrip())
            code = process.wait()
            has_ended = True
        finally:
            if not has_ended:
                _interrupt(process)
    return code, lines


def sentence_of(lines: Sequence[str]) -> str:
    """Return the line that says what happened, without its full stop."""
    printed = [line for line in lines if line.strip()]
    own = [line for line in printed if not line.startswith(ROUTINE)]
    return (own or printed or ["it printed nothing"])[-1].removeprefix("ERROR: ").rstrip(".")


def _interrupt(process: subprocess.Popen[str]) -> None:
    for what, within_s in ((signal.SIGINT, 20), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, what)
            process.wait(within_s)
            return
