"""`handrail feedback mirror`: how model versions do in production, as tags of the versions in MLflow."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.feedback import open_mirror
from handrail.entrypoints.cli.output import AsJson, print_json, read_moment, results

EXAMPLE = "Example: handrail feedback mirror --tracking-uri http://127.0.0.1:5000"


def mirror(
    server: Annotated[
        str | None, typer.Option("--tracking-uri", help="The MLflow server; as MLflow's variables say if unset.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="What was known then; event time now if unset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show on each registered model version how it does in production, as tags. Repeating it changes nothing."""
    with open_records() as platform:
        known = platform.event_clock() if as_of is None else read_moment("--as-of", as_of)
        written = open_mirror(platform.feedback, server).show(known)
    if as_json:
        return print_json([each._asdict() | {"tags": tags} for each, tags in written.items()])
    for each, tags in written.items():
        results.print(f"{each.name}/{each.version}: {tags} tags", highlight=False)
    if not written:
        results.print("No deployment of a registered version has predictions.")
    return None
