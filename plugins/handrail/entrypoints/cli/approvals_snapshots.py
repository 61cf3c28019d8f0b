"""`handrail approvals snapshots` and `commit-predictions`: labelled rows, and predictions from before their outcome."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.approvals import shown
from handrail.entrypoints.cli.approvals import User, gate_client
from handrail.entrypoints.cli.approvals_printing import print_facts
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="List, look at and confirm labelled rows that the gate measures on.",
    epilog="Example: handrail approvals snapshots list --model churn",
)
Model = Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")]
Digest = Annotated[str, typer.Argument(help="The snapshot's digest, sha256: and 64 hex digits.")]
EXAMPLE = "Example: handrail approvals snapshots {} sha256:0f3a... --model churn"
COMMIT_EXAMPLE = "Example: handrail approvals commit-predictions shadow.parquet --version 3 --model churn"
MOST_COLUMNS = 30


@app.command("list", epilog="Example: handrail approvals snapshots list --model churn")
def list_snapshots(user: User, model: Model = None, as_json: AsJson = False) -> None:
    """List what was handed in to measure a model on, oldest first."""
    with gate_client(user, "Listing") as client:
        rows = client.snapshots.listed(model or load_settings().model_name)
    if as_json:
        return print_json(rows)
    listed = [("snapshot", "handed in", "by", "confirmed by")]
    for row in rows:
        listed.append((row["snapshot"], row["handed_in"][0]["at"][:19], _custodians(row), _confirmed(row)))
    return print_rows(listed)


@app.command("show", epilog=EXAMPLE.format("show"))
def show_snapshot(snapshot: Digest, user: User, model: Model = None, as_json: AsJson = False) -> None:
    """Show what a snapshot holds, who handed it in and when, and who could confirm it."""
    with gate_client(user, "Looking at the rows") as client:
        row = client.snapshots.shown(model or load_settings().model_name, snapshot)
    _print(row, as_json)


@app.command("confirm", epilog=EXAMPLE.format("confirm"))
def confirm_snapshot(snapshot: Digest, user: User, model: Model = None, as_json: AsJson = False) -> None:
    """Confirm as a second person that these are the rows and labels to measure a model on.

    On a terminal they are shown first. What waited for it is measured then.
    """
    name = model or load_settings().model_name
    with gate_client(user, "The confirmation") as client:
        if sys.stdin.isatty():
            with redirect_stdout(sys.stderr):
                _print(client.snapshots.shown(name, snapshot))
            typer.confirm("Confirm these rows?", abort=True, err=True)
        row = client.snapshots.confirm(name, snapshot)
    _print(row, as_json)


def _print(row: dict[str, Any], as_json: bool = False) -> None:
    if as_json:
        return print_json(row)
    handed_in = ", ".join(f"{each['account']} at {each['at'][:19]}" for each in row["handed_in"])
    facts = {"snapshot": row["snapshot"], "for": row["model"], "handed in by": handed_in}
    facts |= _holds(row["rows"]) if row["rows"] else {}
    facts |= {"problem": row["problem"]} if row["problem"] else {}
    facts |= {"confirmed by": _confirmed(row)}
    if row["custody"]:
        facts |= {
            "needs": f"another {' or '.join(row['custody'])}: {', '.join(row['could_confirm']) or 'nobody'} could"
        }
    return print_facts(facts)


def _holds(rows: dict[str, Any]) -> dict[str, str]:
    columns = rows["columns"]
    more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
    return {
        "rows": f"{rows['rows']:,}, of which {rows['labelled']:,} have a label",
        "label": ", ".join(f"{name} {share:.4g}" for name, share in rows["label"].items()),
        "clusters": f"{rows['clusters']:,}, from {rows['first']} to {rows['last']}",
        "columns": f"{len(columns)}: {', '.join(columns[:MOST_COLUMNS])}{more}",
    }


def _custodians(row: dict[str, Any]) -> str:
    return shown(", ".join(each["account"] for each in row["handed_in"]))


def _confirmed(row: dict[str, Any]) -> str:
    said = ", ".join(f"{each['person']} at {each['at'][:19]}" for each in row["confirmed"])
    return shown(said) if said else "nobody" if row["custody"] else "nobody, and nobody has to"


def commit_predictions(
    predictions: Annotated[Path, typer.Argument(help="Parquet file with the subject's column and 'score'.")],
    version: Annotated[int, typer.Option(min=1, help="Version of the registered model that made them.")],
    user: User,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Commit predictions of a version before their outcome is known; the gate logs that they were there."""
    with gate_client(user, "The commitment") as client:
        row = client.commit_predictions(model or load_settings().model_name, version, predictions)
    if as_json:
        return print_json(row)
    return print_facts({name.replace("_", " "): value for name, value in row.items()})
