"""`handrail approvals nonce` and `attest`: how a pipeline signs evidence for one request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.bootstrap.approvals_attesting import sign_evidence
from handrail.entrypoints.cli.approvals import User, gate_client
from handrail.entrypoints.cli.output import print_json
from handrail.errors import InvalidInput
from handrail.settings import load_settings

NONCE_EXAMPLE = "Example: handrail approvals nonce --version 3 --user pipeline > nonce.json"
ATTEST_EXAMPLE = (
    "Example: handrail approvals attest --nonce nonce.json --evidence reports/package.json --key pipeline.pem "
    "--predicate-type https://example.com/parity/v1 > parity.dsse.json"
)


def nonce(
    version: Annotated[int, typer.Option(min=1, help="Version of the registered model.")],
    user: User,
    model: Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias that is to be moved.")] = "champion",
) -> None:
    """Get a nonce for one request, and what a statement with it is about, as JSON."""
    with gate_client(user, "Getting a nonce") as client:
        answer = client.nonce(model=model or load_settings().model_name, version=version, alias=alias)
    print_json(answer)


def attest(
    nonce: Annotated[Path, typer.Option(help="What 'handrail approvals nonce' printed.")],
    evidence: Annotated[Path, typer.Option(help="A JSON object: what the pipeline found.")],
    key: Annotated[Path, typer.Option(help="The pipeline's Ed25519 key: PEM, or as ssh-keygen writes it.")],
    predicate_type: Annotated[str, typer.Option(help="As config/identities.yaml names it for this evidence.")],
) -> None:
    """Sign evidence as a pipeline: print an in-toto statement in a DSSE envelope. Needs no server and no network."""
    given, found = _object(nonce, "--nonce"), _object(evidence, "--evidence")
    typer.echo(sign_evidence(key, predicate_type, given, found))


def _object(file: Path, option: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as err:
        raise InvalidInput(option, f"{str(file)!r} cannot be read: {err.strerror}", "Give a readable file.") from err
    except (ValueError, RecursionError) as err:
        raise InvalidInput(option, f"{str(file)!r} is not JSON: {err}", "Give a JSON file.") from err
    if not isinstance(content, dict):
        raise InvalidInput(option, f"{str(file)!r} holds no JSON object", "Give a file with one object.")
    return content
