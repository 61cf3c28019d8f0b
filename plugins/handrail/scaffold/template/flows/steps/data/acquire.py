"""Stage acquire: copy what was known at `as_of` into data/raw, a file a month. Another source is read here."""

from __future__ import annotations

from pathlib import Path

from flows.steps.data.raw_files import write_raw
from flows.steps.data.table import known_at, read_source
from flows.steps.project.outputs import fresh_folder
from flows.steps.project.params import read_params
from handrail.use_case import read_use_case


def run(project: Path) -> None:
    """Write `project`/data/raw from data/source."""
    use_case = read_use_case(project)
    rows = known_at(read_source(project, use_case), read_params(project).as_of, use_case)
    with fresh_folder(project / "data" / "raw") as raw:
        write_raw(rows, raw)
