"""`handrail feedback retain`: removes what people wrote once it was kept as long as its kind says."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback_erasing import open_retention
from handrail.clock import system_time
from handrail.entrypoints.cli.output import AsJson, messages, print_json

EXAMPLE = "Example: handrail feedback retain --yes"


def retain(
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this it is only counted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count the texts that were kept as long as config/feedback.yaml says, or remove them. Run it by cron.

    The log keeps that there was a text: no figure changes. Exit code 1: the store could not be shrunk, so that removed
    bytes may still be in its file; the same command tries again.
    """
    with open_records() as platform:
        retention = open_retention(platform)
        now = system_time()
        kept, failed = retention.remove(now) if yes else (retention.due(now), ())
    if as_json:
        print_json({"kinds": [asdict(each) for each in kept], "failed": list(failed)})
    else:
        for each in kept:
            done = "removed" if each.is_removed else "would be removed; nothing was: say --yes"
            typer.echo(f"{each.kind}: {each.texts:,} texts were kept {each.days:,} days and {done}.")
        if not kept:
            typer.echo("No kind in config/feedback.yaml has keep_days: everything is kept.")
    for sentence in failed:
        messages.print(sentence, markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)
