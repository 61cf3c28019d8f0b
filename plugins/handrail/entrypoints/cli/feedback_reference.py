"""`handrail feedback reference`: what the log calls a subject."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback_subjects import subject_reference
from handrail.entrypoints.cli.output import AsJson, print_json

EXAMPLE = "Example: handrail feedback reference customer-4711"


def show_reference(
    subjects: Annotated[list[str], typer.Argument(help="Subjects as your own tables name them.")],
    as_json: AsJson = False,
) -> None:
    """Print what the log calls subjects, one a line, to join its exports with tables of your own."""
    with open_records() as platform:
        named = {subject: subject_reference(subject, platform.settings) for subject in subjects}
    if as_json:
        print_json(named)
    else:
        typer.echo("\n".join(named.values()))
