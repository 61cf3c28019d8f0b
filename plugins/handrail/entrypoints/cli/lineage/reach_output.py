"""How an impact looks on a terminal: what is urgent, six figures, what was reached and by whom, and whom to notify."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from handrail.entrypoints.answers.names import listed, moment_of
from handrail.entrypoints.answers.reach import (
    NEVER,
    REPLACED,
    SERVING,
    UNPLACED,
    Outcomes,
    Reach,
    Served,
    Touched,
)
from handrail.entrypoints.answers.words import counted, plural
from handrail.entrypoints.cli.lineage.output import MOST_LINES, legible, shorten, trees
from handrail.lineage import TRUNCATED

STYLES = {SERVING: "yellow", REPLACED: "dim", NEVER: "dim", UNPLACED: "dim"}


def show_reach(reach: Reach) -> None:
    """Print what an impact means for people, in the order of its page."""
    for line in (*_figures(reach), *_versions(reach), *_deployments(reach), *_predictions(reach), *_rest(reach)):
        trees.print(line, soft_wrap=True)


def _figures(reach: Reach) -> Iterator[Text]:
    yield Text(legible(reach.summary), style="bold")
    yield Text()
    wide = max(len(each.label) for each in reach.figures)
    for each in reach.figures:
        since = f"since {moment_of(each.since)}" if each.since else ""
        line = Text(f"{each.label:<{wide}}  ", style="cyan").append(legible(each.value), style="bold")
        note = " ".join(part for part in (legible(each.note), since) if part)
        yield line.append(f"  {note}" if note else "", style="dim")


def _versions(reach: Reach) -> Iterator[Text]:
    yield from _section("Model versions", [_version(each) for each in reach.versions])


def _version(row: Touched) -> Text:
    line = Text(f"  {legible(row.name)}", style="bold").append(f"  {row.state}", style=STYLES.get(row.state, ""))
    line.append(f"  {counted(row.predictions, 'prediction')}", style="default")
    line.append(f"  {legible(listed(row.aliases))}" if row.aliases else "", style="default")
    line.append(f"  allowed by {legible(listed(row.allowed_by) or 'nobody')}", style="dim")
    way = f"\n    {shorten(' → '.join(row.way))}" if row.way else ""
    return line.append(f"{way}\n    {legible(row.uri)}", style="dim")


def _deployments(reach: Reach) -> Iterator[Text]:
    yield from _section("Deployments", [_deployment(each, reach) for each in reach.deployments])


def _deployment(row: Served, reach: Reach) -> Text:
    line = Text(f"  {legible(row.name)}", style="bold").append(f"  serves {legible(row.version)}", style="default")
    since = moment_of(row.since) if row.since else "an unknown moment"
    until = moment_of(row.until) if row.until else "now" if row.is_serving else "an unknown moment"
    line.append(f"  from {since} until {until}", style="default")
    line.append(f"  {counted(row.predictions, 'prediction')}", style="default")
    for currency, amount in sorted(reach.impact.money.get(row.uri, {}).items()):
        line.append(f"  {amount:,f} {currency}", style="bold")
    return line.append(f"\n    {legible(row.uri)}", style="dim")


def _predictions(reach: Reach) -> Iterator[Text]:
    for one in reach.outcomes:
        yield from _section(f"Predictions by answer and {legible(one.kind)}", list(_answers(one)))
    if reach.too_many:
        too_many = "There are too many to count their outcomes here: handrail feedback figures."
        yield from _section("Predictions", [Text(f"  {too_many}", style="dim")])


def _answers(one: Outcomes) -> Iterator[Text]:
    for answer in dict.fromkeys(answer for answer, _, _ in one.rows):
        of = [(outcome, number) for said, outcome, number in one.rows if said == answer]
        words = ", ".join(f"{legible(outcome or 'unknown')} {number:,}" for outcome, number in of)
        yield Text(f"  {legible(answer)}: {words}", style="default")


def _rest(reach: Reach) -> Iterator[Text]:
    impact = reach.impact
    notify = [Text(f"  {legible(each.name)}: {legible(listed(each.why))}") for each in reach.concerned]
    yield from _section("Whom to notify", notify)
    failed = [Text(f"  {shorten(uri)}") for uri in impact.failed]
    yield from _section(f"Runs that failed or were aborted ({len(impact.failed):,})", failed)
    kinds = (counted(number, legible(kind), legible(plural(kind))) for kind, number in impact.kinds.items() if number)
    words = ", ".join(kinds)
    yield Text()
    if words:
        yield Text(f"{impact.reached:,} things came from it: {words}. See all of them: --tree, --nodes.", style="dim")
    if impact.truncated:
        yield Text(f"All numbers are lower bounds. {TRUNCATED}", style="yellow")


def _section(title: str, lines: Sequence[Text]) -> Iterator[Text]:
    if not lines:
        return
    yield Text(f"\n{title}", style="cyan")
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield Text(f"  {len(lines) - MOST_LINES:,} more, see --json", style="dim")
