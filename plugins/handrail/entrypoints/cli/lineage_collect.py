"""`handrail lineage collect`: record what a tool holds by itself. Each tool's command is in its own file."""

from __future__ import annotations

import typer

from handrail.entrypoints.cli.lineage_collect_dvc import collect_dvc

app = typer.Typer(
    no_args_is_help=True,
    help="Read what a tool holds by itself and record it; the tool is left as it is.",
    epilog="Example: handrail lineage collect dvc",
)
app.command("dvc", epilog="Example: handrail lineage collect dvc --commit v1.2")(collect_dvc)
