"""`handrail lineage timeline` and `handrail lineage export`."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap import open_platform
from handrail.clock import system_time
from handrail.entrypoints.answers.as_json import period_to_json
from handrail.entrypoints.answers.exports import Form, export
from handrail.entrypoints.cli.lineage.output import shorten
from handrail.entrypoints.cli.lineage.questions import Depth, Kinds, MaxNodes, Ref
from handrail.entrypoints.cli.output import AsJson, messages, print_json, read_moment
from handrail.lineage import MAX_NODES, TRUNCATED, Direction


def show_timeline(
    name: Annotated[str, typer.Argument(help="A moving name, its end or a part: champion.")],
    at: Annotated[str | None, typer.Option("--at", help="Only what held at this ISO 8601 moment.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a moving name pointed at, from when until when, and who allowed it."""
    moment = read_moment("--at", at) if at else None
    with open_platform() as platform:
        periods = platform.lineage.timeline(name, moment)
    if as_json:
        return print_json([period_to_json(period) for period in periods])
    for period in periods:
        until = f"until {period.until.isoformat()}" if period.until else "until now"
        who = ", ".join(period.agents) or shorten(period.by)
        target = shorten(period.target) if period.target else "nothing"
        typer.echo(f"{period.name} -> {target}  {period.since.isoformat()} {until}  by {who}")
    return None


def write_export(  # noqa: PLR0913 - the options of a command
    ref: Ref,
    form: Annotated[Form, typer.Option("--format", help="The form to write.")],
    towards: Annotated[Direction, typer.Option("--towards", help="Back to the causes, or on to the effects.")] = (
        Direction.CAUSES
    ),
    kind: Kinds = None,
    depth: Depth = None,
    max_nodes: MaxNodes = MAX_NODES,
) -> None:
    """Write what led to something, or what it led to, to stdout: for other tools, or as a picture."""
    with open_platform() as platform:
        found = platform.lineage.trace(ref, max_nodes, depth=depth, kinds=kind or (), direction=towards)
        written = export(platform.lineage, found, form, system_time())
    if found.truncated:
        messages.print(TRUNCATED)
    typer.echo(written, nl=False)
