"""`handrail sources`: how the columns of sources changed, and which versions tables have for that."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from handrail.acquisition import Opening, Table, TableVersion
from handrail.bootstrap.acquisition import open_opening, open_version, read_tables
from handrail.entrypoints.cli.output import AsJson, print_json, results
from handrail.errors import InvalidInput
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="How the columns of sources changed, and versions of tables.",
    epilog="Example: handrail sources changes orders",
)


@app.command("changes", epilog="Example: handrail sources changes orders")
def show_changes(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables of config/sources.yaml; all if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how the columns of each table's source changed, since when that is known, and which versions were opened."""
    settings, facts = load_settings(), []
    for name in tables or list(read_tables(settings).tables):
        with open_opening(settings, name) as opening:
            facts.append(_facts(opening))
    if as_json:
        print_json(facts)
        return
    for fact in facts:
        _say(fact)


@app.command("open", epilog="Example: handrail sources open orders --renamed price=cost")
def open_next(
    table: Annotated[str, typer.Argument(help="A table of config/sources.yaml whose source changed.")],
    renamed: Annotated[
        list[str] | None,
        typer.Option("--renamed", help="old=new: a column with another name now; may be repeated."),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who opens it; your user name if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open a new version of a table for the changes of its source's columns; the next acquire fills it.

    What was known before is carried into it, as known since then; the version before stays as it is.
    """
    made = open_version(load_settings(), table, dict(map(_pair, renamed or ())), by or getpass.getuser())
    if as_json:
        print_json({"table": table, "version": made.name, "key": made.key, "columns": _columns(made)})
        return
    listed = ", ".join(f"{name} ({type_})" for name, type_ in _columns(made).items())
    results.print(f"{made.name} is open, with {listed}. Run handrail acquire {table}.", highlight=False, markup=False)


def _pair(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    if not old or not new:
        raise InvalidInput("--renamed", f"{text!r} is no pair of names", "Write old=new.")
    return old, new


def _columns(table: Table) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def _facts(opening: Opening) -> dict[str, Any]:
    tables = opening.tables()
    versions = {table.name: _columns(table) for table in tables}
    seen = [
        {"version": table.name, "at": at.isoformat(), **asdict(change), "says": str(change)}
        for table in tables
        for change, at in opening.store.changes(table.name).items()
    ]
    opened = [_opened(each) for each in opening.versions.opened(opening.name)]
    return {"table": opening.name, "changes": seen, "opened": opened, "columns": versions}


def _opened(version: TableVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "at": version.at.isoformat(),
        "by": version.by,
        "for": [str(each) for each in version.changes],
        "renamed": dict(version.renamed),
        "carried": version.carried,
    }


def _say(fact: dict[str, Any]) -> None:
    versions = list(fact["columns"])
    now = f"its newest version is {versions[-1]}" if versions else "nothing of it was acquired yet"
    lines = [f"{fact['table']}: {now}"]
    lines += [f"  {each['at']}  {each['version']}: {each['says']}" for each in fact["changes"]]
    for each in fact["opened"]:
        confirmed = "".join(f", {old} is now {new}" for old, new in each["renamed"].items())
        lines.append(f"  {each['at']}  version {each['version']} opened by {each['by']}{confirmed}")
    results.print("\n".join(lines), highlight=False, markup=False)
