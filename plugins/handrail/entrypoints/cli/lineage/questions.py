"""`handrail lineage trace`, `impact`, `show`, `timeline` and `export`: what led here, what it led to, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.clock import system_time
from handrail.entrypoints.answers.as_json import (
    details_to_json,
    impact_to_json,
    page_to_json,
    period_to_json,
    trace_to_json,
)
from handrail.entrypoints.answers.chain import chain_about
from handrail.entrypoints.answers.exports import Form, export
from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.answers.one_page import write_page
from handrail.entrypoints.answers.reach_facts import reach_of
from handrail.entrypoints.cli import completing
from handrail.entrypoints.cli.lineage.chain_output import show_chain
from handrail.entrypoints.cli.lineage.on_disk import as_typed_here
from handrail.entrypoints.cli.lineage.output import (
    draw_details,
    draw_impact,
    draw_page,
    draw_trace,
    shorten,
    show_tree,
    trees,
)
from handrail.entrypoints.cli.lineage.reach_output import show_reach
from handrail.entrypoints.cli.output import AsJson, messages, print_json, read_moment
from handrail.errors import InvalidInput
from handrail.lineage import MAX_COUNTED, MAX_LISTED, MAX_NODES, TRUNCATED, Direction

MOST_JUDGED = 200_000
"""Up to so many predictions a command counts the outcomes; a page stops earlier."""
Ref = Annotated[
    str,
    typer.Argument(
        help="A prediction id, a URI or its beginning, a path of the project, a commit, a digest, name/1, "
        "name@alias, a request's id, a person, or a moving name.",
        autocompletion=completing.names,
    ),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Show only this kind of thing; may be repeated.")]
Depth = Annotated[int | None, typer.Option("--depth", min=1, help="Go that many hops, and no further.")]
MaxNodes = Annotated[int, typer.Option("--max-nodes", min=1, help="Stop the walk after that many nodes.")]


def show_trace(  # noqa: PLR0913 - the options of a command
    ref: Ref,
    kind: Kinds = None,
    depth: Depth = None,
    max_nodes: MaxNodes = MAX_NODES,
    columns: Annotated[bool, typer.Option("--columns", help="Show which columns came from which.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="Show everything, a section for each tool.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what made a prediction as one chain, back to the commit and the data, and which hops are proven.

    With --tree, and where only a part is asked for (--kind, --depth, --columns), all that led to it is a tree.
    """
    with open_records() as platform:
        ref = as_typed_here(platform, ref)
        trace = platform.lineage.trace(ref, max_nodes, depth=depth, kinds=kind or ())
        facts = platform.lineage.columns_of(trace) if columns else None
        chain = None if kind or depth else chain_about(platform, platform.lineage, trace)
        pages = Pages.of(platform.settings)
    if as_json:
        print_json(trace_to_json(trace, facts, chain))
    elif chain is None or tree or columns:
        show_tree(draw_trace(trace, facts))
    else:
        show_chain(chain, trace, pages)


def show_impact(  # noqa: PLR0913 - the options of a command
    ref: Ref,
    kind: Kinds = None,
    depth: Depth = None,
    max_nodes: MaxNodes = MAX_COUNTED,
    nodes: Annotated[bool, typer.Option("--nodes", help="List what was reached, a page at a time.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MAX_LISTED, help="How many nodes a page has.")] = 100,
    after: Annotated[str, typer.Option("--after", help="Go on after this URI, the last of the page before.")] = "",
    tree: Annotated[bool, typer.Option("--tree", help="Show all that was reached, by kind.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what something led to: models, deployments, numbers of predictions, reports, money, and whom to notify.

    `dataset#column` follows one column where column lineage is known, and whole artifacts elsewhere. With --tree, and
    where only a part is asked for (--kind, --depth), it is a tree by kind.
    """
    with open_records() as platform:
        ref = as_typed_here(platform, ref)
        if nodes:
            page = platform.lineage.touched(ref, depth=depth, kinds=kind or (), after=after, limit=limit)
            return print_json(page_to_json(page)) if as_json else trees.print(draw_page(page))
        impact = platform.lineage.impact(ref, max_nodes, depth=depth, kinds=kind or ())
        is_whole = not (kind or depth) and (as_json or not tree)
        reach = reach_of(platform, platform.lineage, impact, MOST_JUDGED) if is_whole else None
    if as_json:
        return print_json(impact_to_json(impact) | {"reach": reach.to_json() if reach else None})
    return show_reach(reach) if reach else show_tree(draw_impact(impact))


def show_node(ref: Ref, as_json: AsJson = False) -> None:
    """Show one thing: its digest, attributes, direct causes and effects, who says so, and names that point at it."""
    with open_records() as platform:
        details = platform.lineage.show(as_typed_here(platform, ref))
    if as_json:
        print_json(details_to_json(details))
    else:
        show_tree(draw_details(details))


def show_timeline(
    name: Annotated[
        str, typer.Argument(help="A moving name, its end or a part (champion), or what it points at: churn/3.")
    ],
    at: Annotated[str | None, typer.Option("--at", help="Only what held at this ISO 8601 moment.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a moving name pointed at, from when until when, and who allowed it."""
    moment = read_moment("--at", at) if at else None
    with open_records() as platform:
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
    summary: Annotated[bool, typer.Option("--summary", help="Of html: leave the table of all hops out.")] = False,
) -> None:
    """Write what led to something, or what it led to, to stdout: for other tools, as a picture or as one page."""
    if form is Form.HTML:
        _refuse_a_part(towards, kind, depth)
    elif summary:
        raise InvalidInput("--summary", f"{form.value} has none", "Leave it out, or write --format html.")
    with open_records() as platform:
        ref = as_typed_here(platform, ref)
        found = platform.lineage.trace(ref, max_nodes, depth=depth, kinds=kind or (), direction=towards)
        chain = chain_about(platform, platform.lineage, found) if form is Form.HTML else None
        if chain and summary:
            written = write_page(chain, found, system_time())
        else:
            written = export(platform.lineage, found, form, system_time(), chain)
    if found.truncated:
        messages.print(TRUNCATED)
    typer.echo(written, nl=False)


def _refuse_a_part(towards: Direction, kind: Sequence[str] | None, depth: int | None) -> None:
    """A page has the whole way from something back to the commit."""
    for option, given in (("--towards", towards is Direction.EFFECTS), ("--kind", kind), ("--depth", depth)):
        if given:
            raise InvalidInput(option, "a page shows all that led to something", "Leave it out, or write another form.")
