"""`handrail lineage collect evidently`: every report of a workspace, whoever put it there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.entrypoints.evidently.reports import SNAPSHOT_IN_METADATA, collect, record_report
from handrail.errors import HandrailError


def collect_evidently(
    workspace: Annotated[Path, typer.Argument(help="The folder that `evidently ui --workspace` is given.")],
    as_json: AsJson = False,
) -> None:
    """Record every report with its digest and the snapshot that its metadata names; exit 1 if one is left out."""
    recorded, linked, left_out, incomplete = [], 0, [], list[str]()
    with open_to_record() as platform:
        for found in collect(workspace):
            if isinstance(found, HandrailError):
                left_out.append(str(found))
                continue
            try:
                missing = record_report(platform, found)
            except HandrailError as err:
                left_out.append(f"{found.artifact.uri}: {err}")
                continue
            recorded.append(found.artifact.uri)
            incomplete += [f"{found.artifact.uri}: {sentence}" for sentence in missing]
            linked += SNAPSHOT_IN_METADATA in found.metadata
    if as_json:
        print_json({"reports": recorded, "linked": linked, "left_out": left_out, "incomplete": incomplete})
    else:
        typer.echo(f"Reports recorded: {len(recorded):,}; with a snapshot in their metadata: {linked:,}.")
        for sentence in left_out:
            messages.print(f"Left out: {sentence}", markup=False)
        for sentence in incomplete:
            messages.print(f"Incomplete: {sentence}", markup=False)
    if left_out:
        raise typer.Exit(1)
