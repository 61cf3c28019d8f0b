"""Print what a change does to the metrics: `python -m infra.ci.metrics_diff OLD NEW`, two projects with a pipeline run.

Git tracks no metrics here, so that `dvc metrics diff` has no revision to read them from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.config import read_yaml
from handrail.errors import HandrailError, Misconfigured, MissingFile

ABSENT = "–"
HEAD = ("| File | Metric | Old | New | Change |", "|---|---|---:|---:|---:|")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a metrics file, in both projects; None where a project lacks it."""

    file: str
    metric: str
    old: float | None
    new: float | None


def main(arguments: list[str]) -> int:
    """Print the table as Markdown; return 0 when printed, 1 when a file cannot be read, 2 on misuse."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m infra.ci.metrics_diff OLD NEW\n")
        return 2
    try:
        table = markdown(compare(Path(arguments[0]), Path(arguments[1])))
    except HandrailError as err:
        sys.stderr.write(f"error: {err}\n")
        return 1
    sys.stdout.write(table)
    return 0


def compare(old: Path, new: Path) -> list[Row]:
    """Return each figure of the metrics files that either project's dvc.yaml names, in the order of their names.

    Raises:
        Misconfigured: a dvc.yaml is missing or is not YAML, or a metrics file is not JSON.
        Unavailable: a project lacks a metrics file that its own dvc.yaml names.
    """
    before, after = read_metrics(old), read_metrics(new)
    return [Row(*key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys())]


def read_metrics(project: Path) -> dict[tuple[str, str], float]:
    """Return the numbers of a project's metrics files by file and dotted name.

    Raises:
        Misconfigured: dvc.yaml is missing or is not YAML, or a metrics file is not JSON.
        Unavailable: a metrics file is missing.
    """
    found: dict[tuple[str, str], float] = {}
    for stage in read_yaml(project / "dvc.yaml", "dvc.yaml").values.get("stages", {}).values():
        for entry in stage.get("metrics", []):
            file = entry if isinstance(entry, str) else next(iter(entry))
            found |= {(file, name): value for name, value in _numbers(_read_json(project, file), "")}
    return found


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table of old, new and change, with the number of changed figures above it."""
    changed = sum(row.old != row.new for row in rows)
    lines = [f"{changed} of {len(rows)} figures changed.", "", *HEAD]
    for row in rows:
        cells = (f"`{row.file}`", f"`{row.metric}`", _shown(row.old), _shown(row.new), _change(row))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _read_json(project: Path, file: str) -> Any:
    try:
        return json.loads((project / file).read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise MissingFile(str(project / file), "Run there: dvc repro.") from err
    except ValueError as err:
        raise Misconfigured(str(project / file), f"it is not JSON: {err}", "Run there: dvc repro --force.") from err


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _shown(value: float | None) -> str:
    if value is None:
        return ABSENT
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _change(row: Row) -> str:
    if row.old is None or row.new is None:
        return ABSENT
    return f"{row.new - row.old:+.6g}" if row.new != row.old else "0"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
