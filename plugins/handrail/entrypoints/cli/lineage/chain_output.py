"""How a chain looks on a terminal: link by link with times and hops, then where names pointed, then counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from handrail.entrypoints.answers.chain import Chain
from handrail.entrypoints.answers.chain_links import Link
from handrail.entrypoints.answers.mlflow_pages import Pages
from handrail.entrypoints.answers.names import name_at
from handrail.entrypoints.answers.words import counted, plural
from handrail.entrypoints.cli.lineage.output import legible, shorten, trees, warnings_of
from handrail.lineage import TRUNCATED, Period, Trace

UNKNOWN_TIME = "-"
MOST_MOVES = 12


def show_chain(chain: Chain, trace: Trace, pages: Pages) -> None:
    """Print a chain, the history of the names on it, and how much else there is."""
    for line in (*_lines(chain, trace, pages), *_history(chain), *_counts(trace)):
        trees.print(line, soft_wrap=True)


def _lines(chain: Chain, trace: Trace, pages: Pages) -> Iterator[Text]:
    yield Text(legible(chain.summary), style="bold")
    yield from (Text(f"Missing: {shorten(sentence)}", style="red") for sentence in chain.missing)
    yield from (Text(sentence, style="red") for sentence in warnings_of(trace))
    yield Text()
    wide = max(len(link.kind) for link in chain.links)
    for number, link in enumerate(chain.links):
        yield from _link(link, pages, wide, is_last=number + 1 == len(chain.links))


def _link(link: Link, pages: Pages, wide: int, *, is_last: bool) -> Iterator[Text]:
    when = _written(link.when) if link.when else UNKNOWN_TIME
    rod = " " if is_last else "│"
    head = Text(f"{when:<20} ", style="dim").append("● ", style="default")
    head.append(f"{legible(link.kind):<{wide}}  ", style="cyan").append(legible(link.title), style="bold not dim")
    yield head.append_text(_hop(link))
    margin = f"{'event time' if link.is_event_time else '':<20} {rod} {'':<{wide}}  "
    for text in (link.note, f"Digest {link.digest}" if link.digest else ""):
        if text:
            yield Text(margin, style="dim").append(shorten(text), style="dim")
            margin = f"{'':<20} {rod} {'':<{wide}}  "
    yield Text(margin, style="dim").append(legible(link.uri), style="dim")
    if page := pages.page_of(link.uri):
        yield Text(f"{'':<20} {rod} {'':<{wide}}  ", style="dim").append(page, style="blue")


def _hop(link: Link) -> Text:
    if link.proven is None:
        return Text()
    mark = Text("  proven" if link.proven else "  asserted", style="green" if link.proven else "yellow")
    return mark.append(f" ({legible(', '.join(link.said_by))})", style="dim")


def _history(chain: Chain) -> Iterator[Text]:
    if chain.moves:
        yield Text("\nHistory", style="cyan")
    for period in chain.moves[-MOST_MOVES:]:
        yield _period(period)
    if len(chain.moves) > MOST_MOVES:
        yield Text(f"  {len(chain.moves) - MOST_MOVES:,} earlier moves: handrail lineage timeline NAME", style="dim")


def _period(period: Period) -> Text:
    until = f"until {_written(period.until)}" if period.until else "until now"
    target = name_at(period.target) if period.target else "nothing"
    who = ", ".join(map(name_at, period.agents)) or name_at(period.by)
    line = Text(f"  {_written(period.since)}  {legible(period.name)} → {legible(target)}")
    return line.append(f"  {until}, by {legible(who)}", style="dim")


def _counts(trace: Trace) -> Iterator[Text]:
    kinds = Counter(node.kind for node in trace.nodes)
    words = (
        counted(number, legible(kind.replace("-", " ")), legible(plural(kind))) for kind, number in kinds.most_common()
    )
    yield Text()
    yield Text(f"{len(trace.nodes):,} things led to it: {', '.join(words)}.", style="dim")
    more = "See all of them: --tree, --json."
    yield Text(f"{trace.proven:,} of {counted(len(trace.edges), 'hop')} proven, others asserted. {more}", style="dim")
    if trace.truncated:
        yield Text(TRUNCATED, style="yellow")


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
