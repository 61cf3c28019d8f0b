"""The comparison of two models on the same cases as one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from flows.steps.modelling.evaluation_page import STYLE
from handrail.use_case import UseCase

WIDTH, HEIGHT, EDGE = 560, 92, 40
INK, ACCENT, SOFT = "#1f2933", "#2563eb", "#9aa5b1"
SOURCES = {
    "champion": "deployment of the champion",
    "incumbent": "files of the champion",
    "snapshot": "feedback snapshot",
    "as_of": "labels known by",
    "rows": "rows",
}


def comparison_page(found: Mapping[str, Any], case: UseCase, version: str, judged_on: str) -> str:
    """Return the page of a comparison, as evidence has it, with the champion; `version` is its name for people."""
    metric, many, clusters = case.main_metric.title, escape(case.subject.many), f"{escape(case.cluster)}s"
    rows = [
        (f"{metric} of {version}", _figure(found["challenger_value"])),
        (f"{metric} of the champion", _figure(found["champion_value"])),
        ("better by", f"{found['delta']:+.4f}"),
        ("95 % interval", f"{found['ci_low']:+.4f} to {found['ci_high']:+.4f}"),
        ("may be worse by at most", _figure(found["margin"])),
    ]
    facts = [(words, str(found[name])) for name, words in SOURCES.items() if found.get(name) is not None]
    return "\n".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{escape(version)} against the champion</title><style>{STYLE}</style>",
            f"<h1>{escape(version)} against the champion, on the same {many}</h1>",
            f"<p>Both answered about the same {found['n']:,} {many} of {escape(judged_on)}, in {found['clusters']} "
            f"{clusters}. The interval is drawn over whole {clusters}.</p>",
            f"<p><strong>{escape(_verdict(found))}</strong> The gate measures again by itself.</p>",
            *_picture(found),
            _table(rows),
            "<h2>What it was made of</h2>",
            _table(facts),
            "</html>\n",
        )
    )


def _verdict(found: Mapping[str, Any]) -> str:
    if found["ci_low"] > 0:
        return "It is better: the whole interval lies above zero."
    if found["not_worse"]:
        return "It is not worse: even the lower end of the interval is within the margin."
    return "It may be worse: the lower end of the interval is below the margin."


def _picture(found: Mapping[str, Any]) -> Iterator[str]:
    """Draw the interval of the gain, with zero and the margin as lines."""
    margin, low, high, gain = (float(found[name]) for name in ("margin", "ci_low", "ci_high", "delta"))
    lowest, highest = min(low, -margin, 0.0), max(high, 0.0)
    scale = (WIDTH - 2 * EDGE) / ((highest - lowest) or 1.0)

    def at(value: float) -> str:
        return f"{EDGE + (value - lowest) * scale:.1f}"

    lines = {"no worse than": -margin, "equal": 0.0} if margin else {"equal": 0.0}
    yield (
        f'<svg role="img" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">'
        f"<title>better by {gain:+.4f}, {low:+.4f} to {high:+.4f}</title>"
    )
    for number, (words, value) in enumerate(lines.items()):
        yield (
            f'<line x1="{at(value)}" x2="{at(value)}" y1="16" y2="70" stroke="{SOFT}" stroke-dasharray="4 3"/>'
            f'<text x="{at(value)}" y="{12 if number % 2 else 86}" fill="{INK}" text-anchor="middle">{words}</text>'
        )
    yield (
        f'<line x1="{at(low)}" x2="{at(high)}" y1="42" y2="42" stroke="{ACCENT}" stroke-width="4"/>'
        f'<circle cx="{at(gain)}" cy="42" r="6" fill="{ACCENT}"/></svg>'
    )


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _table(rows: list[tuple[str, str]]) -> str:
    lines = (f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{''.join(lines)}</table>"
