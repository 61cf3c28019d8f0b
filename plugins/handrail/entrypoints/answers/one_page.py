"""A trace as one HTML file that needs nothing else: no script, no other host, whatever anybody wrote is shown as text.

It holds the chain, the picture and what has no box, folded by kind; whole, every hop too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from handrail.entrypoints.answers.chain import Chain
from handrail.entrypoints.answers.chain_links import Link
from handrail.entrypoints.answers.layers import Fold, draw_layers, folded
from handrail.entrypoints.answers.names import moment_of
from handrail.entrypoints.answers.words import counted
from handrail.lineage import UNSHOWABLE, Trace

MOST_LISTED = 1_000
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b2328; --soft: #566069; --edge: #87909a; --key: #0a5a7d; --paper: #fff; --tint: #e3eef5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaed; --soft: #a5afb7; --edge: #7c8790; --key: #7cc4e6; --paper: #161b1f; --tint: #1d2f3a; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } .soft { color: var(--soft); }
ol, ul { padding-left: 1.2rem; } ol.chain { list-style: none; padding: 0; }
ol.chain li { border-left: 2px solid var(--edge); padding: 0 0 1rem 1rem; } ol.chain li.asserted { border-left-style: dashed; }
ol.chain li:last-child { border-left-color: transparent; } p { margin: .2rem 0; }
.kind, time { color: var(--soft); font-size: .875rem; } code { overflow-wrap: anywhere; font-size: .8125rem; }
.scroll { overflow-x: auto; } svg.fig { min-width: 46rem; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg .box { fill: var(--paper); stroke: var(--edge); stroke-width: 1.5; } svg .key { fill: var(--tint); stroke: var(--key); stroke-width: 2; }
svg .hop { stroke: var(--edge); stroke-width: 1.5; fill: none; } svg .asserted { stroke-dasharray: 4 4; } svg .tip { fill: var(--edge); }
svg text { fill: var(--ink); } svg .m { fill: var(--soft); } svg .b { font-weight: 600; font-size: 13px; }
table { border-collapse: collapse; font-size: .8125rem; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; }
@media print { details { display: block; } body { max-width: none; } }
"""  # noqa: E501 - rules of a style sheet


def write_page(chain: Chain, trace: Trace, asked_at: datetime, *, whole: bool = False) -> str:
    """Return the page; `whole` adds a table of all hops."""
    name = f"prediction {trace.prediction_id}" if trace.prediction_id else chain.links[0].title
    title = _text(f"What made {name}")
    lines = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{title}</h1><p>{_text(chain.summary)}</p>",
        f'<p class="soft">As of {_text(moment_of(asked_at))}. A whole line is proven: both sides name the same digest. '
        "A broken line is asserted: somebody said so.</p>",
        *_missing(chain),
        '<h2>The direct path, newest first</h2><ol class="chain">',
        *map(_item, chain.links),
        f'</ol><h2>The same as a picture</h2><div class="scroll">{draw_layers(chain, trace)}</div>',
        "<h2>Everything else that is recorded</h2>",
        *map(_fold, folded(chain, trace)),
        *(_hops(trace) if whole else ()),
        "</main></body></html>\n",
    ]
    return "\n".join(lines)


def _missing(chain: Chain) -> Iterator[str]:
    if chain.missing:
        items = "".join(f"<li>{_text(sentence)}</li>" for sentence in chain.missing)
        yield f"<h2>Missing on the way</h2><ul>{items}</ul>"


def _item(link: Link) -> str:
    """Return a link as an item; the line below it is the hop that leads on, which the next link knows."""
    when = f"{_time(link.when)}{' (event time)' if link.is_event_time else ''}" if link.when else "time not recorded"
    proof = "" if link.proven is None else "proven" if link.proven else "asserted"
    said = f", {proof} by {', '.join(link.said_by)}" if proof and link.said_by else ""
    digest = f"<p>Digest <code>{_text(link.digest)}</code></p>" if link.digest else ""
    return (
        f'<li class="{proof}"><span class="kind">{_text(link.kind)}{_text(said)}</span> · {when}'
        f'<p><strong>{_text(link.title)}</strong></p><p class="soft">{_text(link.note)}</p>'
        f"<p><code>{_text(link.uri)}</code></p>{digest}</li>"
    )


def _time(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>'


def _fold(fold: Fold) -> str:
    items = "".join(
        f"<li><code>{_text(node.uri)}</code>{f' <code>{_text(node.digest)}</code>' if node.digest else ''}</li>"
        for node in fold.nodes[:MOST_LISTED]
    )
    more = len(fold.nodes) - MOST_LISTED
    rest = f"<p>{more:,} more are not listed.</p>" if more > 0 else ""
    return f"<details><summary>{_text(fold.word)}: {len(fold.nodes):,}</summary><ul>{items}</ul>{rest}</details>"


def _hops(trace: Trace) -> Iterator[str]:
    yield f"<h2>{counted(len(trace.edges), 'hop')}, {trace.proven:,} proven</h2>"
    heads = "".join(f"<th>{head}</th>" for head in ("What", "came how", "from what", "proof"))
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for edge in trace.edges:
        proof = "proven" if edge.proven and edge.counts else "asserted"
        yield (
            f"<tr><td>{_text(edge.effect)}</td><td>{_text(edge.verb.phrase)}</td><td>{_text(edge.cause)}</td>"
            f"<td>{proof} by {_text(', '.join(edge.asserted_by))}</td></tr>"
        )
    yield "</tbody></table></div>"


def _text(text: str | None) -> str:
    """Escape what anybody may have written; control and bidirectional characters are made visible."""
    return escape(UNSHOWABLE.sub(lambda found: ascii(found.group())[1:-1], text or ""))
