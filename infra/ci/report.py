"""What a change does to the model, as Markdown: `python -m infra.ci.report OLD NEW [--behaviour FILE]`.

OLD and NEW are two projects with a pipeline run, such as main's and the change's. GitHub draws Mermaid in comments and
summaries and shows no picture that is not on a server, so the plots are charts in Mermaid.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handrail.errors import HandrailError
from handrail.use_case import read_use_case
from infra.ci.metrics_diff import Row, compare, markdown

EVALUATION = "reports/evaluate.json"
FIGURES = Path("reports") / "evaluate"
MOST_ROWS = 200
MOST_BARS = 10
MOST_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 0 when printed, 1 when a file cannot be read, 2 on misuse."""
    parser = argparse.ArgumentParser(prog="python -m infra.ci.report", description="What a change does to the model.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--behaviour", type=Path, help="what python -m flows.steps.modelling.behaviour printed")
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.write(report(asked.old, asked.new, asked.behaviour))
    except HandrailError as err:
        sys.stderr.write(f"error: {err}\n")
        return 1
    return 0


def report(old: Path, new: Path, behaviour: Path | None = None) -> str:
    """Return the report on a change: the metric that decides, behaviour, charts, and every figure that changed.

    Raises:
        Misconfigured: a dvc.yaml or use_case.yaml is missing or cannot be read, or a metrics file is not JSON.
        Unavailable: a project lacks a metrics file that its own dvc.yaml names.
    """
    rows = compare(old, new)
    parts = ["## The model against main", "", _headline(new, rows), ""]
    if behaviour is not None and behaviour.is_file():
        parts += [behaviour.read_text(encoding="utf-8").strip(), ""]
    for chart in (*_calibration(old, new), *_importance(old, new)):
        parts += [chart, ""]
    parts += _figures(rows)
    text = "\n".join(parts)
    return text if len(text) <= MOST_CHARACTERS else _shortened(text)


def _headline(project: Path, rows: Sequence[Row]) -> str:
    """Say what happened to the metric that decides, beside the interval that main's own data leave open."""
    case = read_use_case(project)
    by_name = {row.metric: row for row in rows if row.file == EVALUATION}
    main_row = by_name.get(case.metrics.main)
    title = case.main_metric.title
    if main_row is None or main_row.new is None:
        return f"**{title}** is not known of this change."
    if main_row.old is None:
        return f"**{title} {main_row.new:.4f}**; main has none."
    low, high = (by_name.get(f"{case.metrics.main}_{side}") for side in ("low", "high"))
    within = ""
    if low and high and low.old is not None and high.old is not None:
        inside = low.old <= main_row.new <= high.old
        where = "inside" if inside else "outside"
        within = f", {where} main's own interval {low.old:.4f} to {high.old:.4f}"
    same = main_row.new == main_row.old
    change = "as on main" if same else f"{main_row.new - main_row.old:+.4f} against main's {main_row.old:.4f}{within}"
    return f"**{title} {main_row.new:.4f}**, {change}."


def _figures(rows: Sequence[Row]) -> list[str]:
    changed = [row for row in rows if row.old != row.new]
    if not changed:
        return [f"None of {len(rows)} figures changed."]
    shown = changed[:MOST_ROWS]
    left = f"{len(changed) - len(shown)} more changed: run `python -m infra.ci.metrics_diff OLD NEW`.\n"
    table = markdown(shown).partition("\n\n")[2]
    return [
        f"<details><summary>{len(changed)} of {len(rows)} figures changed</summary>",
        "",
        table + (left if len(shown) < len(changed) else ""),
        "</details>",
        "",
    ]


def _calibration(old: Path, new: Path) -> Iterator[str]:
    """Yield a chart of what was observed in each tenth of the answers, where both projects have as many."""
    before, after = (_table(project / FIGURES / "calibration.json") for project in (old, new))
    columns = {"observed", "predicted"}
    if before and len(before) == len(after) and all(columns <= row.keys() for row in (*before, *after)):
        values = [[float(row["observed"]) for row in rows] for rows in (before, after)]
        predicted = [float(row["predicted"]) for row in after]
        yield "\n".join(
            (
                "**Calibration**: observed in each tenth of the answers, from the lowest scores to the highest. "
                "The first line is main, the second this change, the third what this change predicted.",
                "",
                "```mermaid",
                "xychart-beta",
                f"    x-axis [{', '.join(str(number + 1) for number in range(len(after)))}]",
                f'    y-axis "observed share" 0 --> {max(map(max, (*values, predicted))):.3g}',
                *(f"    line [{', '.join(f'{each:.4g}' for each in line)}]" for line in (*values, predicted)),
                "```",
            )
        )


def _importance(old: Path, new: Path) -> Iterator[str]:
    """Yield a chart of what each feature is worth, main's beside the change's."""
    before, after = (_values(project / FIGURES / "importance.json") for project in (old, new))
    names = sorted(after, key=lambda name: -after[name])[:MOST_BARS]
    if names and max(after[name] for name in names) > 0:
        yield "\n".join(
            (
                "**What features are worth**: the loss when one is shuffled. The line is main.",
                "",
                "```mermaid",
                "xychart-beta horizontal",
                f"    x-axis [{', '.join(json.dumps(name) for name in names)}]",
                f"    bar [{', '.join(f'{after[name]:.4g}' for name in names)}]",
                f"    line [{', '.join(f'{before.get(name, 0.0):.4g}' for name in names)}]",
                "```",
            )
        )


def _values(file: Path) -> dict[str, float]:
    rows = [row for row in _table(file) if {"feature", "value"} <= row.keys()]
    return {str(row["feature"]): float(row["value"]) for row in rows}


def _table(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON file, none where there is no such file or it holds something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _shortened(text: str) -> str:
    return f"{text[:MOST_CHARACTERS].rpartition(chr(10))[0]}\n\n</details>\n\nThe rest is too long for GitHub.\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
