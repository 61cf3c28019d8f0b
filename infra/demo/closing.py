"""Step 13: what happened, the figures, how to look at each tool; and the same as summary.json."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from infra.demo.scene import Scene
from infra.demo.screen import Report, show


def addresses(scene: Scene, report: Report) -> dict[str, object]:
    """Say where each tool will answer under `make up`; the demo's own servers end with it."""
    report("stopping the demo's servers")
    usual = scene.found["usual"]
    return {
        "start": "make up",
        "mlflow": usual.url("mlflow"),
        "prefect": usual.url("prefect"),
        "bento": usual.url("bento"),
        "evidently": f"http://{usual.host}:{usual.ports.evidently}",
        "lineage": f"http://{usual.host}:{usual.ports.lineage}",
        "credentials": str(scene.settings.credentials.relative_to(scene.checkout)),
    }


def table_of(summary: dict[str, Any]) -> Table:
    """Return the closing screen's table: a row a figure, under the step that it belongs to."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for style in ("bold", "dim", ""):
        table.add_column(style=style, overflow="fold")
    for step in summary["steps"]:
        title = f"{step['name']} [dim]{step['wall_s']:.0f} s[/]"
        for name, value in step["figures"].items():
            table.add_row(title, name.replace("_", " "), escape(show(value)))
            title = ""
    return table


def show_all(console: Console, summary: dict[str, Any]) -> None:
    """Print the closing screen."""
    console.print(Panel(table_of(summary), title=f"The loop is closed: {summary['wall_s']:.0f} s", expand=False))
