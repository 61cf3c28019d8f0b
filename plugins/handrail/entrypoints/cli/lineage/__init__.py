"""`handrail lineage`: what made a prediction, what a file touched, where a name pointed, who contradicts whom."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.clock import system_time
from handrail.entrypoints.cli import completing
from handrail.entrypoints.cli.lineage.check import check
from handrail.entrypoints.cli.lineage.collect import app as collect_app
from handrail.entrypoints.cli.lineage.deployment import state_deployment
from handrail.entrypoints.cli.lineage.forward import forward
from handrail.entrypoints.cli.lineage.output import sentence_of, shorten
from handrail.entrypoints.cli.lineage.questions import show_impact, show_node, show_timeline, show_trace, write_export
from handrail.entrypoints.cli.lineage.token import app as token_app
from handrail.entrypoints.cli.output import AsJson, print_json, read_moment
from handrail.errors import UnknownReference
from handrail.lineage import NotYetSet

app = typer.Typer(
    no_args_is_help=True,
    help="What made a prediction, and what a file touched.",
    epilog="Example: handrail lineage impact data/raw/orders/2013-03.csv",
)
app.add_typer(token_app, name="token")
app.command("trace", epilog="Example: handrail lineage trace 5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11")(show_trace)
app.command("impact", epilog="Example: handrail lineage impact data/raw/orders/2013-03.csv")(show_impact)
app.command("show", epilog="Example: handrail lineage show models:/orders@champion")(show_node)
app.add_typer(collect_app, name="collect")
app.command(
    "deployment",
    epilog="Example: handrail lineage deployment deploy://production/espresso/7 --serves models:/espresso/3",
)(state_deployment)
app.command("forward", epilog="Example: handrail lineage forward --follow")(forward)
app.command("timeline", epilog="Example: handrail lineage timeline champion")(show_timeline)
app.command("check", epilog="Example: handrail lineage check --json")(check)
app.command(
    "export", epilog="Example: handrail lineage export data/raw/orders/2013-03.csv --format dot --towards effects"
)(write_export)


@app.command("pointer", epilog="Example: handrail lineage pointer 'mlflow alias orders@champion'")
def show_pointer(
    name: Annotated[
        str,
        typer.Argument(
            help="A moving name, its end or a part, or what it points at: churn/3.",
            autocompletion=completing.moving_names,
        ),
    ],
    at: Annotated[str | None, typer.Option("--at", help="ISO 8601 moment; now if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a moving name pointed at, and who moved it there."""
    moment = read_moment("--at", at) if at else system_time()
    with open_records() as platform:
        name = platform.lineage.moving_name(name)
        pointer = platform.lineage.pointer_at(name, moment)
        first = None if pointer else next(iter(platform.lineage.pointer_history(name)), None)
    if pointer is None:
        raise NotYetSet(name, first.at, moment) if first else UnknownReference("pointer", name, "It was never set.")
    if as_json:
        fields = {"name": pointer.name, "target": pointer.target, "since": pointer.at.isoformat(), "by": pointer.by}
        print_json(fields)
    else:
        target = shorten(pointer.target) if pointer.target else "nothing"
        typer.echo(f"{name} -> {target} since {pointer.at.isoformat()} by {shorten(pointer.by)}")


@app.command("findings", epilog="Example: handrail lineage findings --json")
def show_findings(as_json: AsJson = False) -> None:
    """Show where tools claim different digests for one thing; the first claim is used, all are stored."""
    with open_records() as platform:
        conflicts = platform.lineage.findings()
    if as_json:
        print_json([{"uri": c.uri, "standing": c.first, "others": c.others, "by": c.asserted_by} for c in conflicts])
        return
    for conflict in conflicts:
        typer.echo(sentence_of(conflict))
    if not conflicts:
        typer.echo("No digest contradicts another.")
