"""`handrail feedback erase`: takes a subject out of everything that Handrail keeps, and shows what is left."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.bootstrap import Platform, open_records
from handrail.bootstrap.feedback_erasing import ErasureReport, open_eraser
from handrail.clock import system_time
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import UnknownReference
from handrail.refs import FeedbackSnapshot

EXAMPLE = "Example: handrail feedback erase customer-4711 --also data"
MODEL_VERSION = "model-version"


def erase(
    subject: Annotated[str, typer.Argument(help="The subject as it was sent.")],
    also: Annotated[list[Path] | None, typer.Option("--also", help="A file or folder to search, too.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who erases it; your user if unset.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take a subject out of the log and of every copy that Handrail made, and search for what is left.

    Predictions and outcomes keep what figures are made from, under a random name. Exit code 0: nothing is left in the
    places that were searched; 1: something is, and each place is named. Run it again after a failure.
    """
    with open_records() as platform:
        if not yes:
            typer.confirm(f"Erase {subject!r}? Nothing can restore it.", abort=True, err=True)
        report = open_eraser(platform, also or ()).erase(subject, by or getpass.getuser(), system_time())
        models = _models(platform, report)
    if as_json:
        print_json(_plain(report, models))
    else:
        _print(report, models)
    if not report.is_clean:
        raise typer.Exit(1)


def _models(platform: Platform, report: ErasureReport) -> dict[str, list[str]]:
    """Return the model versions that each replaced snapshot led to, by lineage."""
    found: dict[str, list[str]] = {}
    for each in report.erased.replaced:
        try:
            reached = platform.lineage.impact(FeedbackSnapshot(each.digest).uri, kinds=[MODEL_VERSION])
        except UnknownReference:
            found[each.digest] = []
        else:
            found[each.digest] = sorted(reached.names[MODEL_VERSION])
    return found


def _plain(report: ErasureReport, models: dict[str, list[str]]) -> dict[str, Any]:
    record = report.erased.record
    return {
        "erasure": None if record.is_empty else asdict(record),
        "snapshots": [
            {"digest": each.digest, "rows": each.rows, "successor": each.successor, "models": models[each.digest]}
            for each in report.erased.replaced
        ],
        "altered_before": list(report.erased.altered),
        "exports": [each.path for each in report.exports],
        "exports_changed_since": [each.path for each in report.moved],
        "left": [{"place": place, "spelling": spelling} for place, spelling in report.left],
        "failed": list(report.failed),
        "beyond": list(report.beyond),
        "too_short_to_search": report.is_short,
        "clean": report.is_clean,
    }


def _print(report: ErasureReport, models: dict[str, list[str]]) -> None:
    record = report.erased.record
    if record.is_empty:
        typer.echo("The log holds no row of it.")
    else:
        counts = f"{record.predictions:,} predictions, {record.feedback:,} feedback, {record.quarantined:,} quarantined"
        typer.echo(f"Erased: {counts}. They are called {record.name} now.")
    for each in report.erased.replaced:
        typer.echo(f"Snapshot {each.digest} held {each.rows:,} of them: use {each.successor} in its place.")
        for uri in models[each.digest]:
            typer.echo(f"  It led to the model version {uri}, which keeps what it learned.")
    for digest in report.erased.altered:
        typer.echo(f"Snapshot {digest} held some, and was altered before: it has no successor.")
    for written in report.exports:
        typer.echo(f"Written anew: {written.path}")
    for written in report.moved:
        typer.echo(f"Not what was exported any more, look at it: {written.path}")
    for sentence in report.beyond:
        typer.echo(f"Out of reach: {sentence}.")
    _print_left(report)


def _print_left(report: ErasureReport) -> None:
    for place, spelling in report.left:
        typer.echo(f"Still there: {place} ({spelling})")
    for sentence in report.failed:
        messages.print(sentence, markup=False, highlight=False)
    if report.is_short:
        typer.echo("It is too short to search for by its bytes: nothing is proven about other places.")
    elif report.is_clean:
        typer.echo("Nothing of it is left in the places that were searched.")
