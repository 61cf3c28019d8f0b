"""`make up`: everything that has a UI under one supervisor (honcho), until Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from honcho.manager import Manager
from honcho.printer import Printer

from flows.steps.project.workspace import follow, uncommitted
from handrail.errors import HandrailError, Unavailable
from handrail.settings import Settings, load_settings
from infra.servers.processes import stop_left_over
from infra.servers.supervisor import KINDS, commands, environment, require_free_ports

ASKED_TO_STOP = (0, 130, 143)


def main() -> int:
    """Run the servers until Ctrl-C, or until one of them ends; return the exit code."""
    try:
        own = load_settings()
        settings = choose_state(own)
        for name in KINDS:
            stop_left_over(settings.home / "run" / f"{name}.json")
        require_free_ports(settings)
        for sentence in works_in(settings, own.project):
            print(sentence, flush=True)
        logs = Logs(settings.home / "logs")
        supervisor = supervise(settings, logs)
    except HandrailError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    # A closed terminal stops the servers too: honcho itself listens to SIGINT and SIGTERM alone.
    signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    supervisor.loop()
    if supervisor.returncode in ASKED_TO_STOP:
        return 0
    print(f"error: {logs.first_to_end or 'A server'} ended by itself. Its log is in {logs.folder}.", file=sys.stderr)
    return 1


def choose_state(settings: Settings) -> Settings:
    """Return settings that show the finished demo's state if there is one, else those given."""
    demo = settings.home / "demo"
    if not (_finished(demo / "summary.json") and (demo / "project" / "dvc.yaml").is_file()):
        return settings
    replayed = (settings.home / "replay" / "now").is_file()
    return settings.model_copy(update={"project": demo / "project", "replay": settings.replay or replayed})


def works_in(settings: Settings, checkout: Path) -> list[str]:
    """Bring the demo's project to the checkout's commit, if it is the one that is shown; say what is in use.

    Only commits count, in the demo's project and in the flows' clones alike.
    """
    if not (checkout / ".git").exists():
        return [f"Servers work in {settings.project}. Flows need a git repository, and it is none."]
    if settings.project == checkout:
        said = [f"Servers work in {checkout}, flows in clones of its last commit."]
    else:
        said = [f"Servers and flows work in the demo's project, {settings.project}. {_followed(settings, checkout)}"]
    if changed := uncommitted(checkout):
        said.append(f"Not committed in {checkout}, and so not in use by flows: {', '.join(changed)}.")
    return said


def _followed(settings: Settings, checkout: Path) -> str:
    try:
        head = follow(checkout, settings.project)
    except Unavailable as err:
        return f"Newer commits of {checkout} are not in use there. {err}"
    return f"It has commit {head[:12]} of {checkout}, with the demo's people and data."


def supervise(settings: Settings, logs: Logs) -> Manager:
    """Return a supervisor of every line of the Procfile, and of the greeting that says when each answers."""
    supervisor = Manager(printer=logs)
    for name, command in commands().items():
        supervisor.add_process(name, command, env=environment(settings, name), cwd=str(settings.project))
    supervisor.add_process(
        Logs.SHOWN,
        "exec python -m infra.servers.welcome",
        env=environment(settings, "welcome"),
        cwd=str(settings.project),
    )
    return supervisor


class Logs(Printer):  # type: ignore[misc]  # honcho comes without types
    """Shows the supervisor's and the greeting's lines; every server's own go to `<folder>/<name>.log`."""

    SHOWN = "handrail"

    def __init__(self, folder: Path) -> None:
        """Append to files in `folder`, made if it is missing."""
        super().__init__(sys.stdout)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.first_to_end: str | None = None

    def write(self, message: Any) -> None:
        """Take one line from the supervisor."""
        if message.name in (self.SHOWN, "system"):
            self._note_end(str(message.data))
            super().write(message)
            return
        data = message.data if isinstance(message.data, bytes) else str(message.data).encode()
        with (self.folder / f"{message.name}.log").open("ab") as log:
            log.write(data.rstrip(b"\n") + b"\n")

    def _note_end(self, line: str) -> None:
        name, stopped, _ = line.partition(" stopped (rc=")
        if stopped and self.first_to_end is None and name in KINDS:
            self.first_to_end = KINDS[name].title


def _finished(summary: Path) -> bool:
    try:
        return bool(json.loads(summary.read_text(encoding="utf-8"))["ok"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    sys.exit(main())
