"""`handrail lineage deployment`: which registered model a service serves that is no bento."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap.approvals import tree_digest
from handrail.clock import system_time
from handrail.delivery import Slot
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.errors import InvalidInput, MissingFile, UnknownReference
from handrail.lineage import Trace
from handrail.refs import Deployment

URI = re.compile(r"deploy://(?P<environment>[^/\s]+)/(?P<service>[^/\s]+)/(?P<version>[^/\s]+)")
MODEL_VERSION = "model-version"


def record_deployment(
    uri: Annotated[str, typer.Argument(help="As the predictions name it: deploy://ENVIRONMENT/SERVICE/VERSION.")],
    serves: Annotated[str, typer.Option("--serves", help="The registered version: models:/NAME/3, NAME/3 or its URI.")],
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
    deployment = read_deployment(uri)
    digest = None if files is None else _digest_of(files)
    with open_to_record() as platform:
        version = _version(platform.lineage.trace(serves, depth=1))
        known = {each.uri: each for each in platform.feedback.deployments()}.get(deployment.uri)
        if digest is not None or known is None or known.model_version_uri != version:
            platform.feedback.register_deployment(deployment.uri, digest, version)
        platform.lineage.record_serving(deployment, version, tree_digest=digest)
        slot = Slot(deployment.environment, deployment.service).pointer
        now = platform.lineage.pointer_at(slot, system_time())
        if now is None or now.target != deployment.uri:
            platform.lineage.point(slot, deployment, system_time(), deployment.uri)
    if as_json:
        return print_json({"deployment": deployment.uri, "model_version": version, "tree_digest": digest})
    proof = "" if digest is None else f", whose files have {digest}"
    typer.echo(f"{deployment.uri} serves {version}{proof}.")
    return None


def read_deployment(uri: str) -> Deployment:
    """Read the URI of a deployment.

    Raises:
        InvalidInput: it is none.
    """
    match = URI.fullmatch(uri)
    if match is None:
        raise InvalidInput("deployment", f"{uri!r} names none", "Write it as deploy://production/espresso/7.")
    return Deployment(match["environment"], match["service"], match["version"])


def _version(found: Trace) -> str:
    kind = next(node.kind for node in found.nodes if node.uri == found.start)
    if kind != MODEL_VERSION:
        remedy = "Name one such as models:/NAME/3; handrail lineage collect mlflow records those of a server."
        raise UnknownReference("model version", found.start, remedy)
    return found.start


def _digest_of(files: Path) -> str:
    if not files.is_dir():
        raise MissingFile(str(files), "Name the folder that the service loaded the model from.")
    return tree_digest(files)
