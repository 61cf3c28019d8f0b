"""Scores a snapshot of labelled rows and computes what a plan asks for. Runs confined; reads and writes no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from handrail.approvals.adapters.foretelling import Foretold, hold_against, known_moments, warm_up_foretold
from handrail.approvals.adapters.measuring_cases import Beside, measured_cases
from handrail.approvals.adapters.measuring_fairness import measured_fairness
from handrail.approvals.domain.described_rows import LONGEST_NAME, MOST_COLUMNS
from handrail.approvals.domain.evaluation import GAINS
from handrail.errors import InvalidInput
from handrail.scoring import Answered, Scorer
from handrail.statistics import (
    Answers,
    Intervals,
    Scored,
    compare,
    draw_clusters,
    estimate,
    judgeable,
    metric_named,
)

Plan = Mapping[str, Any]
MADE_UP = 10
REMEDY = "Hand in a Parquet file of labelled rows with the columns that config/use_case.yaml names."


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows: the whole table, `label` (n,) as numbers, and `cluster` (n,) as text."""

    table: pa.Table
    label: np.ndarray
    cluster: np.ndarray


def measure(plan: Plan, files: Mapping[str, bytes], foretold: Foretold | None = None) -> dict[str, Any]:
    """Measure the candidate, and the incumbent if its files are there.

    Args:
        plan: the fields of an `EvaluationPlan`.
        files: `snapshot`, and `scoring` and `network` of `candidate.` and `incumbent.`, and what was foretold.
        foretold: if rows that were foretold are measured by themselves too.

    Returns:
        `evaluation` and `comparison` as numbers by name, `cases` as `read_cases` reads them, and `scores`, the
        sha256 (hex) of all that was answered; with `foretold` also `prospective`.

    Raises:
        InvalidInput: the rows or a package cannot be used.
    """
    rows = _rows(files["snapshot"], plan)
    whose = [name for name in ("candidate", "incumbent") if f"{name}.scoring" in files]
    answered = {name: _answered(name, files, rows, plan) for name in whose}
    digest = sha256()
    for each in answered.values():
        digest.update(each.score.tobytes() + each.label.tobytes())
    found = _measured(answered, rows, plan) | {"scores": digest.hexdigest()}
    return found | ({"prospective": _prospective(answered, rows, plan, foretold)} if foretold else {})


def _measured(answered: Mapping[str, Answered], rows: Rows, plan: Plan) -> dict[str, Any]:
    beside = _beside(answered, rows, plan)
    known = {
        "evaluation": _evaluated(beside),
        "comparison": _compared(answered, rows, plan) if "incumbent" in answered else None,
    }
    compared = {"fairness": measured_fairness(beside, rows.table, plan)} if plan["fairness"] else {}
    return known | compared | {"cases": measured_cases(beside, rows.table, plan, known)}


def _beside(answered: Mapping[str, Answered], rows: Rows, plan: Plan) -> Beside:
    codes = np.unique(rows.cluster, return_inverse=True)[1]
    versions = {who: Scored(of.score, rows.label, codes, of.label) for who, of in answered.items()}
    candidate = versions["candidate"]
    weights = draw_clusters(candidate.clusters, Intervals(plan["draws"], plan["seed"]))
    drawn = {name: metric_named(plan["kind"], name).values(candidate, weights) for name in plan["metrics"]}
    return Beside(candidate, versions.get("incumbent"), weights, drawn)


def _prospective(answered: Mapping[str, Answered], rows: Rows, plan: Plan, foretold: Foretold) -> dict[str, float]:
    """Count the rows that were foretold, and measure them where there are enough."""
    columns, wanted = plan["columns"], plan["prospective"]
    subjects = [str(subject) for subject in rows.table[columns["subject"]].to_pylist()]
    known = known_moments(rows.table, wanted["known"])
    counts, holds = hold_against(foretold, subjects, known, answered["candidate"].score)
    few = Rows(rows.table.filter(pa.array(holds)), rows.label[holds], rows.cluster[holds])
    if len(few.label) < wanted["least_rows"] or not judgeable(plan["kind"], few.label):
        return counts
    mine = {who: Answered(each.score[holds], each.label[holds]) for who, each in answered.items()}
    gains = _compared(mine, few, plan) if "incumbent" in mine else {}
    return counts | _evaluated(_beside(mine, few, plan)) | {name: gains[name] for name in GAINS if name in gains}


def describe(plan: Plan, content: bytes) -> dict[str, Any]:
    """Describe the rows of a snapshot as `RowsDescribed` does, in JSON values.

    Raises:
        InvalidInput: nothing can be measured on these rows.
    """
    rows = _rows(content, plan)
    clusters, names = np.unique(rows.cluster), rows.table.column_names
    return {
        "rows": pq.ParquetFile(pa.BufferReader(content)).metadata.num_rows,
        "labelled": len(rows.label),
        "clusters": len(clusters),
        "first": str(clusters[0])[:LONGEST_NAME],
        "last": str(clusters[-1])[:LONGEST_NAME],
        "columns": [name[:LONGEST_NAME] for name in names[:MOST_COLUMNS]],
        "label": _shares(rows.label, plan),
    }


def _shares(label: np.ndarray, plan: Plan) -> dict[str, float]:
    if plan["kind"] not in ("binary", "multiclass"):
        return {"least": float(label.min()), "mean": float(label.mean()), "most": float(label.max())}
    codes, counts = np.unique(label, return_counts=True)
    names = dict(enumerate(plan["classes"]))
    return {names.get(int(code), str(code)): int(count) / len(label) for code, count in zip(codes, counts, strict=True)}


def warm_up(plan: Plan) -> None:
    """Compute once on rows that are made up, so that libraries load now what they would load at its first use."""
    count = max(plan["least_rows"], 2 * MADE_UP)
    classes = max(2, len(plan["classes"]))
    columns = plan["columns"]
    made = {
        columns["subject"]: [str(number) for number in range(count)],
        columns["cluster"]: [str(number % MADE_UP) for number in range(count)],
        columns["label"]: [number % classes for number in range(count)],
    }
    file = pa.BufferOutputStream()
    pq.write_table(pa.table(made), file)
    few = {**plan, "draws": 2}
    rows = _rows(file.getvalue().to_pybytes(), few)
    answered = Answered(np.linspace(0.1, 0.9, count, dtype=np.float32), rows.label.astype(np.int64))
    _values(rows.table[columns["label"]], is_text=False)
    _measured({"candidate": answered, "incumbent": answered}, rows, few)
    if plan["prospective"]:
        warm_up_foretold(plan["prospective"]["known"])


def _evaluated(beside: Beside) -> dict[str, float]:
    scored = beside.candidate
    found: dict[str, float] = {"rows": len(scored.label), "clusters": scored.clusters}
    for name, values in beside.drawn.items():
        of = estimate(values).as_dict()
        found |= {name: of["value"], f"{name}_low": of["low"], f"{name}_high": of["high"]}
    return found


def _compared(answered: Mapping[str, Answered], rows: Rows, plan: Plan) -> dict[str, float]:
    champion, challenger = (Answers(answered[who].score, answered[who].label) for who in ("incumbent", "candidate"))
    metric = metric_named(plan["kind"], plan["main"])
    found = compare(metric, plan["kind"], champion, challenger, rows.label, rows.cluster, margin=plan["margin"])
    return {
        "champion_value": found.champion,
        "challenger_value": found.challenger,
        "delta": found.gain,
        "ci_low": found.low,
        "ci_high": found.high,
        "margin": found.margin,
        "n": found.subjects,
        "clusters": found.clusters,
    }


def _rows(content: bytes, plan: Plan) -> Rows:
    """Read the snapshot; rows without a label are left out."""
    columns = plan["columns"]
    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as err:
        raise InvalidInput("snapshot", f"it cannot be read ({_first_line(err)})", REMEDY) from err
    for name in (columns["label"], columns["cluster"], columns["subject"]):
        if table.column_names.count(name) != 1:
            raise InvalidInput("snapshot", f"it has no single column {name!r}", REMEDY)
    table = table.filter(pc.is_valid(table[columns["label"]]))
    if table.num_rows < plan["least_rows"]:
        problem = f"it has {table.num_rows} labelled rows, expected at least {plan['least_rows']}"
        raise InvalidInput("snapshot", problem, "Hand in more of them.")
    subjects = table[columns["subject"]].to_pylist()
    if None in subjects or len(set(map(str, subjects))) != len(subjects):
        problem = f"a {columns['subject']!r} is missing or there twice"
        raise InvalidInput("snapshot", problem, "Hand in one row a subject.")
    label = _label(table[columns["label"]].to_pylist(), plan)
    if not judgeable(plan["kind"], label):
        raise InvalidInput("snapshot", "every row has the same label", "Hand in rows of more than one outcome.")
    return Rows(table, label, np.array([str(value) for value in table[columns["cluster"]].to_pylist()]))


def _label(values: list[Any], plan: Plan) -> np.ndarray:
    kind, codes = plan["kind"], {text: code for code, text in enumerate(plan["classes"])}
    try:
        numbers = np.array([float(codes.get(value, value)) for value in values])
    except (TypeError, ValueError) as err:
        raise InvalidInput("snapshot", f"a label is no {kind} label ({_first_line(err)})", "Correct the rows.") from err
    fits = np.isfinite(numbers)
    if kind in ("binary", "multiclass"):
        fits = np.isin(numbers, (0, 1) if kind == "binary" else list(codes.values()))
    elif kind == "count":
        fits &= (numbers >= 0) & (numbers == np.floor(numbers))
    if not fits.all():
        problem = f"{float(numbers[~fits][0])!r} is no {kind} label"
        raise InvalidInput("snapshot", problem, "Correct the rows.")
    return numbers.astype(np.int64) if kind in ("binary", "multiclass") else numbers


def _answered(whose: str, files: Mapping[str, bytes], rows: Rows, plan: Plan) -> Answered:
    scorer = Scorer.read(files[f"{whose}.scoring"], files[f"{whose}.network"], f"the {whose}")
    if withheld := [name for name in scorer.features if name in plan["columns"]["withheld"]]:
        problem = f"the {whose} reads {withheld[0]!r}, which a model must not know"
        raise InvalidInput("features", problem, "Train it without that column.")
    if scorer.kind != plan["kind"]:
        raise InvalidInput("kind", f"the {whose} is {scorer.kind}, and the label {plan['kind']}", "Train it anew.")
    if missing := [name for name in scorer.features if rows.table.column_names.count(name) != 1]:
        problem = f"it has no single column {missing[0]!r}, a feature of the {whose}"
        raise InvalidInput("snapshot", problem, "Hand in rows with the features of both models.")
    answered = scorer.answer({name: _values(rows.table[name], name in scorer.codes) for name in scorer.features})
    if not np.isfinite(answered.score).all():
        raise InvalidInput("score", f"the {whose} answers a row with no finite number", "Train it anew.")
    return answered


def _values(column: pa.ChunkedArray, is_text: bool) -> Any:
    if is_text:
        return column.to_pylist()
    try:
        return column.cast(pa.float64(), safe=False).to_numpy()
    except pa.ArrowException as err:
        raise InvalidInput("snapshot", f"a feature holds no numbers ({_first_line(err)})", REMEDY) from err


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [type(err).__name__])[0][:120]
