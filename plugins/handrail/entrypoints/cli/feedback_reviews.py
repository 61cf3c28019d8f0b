"""`handrail feedback reviews`: what people wrote about an answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback_subjects import open_reviews
from handrail.entrypoints.cli.output import AsJson, print_json

EXAMPLE = "Example: handrail feedback reviews 5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11"


def show_reviews(
    about: Annotated[str, typer.Argument(help="The prediction_id of an answer; with --by-subject what it was about.")],
    by_subject: Annotated[bool, typer.Option("--by-subject", help="The word is a subject.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what people wrote, oldest revision first; only who may read the project's keys can.

    What moves a cursor or hides something is printed as its code.
    """
    with open_records() as platform:
        reviews = open_reviews(platform.settings, platform.store, platform.feedback)
        found = reviews.about_subject(about) if by_subject else reviews.about(about)
    if as_json:
        return print_json([asdict(each) for each in found])
    for each in found:
        typer.echo(f"{each.occurred_at:%Y-%m-%d %H:%M}Z  {each.kind} by {each.source}, revision {each.revision}")
        typer.echo("\n".join(f"  {line}" for line in each.shown.split("\n")))
    if not found:
        typer.echo("Nothing was written about it.")
    return None
