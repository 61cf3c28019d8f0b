"""Runs the graph that dvc.yaml defines, a stage at a time. It defines no other graph; DVC does all caching."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from handrail.dvc_command import run_dvc, sentence_of
from handrail.entrypoints.cli.env import tool_environment
from handrail.errors import Conflict, HandrailError, Unavailable, UnknownReference
from handrail.settings import load_settings

StageOutcome = Literal["ran", "restored", "skipped"]

BUSY_FOR_S = 600.0
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")
"""What DVC prints while another stage holds the files of this one, or, for a moment, the whole project."""
SKIPPED = "didn't change, skipping"
RESTORED = "is cached - skipping run"


@dataclass(frozen=True, slots=True)
class Stage:
    """A node of the graph, and the stages whose outputs it reads."""

    name: str
    after: tuple[str, ...]


class StageFailed(HandrailError):
    """A stage of the pipeline ended with an error; the earlier stages' outputs stand."""

    def __init__(self, stage: str, sentence: str) -> None:
        self.stage, self.sentence = stage, sentence

    def __str__(self) -> str:
        return f"The stage {self.stage!r} failed: {self.sentence.rstrip('.')}."


def read_graph(project: Path, until: str | None = None) -> tuple[Stage, ...]:
    """Return the stages of dvc.yaml in an order that respects them; with `until`, only that one and what it needs.

    Raises:
        UnknownReference: dvc.yaml has no stage of that name.
        Unavailable: DVC cannot read the project.
    """
    before = _edges(_dvc(project, "dag", "--dot"))
    if until is not None and until not in before:
        raise UnknownReference("stage", until, f"dvc.yaml has {', '.join(sorted(before))}.")
    wanted = set(before) if until is None else _needed(before, until)
    order = TopologicalSorter({name: sorted(before[name]) for name in sorted(wanted)}).static_order()
    return tuple(Stage(name, tuple(sorted(before[name]))) for name in order)


def check_tracked_files(project: Path) -> None:
    """Bring back tracked files that are missing; stop on one that was changed.

    DVC would silently take a changed file as its new version.

    Raises:
        Conflict: a tracked file has another content than its .dvc file says.
        Unavailable: a missing file is neither in the cache nor in the remote.
    """
    tracked = sorted(str(file.relative_to(project)) for file in project.glob("data/**/*.dvc"))
    if not tracked:
        return
    for file, changes in _status(project, tracked).items():
        states = {state for change in changes for state in dict(change.get("changed outs", {})).values()}
        if states - {"deleted", "not in cache"}:
            raise Conflict("tracked file", file.removesuffix(".dvc"), f"Keep it with: dvc add {file[:-4]}; or drop it.")
        _dvc(project, "pull", "--quiet", file)


def run_stage(
    project: Path,
    stage: str,
    environment: Mapping[str, str] | None = None,
    report: Callable[[str], None] | None = None,
) -> StageOutcome:
    """Bring one stage, whose dependencies are up to date, up to date by DVC; return what had to be done.

    `report` gets each line that the stage prints. An interrupt ends the stage and everything it started.

    Raises:
        StageFailed: with the stage's own sentence.
        Unavailable: another run holds the stage's files and does not let go of them.
    """
    began = time.monotonic()
    lines = _reproduce(project, stage, environment or {}, report)
    while _is_busy(lines):
        if time.monotonic() - began > BUSY_FOR_S:
            raise Unavailable(f"The stage {stage!r}", "another run holds its files", "Wait for that run to end.")
        time.sleep(1)
        lines = _reproduce(project, stage, environment or {}, report)
    text = "\n".join(lines)
    return "skipped" if SKIPPED in text else "restored" if RESTORED in text else "ran"


def stage_environment(project: Path) -> dict[str, str]:
    """Return what a stage's process needs in addition to this one's: the tools' state, and the project it works in.

    A tracking server that this process's environment names is kept; Handrail's local store is only the default.
    """
    known = tool_environment(load_settings()) | {"HANDRAIL_PROJECT": str(project)}
    kept = {name: os.environ[name] for name in ("MLFLOW_TRACKING_URI",) if name in os.environ}
    flow_run = os.environ.get("PREFECT__FLOW_RUN_ID")
    return known | kept | ({"HANDRAIL_FLOW_RUN_ID": flow_run} if flow_run else {})


def _edges(dot: str) -> dict[str, set[str]]:
    """Read DVC's picture of the graph: each stage with those before it; tracked files (.dvc) are not stages."""
    before: dict[str, set[str]] = {}
    for line in dot.splitlines():
        names = [name for name in re.findall(r'"([^"]+)"', line) if not name.endswith(".dvc")]
        for name in names:
            before.setdefault(name, set())
        if "->" in line and len(names) == 2:
            before[names[1]].add(names[0])
    return before


def _needed(before: Mapping[str, set[str]], stage: str) -> set[str]:
    found, todo = {stage}, [stage]
    while todo:
        fresh = before[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


def _reproduce(
    project: Path, stage: str, environment: Mapping[str, str], report: Callable[[str], None] | None
) -> list[str]:
    environment = {**os.environ, **stage_environment(project), **environment}
    code, lines = run_dvc(project, ("repro", "--single-item", stage), environment, report)
    if code and not _is_busy(lines):
        raise StageFailed(stage, sentence_of(lines))
    return lines


def _is_busy(lines: Sequence[str]) -> bool:
    return any(text in line for line in lines for text in BUSY)


def _status(project: Path, targets: Sequence[str]) -> dict[str, Any]:
    return dict(json.loads(_dvc(project, "status", "--json", *targets).splitlines()[-1]))


def _dvc(project: Path, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=project,
        env={**os.environ, **stage_environment(project)},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise Unavailable(f"dvc {arguments[0]}", sentence_of(run.stderr.splitlines()), "Correct that first.")
    return run.stdout
