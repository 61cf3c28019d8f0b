"""`handrail approvals log`, `at` and `check`: what was done, and that nobody changed it afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.approvals import LogVerifier
from handrail.bootstrap import open_records
from handrail.bootstrap.approvals_check import check as hold_against
from handrail.bootstrap.approvals_check import mlflow_aliases
from handrail.bootstrap.approvals_log import read_log_key, read_policy
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows, read_moment
from handrail.errors import InvalidInput, Refused
from handrail.files import replace_file
from handrail.manifest import digest_of_bytes
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Check the log of what was asked, decided and moved.",
    epilog="Example: handrail approvals log verify",
)

CHECK_EXAMPLE = "Example: handrail approvals check --backend-store-uri sqlite:///mlflow.db"
AT_EXAMPLE = "Example: handrail approvals at --alias champion --time 2026-11-23T12:00Z"


Policy = Annotated[
    Path | None, typer.Option(help="File that says which witnesses have to have cosigned, as tlog-policy has it.")
]


@app.command(epilog="Example: handrail approvals log verify --log copy/ --key log.vkey --since kept --keep kept")
def verify(  # noqa: PLR0913 - one argument for each option of the command
    log: Annotated[Path | None, typer.Option(help="Folder of the log's files; the project's if left out.")] = None,
    key: Annotated[Path | None, typer.Option(help="The log's public key, log.vkey; the project's if left out.")] = None,
    since: Annotated[Path | None, typer.Option(help="Checkpoint that was kept from an earlier time.")] = None,
    keep: Annotated[Path | None, typer.Option(help="File to keep the checkpoint in, once it is verified.")] = None,
    policy: Policy = None,
    as_json: AsJson = False,
) -> None:
    """Check every leaf and file of the log without any server; the first leaf at fault is named."""
    settings = load_settings()
    verifier = LogVerifier(log or settings.log, read_log_key(key or settings.log / "log.vkey"))
    verified = verifier.verify(_kept(since, keep), read_policy(policy) if policy else None)
    if keep:
        replace_file(keep, verified.note.to_bytes())
    facts = {
        "log": verified.checkpoint.origin,
        "leaves": verified.checkpoint.size,
        "root": verified.checkpoint.root.hex(),
        "since": str(since) if since else None,
        "cosigned by": ", ".join(verified.witnesses) or None,
    }
    if as_json:
        return print_json(facts)
    return _print(facts)


@app.command(epilog="Example: handrail approvals log proof pr-0123456789abcdef0123 --out permit.tlog-proof")
def proof(
    request_id: Annotated[str, typer.Argument(help="The promoted request.")],
    out: Annotated[Path, typer.Option(help="File to write; its name should end in .tlog-proof.")],
    log: Annotated[Path | None, typer.Option(help="Folder of the log's files; the project's if left out.")] = None,
    key: Annotated[Path | None, typer.Option(help="The log's public key; the project's if left out.")] = None,
) -> None:
    """Write the proof that a permit is in the log, to be checked anywhere without the log."""
    settings = load_settings()
    verifier = LogVerifier(log or settings.log, read_log_key(key or settings.log / "log.vkey"))
    replace_file(out, verifier.prove(request_id).to_bytes())


@app.command(epilog="Example: handrail approvals log check-proof permit.tlog-proof --permit permit.json --key log.vkey")
def check_proof(
    proof: Annotated[Path, typer.Argument(help="File that 'log proof' wrote.")],
    permit: Annotated[Path, typer.Option(help="The permit that it is the proof of.")],
    key: Annotated[Path | None, typer.Option(help="The log's public key; the project's if left out.")] = None,
    policy: Policy = None,
    as_json: AsJson = False,
) -> None:
    """Check, with the log's key alone, that a permit was in the log when its checkpoint was signed."""
    verifier = LogVerifier(proof, read_log_key(key or load_settings().log / "log.vkey"))
    found = verifier.check(_read("PROOF", proof), read_policy(policy) if policy else None)
    leaf = json.loads(found.leaf)
    if leaf["facts"].get("permit") != digest_of_bytes(_read("--permit", permit)):
        raise Refused(f"Trusting {str(permit)!r}", (f"Leaf {found.index} of the proof is about another permit.",))
    facts = {"leaf": found.index, "kind": leaf["kind"], "request_id": leaf["request_id"], "at": leaf["at"]}
    return print_json(facts) if as_json else _print(facts)


def at(
    time: Annotated[str, typer.Option(help="A moment in ISO 8601; UTC without a zone.")],
    name: Annotated[str | None, typer.Argument(help="model@alias, in place of the two options.")] = None,
    model: Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias.")] = "champion",
    as_json: AsJson = False,
) -> None:
    """Say who let an alias point where it did at a moment, by which rule and on what evidence."""
    moment = read_moment("--time", time)
    named, at_sign, its_alias = (name or "").removeprefix("models:/").rpartition("@")
    if name and not (named and at_sign and its_alias):
        raise InvalidInput("name", f"{name!r} is not model@alias", "Write it as churn@champion, or use the options.")
    with open_records() as platform:
        asked = (named, its_alias) if name else (model or platform.settings.model_name, alias)
        facts = platform.approvals.at(*asked, moment).to_json()
    if as_json:
        return print_json(facts)
    decisions = facts.pop("approvers")
    evidence = {f"evidence {name}": digest for name, digest in facts.pop("evidence").items()}
    _print(facts | {"authors": ", ".join(facts["authors"])} | evidence)
    for row in decisions:
        typer.echo(f"  {row['person']} ({row['account']}) approved at {row['at']}: {row['reason']!r}")
    return None


def check(
    backend_store_uri: Annotated[
        str | None, typer.Option(help="MLflow's database, as its server is given it; the project's if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold ledger, log, permits, MLflow's aliases and lineage against one another, on the gate's machine."""
    with open_records() as platform:
        aliases = mlflow_aliases(platform, backend_store_uri)
        problems = list(hold_against(platform, aliases))
    if aliases is None:
        messages.print("MLflow's aliases were not looked at: name its database with --backend-store-uri.")
    if as_json:
        print_json({"problems": problems, "aliases": None if aliases is None else len(aliases)})
    else:
        for problem in problems or ["Everything agrees."]:
            typer.echo(problem)
    if problems:
        raise typer.Exit(1)


def _kept(since: Path | None, keep: Path | None) -> bytes | None:
    """Read the kept checkpoint; the first time there is none yet where the next one will be kept."""
    if since is None or (since == keep and not since.exists()):
        return None
    return _read("--since", since)


def _read(option: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as err:
        raise InvalidInput(option, f"{str(file)!r} cannot be read: {err.strerror}", "Give a readable file.") from err


def _print(facts: dict[str, Any]) -> None:
    print_rows([(name, str(value)) for name, value in facts.items() if value is not None])
