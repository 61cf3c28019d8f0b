"""The evaluation as one HTML page that needs no other file, so that MLflow's artifact viewer can show it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from handrail.statistics import METRICS_OF

PAGE = "evaluation.html"
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; } img { max-width: 100%; }
th, td { text-align: right; padding: .2rem .8rem; border-bottom: 1px solid #e4e7eb; }
th:first-child, td:first-child { text-align: left; } th { color: #52606d; font-weight: 600; }
"""


def write_page(report: dict[str, Any], details: dict[str, Any], folder: Path) -> None:
    """Write evaluation.html into `folder`, which holds the pictures that it embeds."""
    parts = [
        "<h1>Evaluation of the candidate</h1>",
        f"<p>{report['rows']:,} flights on {report['days']} days that the model never saw. Intervals are 95 %, "
        "drawn over whole days.</p>",
        _metrics(report),
        _decision(report),
        "<h2>Calibration</h2>",
        _picture(folder / "calibration.png"),
        *_slices(details["slices"], folder),
        "<h2>Robustness</h2>",
        "<p>Numbers disturbed by a share of their spread, and whole feature tables taken away.</p>",
        _robustness(details["robustness"]),
        _picture(folder / "robustness.png"),
        "<h2>Feature importance</h2>",
        "<p>ROC-AUC lost when the values of one feature are shuffled among flights.</p>",
        _picture(folder / "importance.png"),
    ]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{STYLE}</style>'
    (folder / PAGE).write_text(head + "\n".join(parts) + "</html>\n", encoding="utf-8")


def _metrics(report: dict[str, Any]) -> str:
    names = [metric.name for metric in METRICS_OF["binary"]]
    rows = [(name, *(f"{report[name + bound]:.4f}" for bound in ("", "_low", "_high"))) for name in names]
    return _table(("metric", "value", "low", "high"), rows)


def _decision(report: dict[str, Any]) -> str:
    return (
        f"<p>From a probability of {report['threshold']:g} a flight is called late: {report['recall']:.1%} of the "
        f"late flights are found, and {report['precision']:.1%} of the flights called late are late.</p>"
    )


def _slices(slices: dict[str, dict[str, Any]], folder: Path) -> Iterable[str]:
    header = ("group", "flights", "late", "mean probability", "missed", "ROC-AUC", "low", "high")
    for by, groups in slices.items():
        yield f"<h2>By {escape(by)}</h2>"
        yield _table(header, [_slice_row(name, of) for name, of in groups.items()])
        yield _picture(folder / f"slices_{by}.png")


def _slice_row(name: str, of: dict[str, Any]) -> tuple[str, ...]:
    auc = of["roc_auc"]
    bounds = tuple(f"{auc[key]:.3f}" for key in ("value", "low", "high")) if auc else ("", "", "")
    missed = "" if of["missed_rate"] is None else f"{of['missed_rate']:.1%}"
    return (name, f"{of['rows']:,}", f"{of['base_rate']:.1%}", f"{of['mean_probability']:.1%}", missed, *bounds)


def _robustness(robustness: dict[str, dict[str, dict[str, float]]]) -> str:
    rows = [
        (f"{kind}: {name}", f"{of['roc_auc']:.4f}", f"{of['roc_auc_lost']:.4f}", f"{of['labels_flipped']:.1%}")
        for kind, cases in robustness.items()
        for name, of in cases.items()
    ]
    return _table(("case", "ROC-AUC", "lost", "calls that change"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(header, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _picture(file: Path) -> str:
    content = base64.b64encode(file.read_bytes()).decode()
    return f'<p><img alt="{escape(file.stem)}" src="data:image/png;base64,{content}"></p>'
