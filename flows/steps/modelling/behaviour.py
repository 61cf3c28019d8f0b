"""What a model must do, whatever its figures: `python -m flows.steps.modelling.behaviour PROJECT [--keep]`.

config/behaviour.yaml holds three sorts of checks, all of the packaged tree, which is what is served: answers of a
golden set that may not move far from the champion's, least behaviour about groups of rows, and answers that may not
change, or only one way, when a feature does. The result is reports/behaviour.json, evidence that a policy may ask for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from flows.steps.project.outputs import write_json
from handrail.config import Section, read_config
from handrail.errors import HandrailError, Misconfigured, MissingFile
from handrail.scoring import Scorer

FILE = Path("config") / "behaviour.yaml"
TREE = Path("models") / "package"
ROWS = Path("data") / "training" / "validate.parquet"
REPORT = Path("reports") / "behaviour.json"
MOST_ROWS = 5000
SCORE = "score"
GOLDEN_ROWS = 200
EXACT = 1e-6
COMMAND = "python -m flows.steps.modelling.behaviour"


class Golden(Section):
    """A CSV of rows with the champion's scores; `most_moved` is the share of rows that may move more than `within`."""

    file: str = Field(min_length=1)
    within: float = Field(ge=0)
    most_moved: float = Field(ge=0, le=1)


class Least(Section):
    """The mean score of the rows in which each column is one of these values, or within [low, high]."""

    says: str = Field(min_length=1)
    where: dict[str, list[float | str]]
    at_least: float | None = None
    at_most: float | None = None


class Change(Section):
    """Features are changed, by `add` or to `become`; `least_share` of the scores then follow `score`."""

    says: str = Field(min_length=1)
    add: dict[str, float] = Field(default_factory=dict)
    become: dict[str, float | str] = Field(default_factory=dict)
    score: Literal["same", "not lower", "not higher"]
    within: float = Field(default=EXACT, ge=0)
    least_share: float = Field(default=1.0, ge=0, le=1)


class Behaviour(Section):
    """Everything in config/behaviour.yaml."""

    version: Literal[1]
    golden: Golden | None = None
    least: tuple[Least, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold: what it is in words, the figure and its limit, over how many rows."""

    says: str
    figure: str
    value: float | None
    limit: float
    rows: int
    holds: bool


def check_behaviour(project: Path) -> dict[str, Any] | None:
    """Check the packaged tree of a project and write reports/behaviour.json; None where no behaviour is described.

    Returns:
        `failed` (the number of checks that do not hold), `checked`, and `checks`.

    Raises:
        Misconfigured: config/behaviour.yaml cannot be used.
        Unavailable: the tree, the rows or the golden set is missing.
        InvalidInput: the tree is damaged, or a described column is no feature of it.
    """
    if not (project / FILE).is_file():
        return None
    wanted = read_config(project / FILE, Behaviour)
    scorer, rows = Scorer.load(project / TREE), _rows(project)
    checks = [
        *(_golden(wanted.golden, scorer, project) if wanted.golden else ()),
        *(_least(each, scorer, rows) for each in wanted.least if set(each.where) <= set(rows.columns)),
        # A model that does not know a feature cannot answer otherwise when it changes.
        *(_change(each, scorer, rows) for each in wanted.changes if {*each.add, *each.become} <= set(scorer.features)),
    ]
    found = {"failed": sum(not each.holds for each in checks), "checked": len(checks)}
    report = found | {"checks": [asdict(each) for each in checks]}
    write_json(project / REPORT, report)
    return report


def keep_golden(project: Path) -> Path:
    """Write what the packaged tree answers about some rows as the golden set, and return its file.

    Raises:
        Misconfigured: config/behaviour.yaml names none.
        Unavailable: the tree or the rows are missing.
    """
    wanted = read_config(project / FILE, Behaviour).golden
    if wanted is None:
        raise Misconfigured(
            str(FILE), "it names no golden set", "Add golden: {file: ..., within: ..., most_moved: ...}."
        )
    scorer, rows = Scorer.load(project / TREE), _rows(project)
    every = max(rows.height // GOLDEN_ROWS, 1)
    chosen = rows.gather_every(every).head(GOLDEN_ROWS).select(*scorer.features)
    file = project / wanted.file
    chosen.with_columns(pl.Series(SCORE, _scores(scorer, chosen)).round(6)).write_csv(file)
    return file


def as_markdown(report: Mapping[str, Any]) -> str:
    """Return the result as a table, what does not hold first."""
    held = report["checked"] - report["failed"]
    lines = [f"**What the model must do**: {held} of {report['checked']} hold.", ""]
    lines += ["| | must hold | measured | limit | rows |", "|---|---|---:|---:|---:|"]
    for check in sorted(report["checks"], key=lambda each: each["holds"]):
        value = "–" if check["value"] is None else f"{check['value']:.4g}"
        mark = "holds" if check["holds"] else "**fails**"
        says = f"{check['says']} ({check['figure']})"
        lines.append(f"| {mark} | {says} | {value} | {check['limit']:g} | {check['rows']} |")
    return "\n".join(lines) + "\n"


def _golden(wanted: Golden, scorer: Scorer, project: Path) -> Iterator[Check]:
    file = project / wanted.file
    if not file.is_file():
        raise MissingFile(str(file), f"Keep the champion's answers: {COMMAND} . --keep.")
    kept = pl.read_csv(file, schema_overrides=dict.fromkeys(scorer.categorical, pl.String), infer_schema_length=None)
    # A model with fewer features answers about what it knows.
    if set(scorer.features) <= set(kept.columns):
        moved = np.abs(_scores(scorer, kept) - kept[SCORE].to_numpy()) > wanted.within
        share = float(moved.mean())
        says = f"answers of the golden set stay within {wanted.within:g} of the champion's"
        yield Check(says, "share that moved further", share, wanted.most_moved, kept.height, share <= wanted.most_moved)


def _least(wanted: Least, scorer: Scorer, rows: pl.DataFrame) -> Check:
    for column, values in wanted.where.items():
        if rows[column].dtype.is_numeric() and len(values) == 2:
            rows = rows.filter(pl.col(column).is_between(float(values[0]), float(values[1])))
        else:
            rows = rows.filter(pl.col(column).cast(pl.String).is_in([str(each) for each in values]))
    mean = float(_scores(scorer, rows).mean()) if rows.height else None
    low = wanted.at_least is not None
    limit = wanted.at_least if wanted.at_least is not None else 1.0 if wanted.at_most is None else wanted.at_most
    holds = mean is not None and (mean >= limit if low else mean <= limit)
    return Check(wanted.says, f"mean score at {'least' if low else 'most'}", mean, limit, rows.height, holds)


def _change(wanted: Change, scorer: Scorer, rows: pl.DataFrame) -> Check:
    changed = rows.with_columns(
        *((pl.col(name) + by).cast(rows[name].dtype).alias(name) for name, by in wanted.add.items()),
        *(pl.lit(value).cast(rows[name].dtype).alias(name) for name, value in wanted.become.items()),
    )
    moved = _scores(scorer, changed) - _scores(scorer, rows)
    follow = {
        "same": np.abs(moved) <= wanted.within,
        "not lower": moved >= -wanted.within,
        "not higher": moved <= wanted.within,
    }[wanted.score]
    share = float(follow.mean()) if rows.height else 0.0
    figure = f"share of scores that are {wanted.score}, within {wanted.within:g}"
    return Check(wanted.says, figure, share, wanted.least_share, rows.height, share >= wanted.least_share)


def _scores(scorer: Scorer, rows: pl.DataFrame) -> np.ndarray:
    return scorer.answer({name: rows[name].to_list() for name in scorer.features}).score.astype(float)


def _rows(project: Path) -> pl.DataFrame:
    file = project / ROWS
    if not file.is_file():
        raise MissingFile(str(file), "Run the pipeline first: dvc repro.")
    rows = pl.read_parquet(file)
    return rows.gather_every(max(rows.height // MOST_ROWS, 1)).head(MOST_ROWS)


def main(arguments: Sequence[str]) -> int:
    """Print the result as Markdown; return 0 if all holds, 1 if something does not or cannot be checked."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="What a model must do.")
    parser.add_argument("project", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep this model's answers as the golden set")
    asked = parser.parse_args(arguments)
    try:
        if asked.keep:
            sys.stdout.write(f"{keep_golden(asked.project)}\n")
            return 0
        report = check_behaviour(asked.project)
    except HandrailError as err:
        sys.stderr.write(f"error: {err}\n")
        return 1
    sys.stdout.write(as_markdown(report) if report else f"{FILE} describes no behaviour.\n")
    return 1 if report and report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
