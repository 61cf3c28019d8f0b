"""What all commands share: how they print (results on stdout, messages on stderr), and how they read a moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from handrail.clock import parse_moment
from handrail.errors import InvalidInput

results = Console(soft_wrap=True)
messages = Console(stderr=True, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(value: Any) -> None:
    """Print a value as indented JSON, keys in order, without colours or wrapping."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True, default=str))


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns that begin below one another; nothing is cut or broken, so that ids can be copied."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def read_moment(option: str, text: str) -> datetime:
    """Read the ISO 8601 moment that an option was given; without a zone it is UTC.

    Raises:
        InvalidInput: it is not a moment.
    """
    try:
        return parse_moment(text)
    except ValueError as err:
        raise InvalidInput(option, f"{text!r} is not a moment", "Write ISO 8601, as in 2026-11-23T12:00Z.") from err
