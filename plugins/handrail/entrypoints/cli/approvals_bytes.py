"""`handrail approvals verify`: bytes and their permit, where they are loaded. No server is asked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from handrail.approvals import UnverifiedBytes
from handrail.entrypoints.cli.approvals import print_facts
from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.refs import Use
from handrail.settings import Settings, load_settings

EXAMPLE = (
    "Example: handrail approvals verify models/package --model churn --alias champion "
    "--permit permit.json --key gate.pub"
)
Model = Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")]
Alias = Annotated[str | None, typer.Option(help="The alias that it is used as; the project's if left out.")]
Environment = Annotated[str | None, typer.Option(help="Where it is used; the project's environment if left out.")]
ServerName = Annotated[
    str | None, typer.Option(help="Name of the gate's server in permits; the project's if left out.")
]


def verify(  # noqa: PLR0913 - one argument for each option of the command
    tree: Annotated[Path, typer.Argument(help="Folder whose bytes are to be loaded.")],
    permit: Annotated[Path | None, typer.Option(help="Permit file; the project's for these bytes if left out.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="The gate's public key, gate.pub; the project's if left out.")
    ] = None,
    model: Model = None,
    alias: Alias = None,
    environment: Environment = None,
    server: ServerName = None,
    key_id: Annotated[str | None, typer.Option(help="Id that the key must have; the project's gate_key_id.")] = None,
    seen: Annotated[
        Path | None, typer.Option(help="File of counters: an older permit than one used is refused.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check, without any server, that the gate allowed exactly these bytes for this use."""
    from handrail.bootstrap.approvals import open_permit_verifier

    settings = load_settings()
    use = _use_of(settings, model, alias, environment, server)
    verifier = open_permit_verifier(settings, key, pinned=key_id, seen=seen)
    with tempfile.TemporaryDirectory(prefix="handrail-verify-") as folder:
        file = permit or _permit_of(settings, tree, use)
        statement = verifier.verify(tree, file, Path(folder) / "tree", use)
    facts = {
        "allowed": f"{statement.model} version {statement.version} as {statement.alias}",
        "environment": use.environment,
        "server": use.server,
        "expires": statement.terms.expires.isoformat() if statement.terms else None,
        "tree_digest": statement.tree_digest,
        "files": len(statement.manifest.files),
        "request_id": statement.request_id,
        "approvers": list(statement.approvers),
        "issued": statement.issued,
    }
    if as_json:
        return print_json(facts)
    return print_facts(facts | {"approvers": ", ".join(statement.approvers)})


def _use_of(
    settings: Settings, model: str | None, alias: str | None, environment: str | None, server: str | None
) -> Use:
    """Return the use that the options name, completed from the project's settings."""
    from handrail.bootstrap.approvals import project_use

    changes = {"environment": environment or settings.environment, "gate_server": server or settings.gate_server}
    return project_use(settings.model_copy(update=changes), model=model, alias=alias)


def _permit_of(settings: Settings, tree: Path, use: Use) -> Path:
    from handrail.bootstrap.approvals import find_permit

    file = find_permit(settings, use, tree)
    if file is None:
        problem = (
            f"No permit in {settings.permits} is for {use} and for exactly these bytes; "
            "name with --permit the one that you expect, and the first file that differs is named."
        )
        raise UnverifiedBytes(str(tree), problem)
    return file
