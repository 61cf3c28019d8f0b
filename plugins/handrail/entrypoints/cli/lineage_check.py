"""`handrail lineage check`: the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import typer

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage_doctor import Flaw, open_doctor
from handrail.entrypoints.cli.lineage_output import shorten
from handrail.entrypoints.cli.output import AsJson, print_json

MOST_SHOWN = 10


def check(as_json: AsJson = False) -> None:
    """Look for links that are missing, dangle or contradict, changed bytes, unlinked predictions; exit 1 if any."""
    platform = open_platform()
    try:
        doctor = open_doctor(platform.store, platform.feedback)
        flaws, coverage = doctor.check(platform.settings.project), doctor.coverage()
    finally:
        platform.close()
    if as_json:
        print_json({"flaws": [asdict(flaw) for flaw in flaws], "coverage": asdict(coverage)})
    else:
        _print(flaws)
        if coverage.predictions:
            traced = f"{coverage.traced:,} of {coverage.predictions:,}"
            typer.echo(f"{traced} predictions lead back to a commit and to data with a sha256.")
    if flaws:
        raise typer.Exit(1)


def _print(flaws: Sequence[Flaw]) -> None:
    for kind, group in groupby(flaws, key=lambda flaw: flaw.kind):
        found = list(group)
        typer.echo(f"{kind}: {len(found):,}")
        for flaw in found[:MOST_SHOWN]:
            typer.echo(f"  {shorten(flaw.subject)}: {shorten(flaw.detail)}")
        if len(found) > MOST_SHOWN:
            typer.echo(f"  {len(found) - MOST_SHOWN:,} more, see --json")
    if not flaws:
        typer.echo("Nothing is missing, nothing dangles, nothing contradicts.")
