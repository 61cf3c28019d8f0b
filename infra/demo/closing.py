"""Step 13: what happened, the figures, how to look at each tool; and the same as summary.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from handrail.settings import load_settings
from infra.demo.scene import Scene
from infra.demo.screen import Report, show


def addresses(scene: Scene, report: Report) -> dict[str, object]:
    """Say where each tool will answer under `make up`; the demo's own servers end with it."""
    report("stopping the demo's servers")
    usual = load_settings(scene.checkout)
    return {
        "start": "make up",
        "mlflow": usual.url("mlflow"),
        "prefect": usual.url("prefect"),
        "bento": usual.url("bento"),
        "evidently": f"http://{usual.host}:{usual.ports.evidently}",
        "credentials": str(scene.settings.credentials.relative_to(scene.checkout)),
    }


def write_summary(file: Path, summary: dict[str, Any]) -> None:
    """Write the summary; it appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".next")
    beside.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    beside.replace(file)


def show_table(summary: dict[str, Any]) -> Table:
    """Return the closing screen's table: a row a step, with its first figures."""
    table = Table(box=None, pad_edge=False)
    table.add_column("step", style="bold")
    table.add_column("s", justify="right", style="dim")
    table.add_column("figures", overflow="fold")
    for step in summary["steps"]:
        figures = "; ".join(f"{name.replace('_', ' ')} {show(value)}" for name, value in step["figures"].items())
        table.add_row(step["name"], f"{step['wall_s']:.1f}", figures)
    return table


def show_all(console: Console, summary: dict[str, Any]) -> None:
    """Print the closing screen."""
    console.print(Panel(show_table(summary), title=f"The loop is closed in {summary['wall_s']:.0f} s", expand=True))
