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
OUTCOMES: Mapping[str, StageOutcome] = {"didn't change": "skipped", "is cached": "restored"}
NAMED = re.compile(r"^(?:Running stage|Stage) '(?P<stage>[^']+)'(?::| (?P<how>didn't change|is cached))")
"""What DVC prints as it comes to a stage: that it runs it, or why it does not."""
FAILED = re.compile(r"failed to reproduce '(?P<stage>[^']+)'")


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

    `report` and errors are those of `run_stages`.
    """
    return run_stages(project, [stage], environment, report)[stage]


def run_stages(
    project: Path,
    stages: Sequence[str],
    environment: Mapping[str, str] | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, StageOutcome]:
    """Bring stages up to date by one DVC, each after those that it reads; return what had to be done for each.

    `report` gets each line that the stages print. An interrupt ends the stage and everything it started.

    Raises:
        StageFailed: with the stage's own sentence; the stages before it stand.
        Unavailable: another run holds a stage's files and does not let go of them.
    """
    began = time.monotonic()
    lines = _reproduce(project, stages, environment or {}, report)
    done: dict[str, StageOutcome] = {}
    while _is_busy(lines):
        if time.monotonic() - began > BUSY_FOR_S:
            problem = "another run holds its files"
            raise Unavailable(f"The stage {_failed(lines, stages)!r}", problem, "Wait for that run to end.")
        # What is done already, all before the stage that has to wait, is skipped by the next attempt.
        done = {stage: how for stage, how in _outcomes(lines).items() if stage != _failed(lines, stages)} | done
        time.sleep(1)
        lines = _reproduce(project, stages, environment or {}, report)
    outcomes = _outcomes(lines) | done
    return {stage: outcomes.get(stage, "ran") for stage in stages}


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
    project: Path, stages: Sequence[str], environment: Mapping[str, str], report: Callable[[str], None] | None
) -> list[str]:
    environment = {**os.environ, **stage_environment(project), **environment}
    code, lines = run_dvc(project, ("repro", "--single-item", *stages), environment, report)
    if code and not _is_busy(lines):
        raise StageFailed(_failed(lines, stages), sentence_of(lines))
    return lines


def _outcomes(lines: Sequence[str]) -> dict[str, StageOutcome]:
    found = (match for line in lines if (match := NAMED.match(line)))
    return {match["stage"]: OUTCOMES.get(match["how"] or "", "ran") for match in found}


def _failed(lines: Sequence[str], stages: Sequence[str]) -> str:
    """Return the stage that DVC names as the one that failed, else the last one that it came to."""
    named = [match["stage"] for line in lines if (match := FAILED.search(line) or NAMED.match(line))]
    return named[-1] if named else stages[0]


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
