"""`handrail approvals finding`: open, close and list findings; while one is open, the gate is shut for its model."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from handrail.approvals import Severity, plain_text, shown
from handrail.entrypoints.cli.approvals import User, gate_client
from handrail.entrypoints.cli.approvals_printing import print_facts, quoted
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Open, close and list findings about models.",
    epilog="Example: handrail approvals finding list --open",
)
Model = Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")]


@app.command("open", epilog="Example: handrail approvals finding open --text 'drift in the ages' --severity high")
def open_finding(  # noqa: PLR0913 - one argument for each option of the command
    text: Annotated[str, typer.Option(help="What was found, in one sentence.")],
    user: User,
    model: Model = None,
    severity: Annotated[Severity, typer.Option(help="How bad it is; each shuts the gate.")] = Severity.MEDIUM,
    version: Annotated[int | None, typer.Option(min=1, help="Only this version.")] = None,
    alias: Annotated[str | None, typer.Option(help="Only this alias.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open a finding: nothing that it is about is promoted until somebody closes it."""
    text = plain_text("--text", text)
    with gate_client(user, "The finding") as client:
        name = model or load_settings().model_name
        row = client.open_finding(name, text, str(severity), version=version, alias=alias)
    _print_finding(row, as_json)


@app.command("close", epilog="Example: handrail approvals finding close fi-0123456789abcdef0123 --reason 'repaired'")
def close_finding(
    finding_id: Annotated[str, typer.Argument(help="The finding's id, like fi-0123456789abcdef0123.")],
    reason: Annotated[str, typer.Option(help="Why it is settled, in one sentence.")],
    user: User,
    as_json: AsJson = False,
) -> None:
    """Close a finding, as a person who decides about its aliases and made none of what it is about."""
    reason = plain_text("--reason", reason)
    with gate_client(user, f"Closing {finding_id}") as client:
        row = client.close_finding(finding_id, reason)
    _print_finding(row, as_json)


@app.command("list", epilog="Example: handrail approvals finding list --model churn --open")
def list_findings(
    user: User,
    model: Annotated[str | None, typer.Option(help="Only about this registered model.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that shut the gate.")] = False,
    as_json: AsJson = False,
) -> None:
    """List findings, oldest first for each model."""
    with gate_client(user, "Listing") as client:
        rows = client.findings(model, only_open=only_open)
    if as_json:
        return print_json(rows)
    listed = [("finding", "about", "severity", "state", "by", "text")]
    for row in rows:
        state = "open" if row["open"] else "closed"
        words = (row["severity"], state, shown(row["by"]), quoted(row["text"]))
        listed.append((row["finding_id"], shown(_about(row)), *words))
    return print_rows(listed)


def _print_finding(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return print_json(row)
    facts = {"finding": row["finding_id"], "about": _about(row), "severity": row["severity"]}
    facts |= {"found": quoted(row["text"]), "by": row["by"], "state": "open" if row["open"] else "closed"}
    if not row["open"]:
        facts |= {"closed by": row["closed_by"], "because": quoted(row["closed_because"])}
    return print_facts(facts)


def _about(row: dict[str, Any]) -> str:
    version = "" if row["version"] is None else f" version {row['version']}"
    return f"{row['model']}{version}" + ("" if row["alias"] is None else f" as {row['alias']}")
