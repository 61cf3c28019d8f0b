"""`handrail approvals verify` and `fetch`: bytes and their permit, where they are loaded."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.approvals import Permit, UnverifiedBytes
from handrail.entrypoints.cli.approvals import PASSWORD_VARIABLE, password_of
from handrail.entrypoints.cli.approvals_printing import print_facts
from handrail.entrypoints.cli.output import AsJson, print_json
from handrail.errors import InvalidInput
from handrail.files import replace_file
from handrail.refs import Use
from handrail.settings import Settings, load_settings

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.fetching import Login

FETCH_EXAMPLE = "Example: handrail approvals fetch models:/churn@champion model --user ada"
EXAMPLE = (
    "Example: handrail approvals verify models/package --model churn --alias champion "
    "--permit permit.json --key gate.pub"
)
Model = Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")]
Alias = Annotated[str | None, typer.Option(help="The alias that it is used as; the project's if left out.")]
MaybeUser = Annotated[
    str | None,
    typer.Option("--user", envvar="MLFLOW_TRACKING_USERNAME", help="Your MLflow account; its password is asked for."),
]
Key = Annotated[Path | None, typer.Option(help="The gate's public key, gate.pub; the project's if left out.")]
Environment = Annotated[str | None, typer.Option(help="Where it is used; the project's environment if left out.")]
ServerName = Annotated[
    str | None, typer.Option(help="Name of the gate's server in permits; the project's if left out.")
]


def verify(  # noqa: PLR0913 - one argument for each option of the command
    tree: Annotated[Path, typer.Argument(help="Folder whose bytes are to be loaded.")],
    permit: Annotated[Path | None, typer.Option(help="Permit file; the project's for these bytes if left out.")] = None,
    key: Key = None,
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
    return _print_permit(
        statement, {"allowed": f"{statement.model} version {statement.version} as {statement.alias}"}, as_json
    )


def fetch(  # noqa: PLR0913 - one argument for each option of the command
    model: Annotated[str, typer.Argument(help="What to get, as models:/churn@champion.")],
    folder: Annotated[Path, typer.Argument(help="New or empty folder for the verified copy.")],
    user: MaybeUser = None,
    from_store: Annotated[bool, typer.Option(help="Take the gate's own copy, on its machine; ask no server.")] = False,
    key: Key = None,
    environment: Environment = None,
    server: ServerName = None,
    as_json: AsJson = False,
) -> None:
    """Get what an alias points at, and keep it only if its permit allows exactly that here."""
    from handrail.entrypoints.mlflow import fetching

    name, alias = fetching.read_address(model)
    changes = {"environment": environment, "gate_server": server}
    settings = load_settings()
    settings = settings.model_copy(update={option: value for option, value in changes.items() if value})
    if from_store:
        permit = _from_store(settings, name, alias, folder)
    else:
        permit = fetching.fetch(settings, _login(settings, user), (name, alias), folder, key)
    facts = {"fetched": f"{permit.model} version {permit.version} as {permit.alias}", "folder": str(folder)}
    return _print_permit(permit, facts, as_json)


def fetch_permitted(settings: Settings, model: str, folder: Path, user: str | None) -> Permit:
    """Get what an alias points at as `fetch` does, and keep its permit where the project looks for permits.

    `user` is the account at the gate's server; None takes the gate's own copy, on its machine.

    Raises:
        HandrailError: as `fetch` does.
    """
    from handrail.bootstrap.approvals import permit_path
    from handrail.entrypoints.mlflow import fetching

    name, alias = fetching.read_address(model)
    if user is None:
        return _from_store(settings, name, alias, folder)
    login = _login(settings, user)
    with tempfile.TemporaryDirectory(prefix="handrail-permit-") as received:
        allowed = fetching.permitted(settings, login, (name, alias), Path(received))
        replace_file(permit_path(settings, allowed.use, allowed.permit.tree_digest), allowed.envelope)
    return fetching.fetch(settings, login, (name, alias), folder)


def _from_store(settings: Settings, model: str, alias: str, folder: Path) -> Permit:
    from handrail.bootstrap import open_platform
    from handrail.bootstrap.approvals import project_use
    from handrail.bootstrap.approvals_fetch import fetch_from_store

    with open_platform(settings) as platform:
        return fetch_from_store(
            settings, lambda: platform.approvals_store, project_use(settings, model=model, alias=alias), folder
        )


def _login(settings: Settings, user: str | None) -> Login:
    from handrail.entrypoints.mlflow.fetching import Login

    if not user:
        raise InvalidInput("--user", "no account was given", "Set MLFLOW_TRACKING_USERNAME, or take --from-store.")
    secret = password_of(user)
    # MLflow's own client reads its login there.
    os.environ |= {"MLFLOW_TRACKING_USERNAME": user, PASSWORD_VARIABLE: secret}
    return Login(settings.url("mlflow"), user, secret)


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


def _print_permit(permit: Permit, facts: dict[str, str], as_json: bool) -> None:
    said: dict[str, object] = {
        **facts,
        "environment": permit.use.environment,
        "server": permit.server,
        "expires": permit.terms.expires.isoformat() if permit.terms else None,
        "tree_digest": permit.tree_digest,
        "files": len(permit.manifest.files),
        "request_id": permit.request_id,
        **({"purpose": permit.purpose} if permit.purpose else {}),
        "approvers": list(permit.approvers),
        "issued": permit.issued,
    }
    if as_json:
        return print_json(said)
    return print_facts(said | {"approvers": ", ".join(permit.approvers)})
