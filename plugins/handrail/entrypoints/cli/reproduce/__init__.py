"""`handrail reproduce`: run again what made a model, in a clean folder, and say whether the result is the same."""

from __future__ import annotations

import json
import platform as machine
import re
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.reproduction import open_models, open_reproducer, open_work_folder
from handrail.clock import system_time
from handrail.entrypoints.cli import completing
from handrail.entrypoints.cli.env import tool_environment
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.entrypoints.cli.reproduce.output import (
    Screen,
    print_reproduction,
    print_survey,
    reproduction_to_json,
    survey_to_json,
)
from handrail.entrypoints.mlflow.collect.clients import find_tracking_uri
from handrail.errors import InvalidInput
from handrail.files import replace_file
from handrail.reproduction import Models, Options, Plan, Planner, Reproducer, Reproduction, Result, report_of
from handrail.settings import Settings
from handrail.version import __version__

Name = Annotated[
    str,
    typer.Argument(
        help="A model: orders/3, orders@champion, a URI, a request's or a prediction's id.",
        autocompletion=completing.names,
    ),
]
Until = Annotated[str | None, typer.Option("--until", help="End at this stage of dvc.yaml.")]
Into = Annotated[Path | None, typer.Option("--into", help="A folder to work in, new or empty.")]
Repository = Annotated[str | None, typer.Option("--repository", help="Where the commit is: a folder or an address.")]
Rows = Annotated[Path | None, typer.Option("--rows", help="A table in Parquet or CSV whose rows both models score.")]
Lock = Annotated[str | None, typer.Option("--lock", help="The commit's lock file, if it has an unusual name.")]
Tolerance = Annotated[float, typer.Option("--tolerance", min=0.0, help="By how much numbers may differ.")]
Install = Annotated[bool, typer.Option("--install", help="Make an environment from the commit's lock and run in it.")]
Keep = Annotated[
    bool | None, typer.Option("--keep/--no-keep", help="Keep the folder; else it stays if named or not equal.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and whether all is at hand.")]
Record = Annotated[bool, typer.Option("--record/--no-record", help="Let lineage know of the reproduction.")]

Report = Annotated[Path | None, typer.Option("--report", help="Write what a policy can require into this JSON file.")]


def reproduce(  # noqa: PLR0913 - typer reads the options from the signature
    model: Name,
    into: Into = None,
    repository: Repository = None,
    until: Until = None,
    rows: Rows = None,
    lock: Lock = None,
    tolerance: Tolerance = 1e-9,
    install: Install = False,
    keep: Keep = None,
    record: Record = True,
    report: Report = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run again what made a model, in a clean folder, and compare data, features, metrics and predictions.

    Exit code 1 if anything decisive differs; the first thing that does is named.
    """
    if rows is not None and not rows.is_file():
        raise InvalidInput("--rows", f"there is no file {str(rows)!r}", "Name a table in Parquet or CSV.")
    with open_records() as platform:
        models, mlflow = open_models(platform), partial(find_tracking_uri, platform.settings, None)
        planner, reproducer = open_reproducer(platform, mlflow, repository)
        plan = planner.plan(models.uri(model, system_time()), until)
        _refuse_empty_report(report, plan, dry_run)
        if dry_run:
            return _survey(planner, plan, lock, as_json)
        target = (into or _default_folder(platform.settings, plan)).resolve()
        options = Options(
            python=Path(sys.executable),
            environment=_environment(platform.settings, target),
            until=until,
            lock=lock,
            rows=rows.resolve() if rows else None,
            tolerance=tolerance,
            install=install,
        )
        after = _Afterwards(target, True if keep is None and into is not None else keep, record, as_json, report)
        found = _run(reproducer, plan, options, models, after)
    if found.conclusion.result is Result.DIFFERS:
        raise typer.Exit(1)
    return None


@dataclass(frozen=True, slots=True)
class _Afterwards:
    """What to do with a reproduction in the folder `target`: keep it (None: unless all is equal), record, report."""

    target: Path
    keep: bool | None
    record: bool
    as_json: bool
    report: Path | None


def _refuse_empty_report(report: Path | None, plan: Plan, dry_run: bool) -> None:
    """Refuse to report on a model that is not going to be made again."""
    if report is None:
        return
    if dry_run:
        raise InvalidInput("--report", "nothing runs with --dry-run", "Leave one of them out.")
    if not plan.runs_target:
        problem = f"the run ends before {plan.target!r}, which made the model"
        raise InvalidInput("--report", problem, "Leave --until out.")


def _run(reproducer: Reproducer, plan: Plan, options: Options, models: Models, after: _Afterwards) -> Reproduction:
    screen, began = Screen(quiet=after.as_json), system_time()
    screen.plan(plan)
    with closing(open_work_folder(after.target)) as folder:
        found = reproducer.reproduce(plan, options, folder, screen.listener)
        report = reproduction_to_json(found)
        if after.record:
            report["recorded_as"] = models.record(found, began, system_time())
        folder.finish(report)
        if after.report is not None:
            _write_report(found, after.report)
        kept = after.keep if after.keep is not None else found.conclusion.result is not Result.REPRODUCED
        if kept:
            report["folder"] = str(after.target)
        else:
            folder.remove()
    if after.as_json:
        print_json(report)
    else:
        print_reproduction(found, after.target if kept else None)
    return found


def _write_report(found: Reproduction, file: Path) -> None:
    content = report_of(found, {"handrail": __version__, "python": machine.python_version()})
    replace_file(file, f"{json.dumps(content, indent=2)}\n".encode())


def _survey(planner: Planner, plan: Plan, lock: str | None, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="handrail-reproduce-") as folder:
        data, packages = planner.survey(plan, Path(folder), Path(sys.executable), lock)
    if as_json:
        print_json(survey_to_json(plan, data, packages))
    else:
        print_survey(plan, data, packages)
    if data.missing and not data.message:
        messages.print("Not everything is at hand.")
        raise typer.Exit(1)


def _environment(settings: Settings, target: Path) -> dict[str, str]:
    """Return what stages see: whatever they record goes into a separate state, removed with the folder."""
    own = settings.model_copy(update={"project": target / "clone", "home": target / "home"})
    found = tool_environment(own) | {"HANDRAIL_DATABASE_URL": f"sqlite:///{own.home / 'handrail.db'}"}
    found.pop("HANDRAIL_PROJECT")
    return found


def _default_folder(settings: Settings, plan: Plan) -> Path:
    name = plan.recorded.version or plan.recorded.tree
    words = [word for word in re.split(r"[^A-Za-z0-9.]+", name.partition("/registered/")[2] or name) if word]
    return settings.home / "reproduce" / "-".join([words[0], words[-1][:12]])
