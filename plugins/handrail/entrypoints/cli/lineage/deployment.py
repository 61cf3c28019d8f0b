"""`handrail lineage deployment`: which registered model a service serves that is no bento."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap.serving import read_deployment, record_deployment
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.errors import MissingFile


def state_deployment(
    name: Annotated[
        str,
        typer.Argument(help="As its predictions name it: deploy://ENVIRONMENT/SERVICE/VERSION, or SERVICE/VERSION."),
    ],
    serves: Annotated[
        str, typer.Option("--serves", "--model", help="The registered version: models:/NAME/3, NAME/3 or its URI.")
    ],
    files: Annotated[
        Path | None,
        typer.Option("--files", help="The folder that the service loaded: `check` compares it with the version's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record which registered model version a service serves, so that its predictions trace.

    Run it where the service is deployed; a bento does this by itself. Recording again what is served
    now changes nothing; recording an earlier deployment again says that the service went back to it.
    """
    read_deployment(name)
    if files is not None and not files.is_dir():
        raise MissingFile(str(files), "Name the folder that the service loaded the model from.")
    with open_to_record() as platform:
        served = record_deployment(name, serves, files, platform)
    if as_json:
        return print_json(asdict(served))
    proof = "" if served.tree_digest is None else f", whose files have {served.tree_digest}"
    typer.echo(f"{served.deployment} serves {served.model_version}{proof}.")
    return None
