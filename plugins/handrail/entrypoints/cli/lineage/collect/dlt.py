"""`handrail lineage collect dlt`: the load packages of dlt's pipelines, whoever ran them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap.dlt_packages import read_packages, record_package
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import HandrailError, Unavailable


def collect_dlt(
    folder: Annotated[Path, typer.Argument(help="Where pipelines work: dlt's pipelines_dir, or ~/.dlt/pipelines.")],
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="Only this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record each load package: resources, files of rows with their digests, tables; exit 1 if one is left out."""
    recorded, left_out, incomplete = [], list[str](), list[str]()
    with open_to_record() as platform:
        for package in read_packages(folder, pipeline):
            if isinstance(package, HandrailError):
                left_out.append(str(package))
                continue
            name = f"{package.pipeline}/{package.load_id}"
            try:
                missing = record_package(platform, package)
            except Unavailable:
                raise
            except HandrailError as err:
                left_out.append(f"{name}: {err}")
                continue
            recorded.append(name)
            incomplete += [f"{name}: {sentence}" for sentence in missing]
    if as_json:
        print_json({"packages": recorded, "left_out": left_out, "incomplete": incomplete})
    else:
        typer.echo(f"Load packages recorded: {len(recorded):,}.")
        _say(("Left out", left_out), ("Incomplete", incomplete))
    if left_out:
        raise typer.Exit(1)


def _say(*several: tuple[str, list[str]]) -> None:
    for what, sentences in several:
        for sentence in sentences:
            messages.print(f"{what}: {sentence}", markup=False)
