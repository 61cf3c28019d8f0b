"""`handrail lineage check`: the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.lineage_doctor import diagnose, find_dvc_projects, open_doctor
from handrail.entrypoints.cli.lineage.output import shorten
from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.entrypoints.hosts.masking import without_secrets
from handrail.lineage import Diagnosis, Flaw

MOST_SHOWN, HERE = 10, "."
NOTHING = "nothing-recorded"
REMEDY = "Record something, or set HANDRAIL_HOME or HANDRAIL_PROJECT"


def check(
    show_all: Annotated[bool, typer.Option("--all", help="Print the flaws that are accepted too, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for links that are missing, dangle or contradict, changed bytes, unlinked predictions; exit 1 if any.

    So it is where nothing at all is recorded: a job that looks at the wrong folder would always pass.

    The files of every DVC project at and below the folder are compared; which ones is said.

    What `accepted` in config/lineage.yaml covers is counted and fails nothing.
    """
    with open_records() as platform:
        doctor = open_doctor(platform.store, platform.feedback, platform.settings)
        flaws = doctor.check(platform.settings.project)
        if not flaws and doctor.is_empty():
            flaws = (Flaw(NOTHING, without_secrets(platform.store.address), REMEDY),)
        found = diagnose(platform.settings, flaws)
        coverage, projects = doctor.coverage(), find_dvc_projects(platform.settings)
    if as_json:
        print_json(_plain(found) | {"coverage": asdict(coverage), "dvc_projects": list(projects)})
    else:
        _print(found)
        if [flaw.kind for flaw in found.open] != [NOTHING]:
            _print_projects(projects)
        _print_accepted(found, show_all)
        if coverage.predictions:
            traced = f"{coverage.traced:,} of {coverage.predictions:,}"
            typer.echo(f"{traced} predictions lead back to a commit and to data with a sha256.")
    if found.open:
        raise typer.Exit(1)


def _plain(found: Diagnosis) -> dict[str, Any]:
    return {
        "flaws": [asdict(flaw) for flaw in found.open],
        "accepted": [asdict(flaw) | {"because": by.because} for flaw, by in found.accepted],
        "unused": [asdict(each) for each in found.unused],
    }


def _print_accepted(found: Diagnosis, show_all: bool) -> None:
    if found.accepted:
        typer.echo(f"Accepted in config/lineage.yaml: {len(found.accepted):,}{'' if show_all else ', see --all'}")
    for flaw, by in found.accepted if show_all else ():
        typer.echo(f"  {flaw.kind}: {shorten(flaw.subject)}: {shorten(flaw.detail)}; because {by.because}")
    for each in found.unused:
        typer.echo(f"config/lineage.yaml accepts {each.kind} of {each.subject}, of which there is none: take it out.")


def _print_projects(projects: Sequence[str]) -> None:
    if not projects:
        typer.echo("Here is no DVC project: files were not compared with anything.")
    elif list(projects) != [HERE]:
        places = ", ".join("this folder" if each == HERE else each for each in projects)
        typer.echo(f"Files were compared in the DVC projects: {places}")


def _print(diagnosis: Diagnosis) -> None:
    if [flaw.kind for flaw in diagnosis.open] == [NOTHING]:
        typer.echo(f"Nothing is recorded here yet: {diagnosis.open[0].subject}. {REMEDY}.")
        return
    for kind, group in groupby(diagnosis.open, key=lambda flaw: flaw.kind):
        found = list(group)
        typer.echo(f"{kind}: {len(found):,}")
        for flaw in found[:MOST_SHOWN]:
            typer.echo(f"  {shorten(flaw.subject)}: {shorten(flaw.detail)}")
        if len(found) > MOST_SHOWN:
            typer.echo(f"  {len(found) - MOST_SHOWN:,} more, see --json")
    if not diagnosis.open and diagnosis.accepted:
        typer.echo("Nothing else is missing, dangles or contradicts.")
    elif not diagnosis.open:
        typer.echo("Nothing is missing, nothing dangles, nothing contradicts.")
