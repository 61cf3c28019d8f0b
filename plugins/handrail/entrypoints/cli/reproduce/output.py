"""How a reproduction looks to eyes and to programs."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any

import typer

from handrail.entrypoints.cli.lineage.output import shorten
from handrail.entrypoints.cli.output import messages
from handrail.reproduction import (
    Compared,
    EnvironmentCheck,
    FetchedData,
    Grade,
    Listener,
    Plan,
    Predictions,
    Reproduction,
    Result,
    StepReport,
)

WIDTH = 12
MOST_SHOWN = 20


class Screen:
    """Shows steps as they end on stdout, and what runs meanwhile on stderr."""

    def __init__(self, quiet: bool) -> None:
        """Show results too, unless `quiet`: JSON comes at the end then."""
        self._quiet = quiet
        self.listener = Listener(self._progress, self._step)

    def plan(self, plan: Plan) -> None:
        """Say what is going to be reproduced."""
        made = "logged by" if plan.recorded.logged else "written by"
        self._say("model", f"{plan.recorded.version or plan.recorded.tree}, {made} {plan.target}")

    def _progress(self, line: str) -> None:
        if line.strip():
            messages.print(f"  {line}", markup=False, highlight=False)

    def _step(self, step: StepReport) -> None:
        self._say(step.name, f"{step.sentence}  {step.seconds:.0f} s")

    def _say(self, name: str, sentence: str) -> None:
        if not self._quiet:
            typer.echo(f"{name:<{WIDTH}} {shorten(sentence)}")


def print_reproduction(found: Reproduction, kept: Path | None) -> None:
    """Print what differs, the verdict, and where the folder is if it was kept."""
    uneven = [each for each in found.compared if each.grade is not Grade.BYTES]
    for each in uneven[:MOST_SHOWN]:
        typer.echo(f"  {_line(each)}")
    if len(uneven) > MOST_SHOWN:
        typer.echo(f"  {len(uneven) - MOST_SHOWN} more, see --json")
    for note in found.notes:
        messages.print(note, markup=False, highlight=False)
    typer.echo(sentence_of(found))
    if kept is not None:
        messages.print(f"Kept: {kept}", markup=False, highlight=False)


def sentence_of(found: Reproduction) -> str:
    """Return the verdict as a sentence."""
    verdict, first = found.conclusion.result, found.conclusion.first
    if verdict is Result.REPRODUCED:
        return f"reproduced: {len(found.compared)} inputs and outputs, every byte is equal"
    if first is None:
        return f"{verdict.value}: {'; '.join(found.conclusion.reasons)}"
    if verdict is Result.EQUAL_IN_EFFECT:
        same = "predictions and metrics are" if found.predictions else "contents are"
        return f"equal in effect: {same} the same; the first bytes that differ are {_line(first)}"
    hint = _hint(found, first)
    return f"differs: first {_line(first)}{hint}"


def reproduction_to_json(found: Reproduction) -> dict[str, Any]:
    """Return a reproduction as JSON, digests whole."""
    conclusion = found.conclusion
    return {
        **_plan_to_json(found.plan),
        "verdict": conclusion.result.value,
        "sentence": sentence_of(found),
        "reasons": list(conclusion.reasons),
        "first_difference": _plain(conclusion.first) if conclusion.first else None,
        "compared": [_plain(each) for each in found.compared],
        "environment": asdict(found.environment) if found.environment else None,
        "predictions": _answers(found.predictions) if found.predictions else None,
        "notes": list(found.notes),
    }


def print_survey(plan: Plan, data: FetchedData, packages: EnvironmentCheck) -> None:
    """Print what a reproduction would do."""
    typer.echo(f"{'model':<{WIDTH}} {shorten(plan.recorded.version or plan.recorded.tree)}")
    typer.echo(f"{'checkout':<{WIDTH}} {plan.place.commit} of {plan.place.repository}")
    typer.echo(f"{'environment':<{WIDTH}} {packages.sentence}")
    typer.echo(f"{'stages':<{WIDTH}} {', '.join(stage.name for stage in plan.stages)}")
    elsewhere = f"; not looked into: {data.message}" if data.message else ""
    words = f"{len(data.missing)} missing, first {data.missing[0].path}" if data.missing else "all at hand"
    typer.echo(f"{'data':<{WIDTH}} {words}{elsewhere}")


def survey_to_json(plan: Plan, data: FetchedData, packages: EnvironmentCheck) -> dict[str, Any]:
    """Return what a reproduction would do as JSON."""
    return {
        **_plan_to_json(plan),
        "missing": [asdict(file) for file in data.missing],
        "not_looked_into": data.message,
        "environment": asdict(packages),
    }


def _plan_to_json(plan: Plan) -> dict[str, Any]:
    return {
        "model": plan.recorded.version or None,
        "tree": plan.recorded.tree,
        "commit": plan.place.commit,
        "repository": plan.place.repository,
        "stages": [stage.name for stage in plan.stages],
        "dirty": plan.recorded.dirty,
    }


def _line(each: Compared) -> str:
    where = f" of {each.stage}" if each.stage else ""
    detail = f": {each.detail}" if each.detail else f": {each.reproduced} instead of {each.recorded}"
    return shorten(f"{each.part.value} {each.path}{where}{detail}")


def _hint(found: Reproduction, first: Compared) -> str:
    """Say what may have caused the first difference, when everything that its stage read was equal."""
    if first.part.is_input:
        return ""
    if found.environment and found.environment.differences:
        return f". Its inputs are equal; {found.environment.sentence}"
    return (
        f". Its inputs are equal, and the packages are those recorded: "
        f"{first.stage} is not deterministic, or ran in another environment than was recorded"
    )


def _answers(found: Predictions) -> dict[str, Any]:
    """Return predictions as JSON, which knows no infinity and no NaN: such a difference is null."""
    return asdict(found) | {"max_difference": found.max_difference if isfinite(found.max_difference) else None}


def _plain(each: Compared) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(each).items()}
