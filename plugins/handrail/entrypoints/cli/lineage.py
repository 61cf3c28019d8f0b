"""`handrail lineage`: not here yet."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)


def attach(parent: typer.Typer) -> None:
    """Add the noun `lineage`."""
    parent.add_typer(app, name="lineage")
