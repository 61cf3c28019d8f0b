"""`handrail approvals rollback` and `break-glass`: the short ways, for when something that is served is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.approvals import plain_text
from handrail.entrypoints.cli.approvals import User, gate_client
from handrail.entrypoints.cli.approvals_printing import print_request
from handrail.entrypoints.cli.approvals_signing import Sign, signing_key
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.entrypoints.http.gate_signing import sign_emergency
from handrail.settings import load_settings

ROLLBACK_EXAMPLE = "Example: handrail approvals rollback --version 3 --reason 'version 4 fails on new customers'"
EXAMPLE = "Example: handrail approvals break-glass --version 5 --reason 'version 4 answers nothing since 03:10'"
Version = Annotated[int, typer.Option(min=1, help="Version of the registered model.")]
Model = Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")]
Alias = Annotated[str, typer.Option(help="The alias to move.")]


def rollback(  # noqa: PLR0913 - one argument for each option of the command
    version: Version,
    reason: Annotated[str, typer.Option(help="One sentence for whoever approves it.")],
    user: User,
    model: Model = None,
    alias: Alias = "champion",
    as_json: AsJson = False,
) -> None:
    """Ask to go back to a version that the gate promoted to the alias before; one approval is enough."""
    reason = plain_text("--reason", reason)
    with gate_client(user, "The rollback") as client:
        name = model or load_settings().model_name
        answer = client.roll_back(model=name, version=version, alias=alias, reason=reason)
    print_request(answer, as_json)


def break_glass(  # noqa: PLR0913 - one argument for each option of the command
    version: Version,
    reason: Annotated[str, typer.Option(help="What the emergency is, in one sentence.")],
    user: User,
    model: Model = None,
    alias: Alias = "champion",
    sign: Sign = None,
    as_json: AsJson = False,
) -> None:
    """Move an alias at once, as one person; two others confirm it before the permit expires, or it is reverted."""
    reason = plain_text("--reason", reason)
    key, name = signing_key(sign) if sign else None, model or load_settings().model_name
    with gate_client(user, "Breaking the glass") as client:
        signature = None
        if key:
            server = client.rules.in_force()["server"]
            signature = sign_emergency(key, server, (name, version, alias), reason, user)
        answer = client.break_glass(model=name, version=version, alias=alias, reason=reason, signature=signature)
    if as_json:
        return print_json(answer)
    print_request(answer)
    messages.print(
        f"Two other persons have to confirm it: handrail approvals decide {answer['confirmation']} --approve"
    )
    return None
