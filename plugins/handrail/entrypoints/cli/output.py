"""How commands print: JSON or rich text on stdout, messages on stderr."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

results = Console(soft_wrap=True)
messages = Console(stderr=True, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(value: Any) -> None:
    """Print a value as indented JSON, keys in order, without colours or wrapping."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True, default=str))
