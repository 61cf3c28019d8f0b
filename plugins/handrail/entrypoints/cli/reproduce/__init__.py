"""`handrail reproduce`: run again what made a model, in a clean folder, and say whether the same came of it."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.reproduction import find_model, open_reproducer, open_work_folder, record_reproduction
from handrail.clock import system_time
from handrail.entrypoints.cli.env import tool_environment
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.entrypoints.cli.reproduce.output import Screen, outcome_to_json, survey_to_json, tell_outcome, tell_survey
from handrail.errors import InvalidInput
from handrail.reproduction import Outcome, Plan, Planner, Reproducer, Verdict, Wish
from handrail.settings import Settings

Name = Annotated[str, typer.Argument(help="A model: flights/3, flights@champion, a URI, or a prediction id.")]
Until = Annotated[str | None, typer.Option("--until", help="End at this stage of dvc.yaml.")]
Into = Annotated[Path | None, typer.Option("--into", help="A folder to work in, new or empty.")]
Repository = Annotated[str | None, typer.Option("--repository", help="Where the commit is: a folder or an address.")]
Rows = Annotated[Path | None, typer.Option("--rows", help="A Parquet table whose rows both models score.")]
Lock = Annotated[str | None, typer.Option("--lock", help="The commit's lock file, if it has an unusual name.")]
Tolerance = Annotated[float, typer.Option("--tolerance", min=0.0, help="By how much numbers may differ.")]
Install = Annotated[bool, typer.Option("--install", help="Make an environment from the commit's lock and run in it.")]
Keep = Annotated[
    bool | None, typer.Option("--keep/--no-keep", help="Keep the folder; else it stays if named or not equal.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and whether all is at hand.")]
Record = Annotated[bool, typer.Option("--record/--no-record", help="Let lineage know of the reproduction.")]


def attach(app: typer.Typer) -> None:
    """Add the command `reproduce`."""
    app.command("reproduce", epilog="Example: handrail reproduce flights@champion")(reproduce)


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
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run again what made a model, in a clean folder, and compare data, features, metrics and predictions.

    Exit code 1 if anything decisive differs; the first thing that does is named.
    """
    if rows is not None and not rows.is_file():
        raise InvalidInput("--rows", f"there is no file {str(rows)!r}", "Name a Parquet table.")
    platform = open_platform()
    try:
        planner, reproducer = open_reproducer(platform, repository)
        plan = planner.plan(find_model(platform, model, system_time()), until)
        if dry_run:
            return _survey(planner, plan, lock, as_json)
        target = (into or _default_folder(platform.settings, plan)).resolve()
        wish = _wish(platform.settings, target, (until, rows, lock, tolerance, install))
        kept = True if keep is None and into is not None else keep
        outcome = _run(platform, reproducer, (plan, wish, target), (as_json, kept, record))
    finally:
        platform.close()
    if outcome.judgement.verdict is Verdict.DIFFERS:
        raise typer.Exit(1)
    return None


def _run(
    platform: Platform,
    reproducer: Reproducer,
    work: tuple[Plan, Wish, Path],
    choices: tuple[bool, bool | None, bool],
) -> Outcome:
    plan, wish, target = work
    as_json, keep, record = choices
    screen, began = Screen(quiet=as_json), system_time()
    screen.plan(plan)
    with closing(open_work_folder(target)) as folder:
        outcome = reproducer.reproduce(plan, wish, folder, screen.listener)
        told = outcome_to_json(outcome)
        if record:
            told["recorded_as"] = record_reproduction(platform, outcome, began, system_time())
        folder.finish(told)
        kept = keep if keep is not None else outcome.judgement.verdict is not Verdict.REPRODUCED
        if kept:
            told["folder"] = str(target)
        else:
            folder.remove()
    if as_json:
        print_json(told)
    else:
        tell_outcome(outcome, target if kept else None)
    return outcome


def _survey(planner: Planner, plan: Plan, lock: str | None, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="handrail-reproduce-") as folder:
        data, packages = planner.survey(plan, Path(folder), Path(sys.executable), lock)
    if as_json:
        print_json(survey_to_json(plan, data, packages))
    else:
        tell_survey(plan, data, packages)
    if data.missing and not data.said:
        messages.print("Not everything is at hand.")
        raise typer.Exit(1)


def _wish(settings: Settings, target: Path, told: tuple[str | None, Path | None, str | None, float, bool]) -> Wish:
    until, rows, lock, tolerance, install = told
    # Whatever the stages record goes into a state of their own, which is thrown away with the folder.
    throw_away = settings.model_copy(update={"project": target / "clone", "home": target / "home"})
    environment = tool_environment(throw_away) | {
        "HANDRAIL_DATABASE_URL": f"sqlite:///{throw_away.home / 'handrail.db'}",
    }
    environment.pop("HANDRAIL_PROJECT")
    return Wish(
        python=Path(sys.executable),
        environment=environment,
        until=until,
        lock=lock,
        rows=rows.resolve() if rows else None,
        tolerance=tolerance,
        install=install,
    )


def _default_folder(settings: Settings, plan: Plan) -> Path:
    name = plan.recorded.version or plan.recorded.tree
    words = [word for word in re.split(r"[^A-Za-z0-9.]+", name.partition("/registered/")[2] or name) if word]
    return settings.home / "reproduce" / "-".join([words[0], words[-1][:12]])
