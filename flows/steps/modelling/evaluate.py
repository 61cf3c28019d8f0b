"""Stage evaluate: look at the chosen model from every side on the validation window, for the people who decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.steps.data.slices import slice_values
from flows.steps.modelling.adversary import Attacked, attack, scattered, unseen
from flows.steps.modelling.candidates import CANDIDATE
from flows.steps.modelling.costs import cheapest, expected_cost
from flows.steps.modelling.drawing import draw_bars
from flows.steps.modelling.evaluation_page import Seen, write_page
from flows.steps.modelling.fairness import compare_groups, without_tables
from flows.steps.modelling.figures import calibration, draw_performance, pearson_residuals
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import ModelParams, read_model_params
from flows.steps.modelling.perturb import Probe, importance, robustness
from flows.steps.modelling.skops_file import read_skops
from flows.steps.modelling.slices import better_bound, judge_slices, pooled, worst
from flows.steps.modelling.train import MODEL_FILE
from flows.steps.modelling.training_set import Manifest, Rows, read_manifest, read_rows
from flows.steps.project.outputs import fresh_folder, write_json
from handrail.errors import InvalidInput
from handrail.files import sha256_of
from handrail.statistics import METRICS_OF, Estimate, Intervals, Scored, judgeable, metrics_of
from handrail.use_case import Costs, read_use_case

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

REPORT = Path("reports") / "evaluate.json"
FOLDER = Path("reports") / "evaluate"
SHOWN_FEATURES = 20
JUDGED_NOISE = "0.1"
SHORTENED = 0.4


def run(project: Path) -> None:
    """Write reports/evaluate.json and reports/evaluate of `project`, then log them to MLflow."""
    case, manifest = read_use_case(project), read_manifest(project)
    params = read_model_params(project, case.label.kind)
    judge = Judge(case, params.package.threshold)
    trained = project / "models" / "train" / CANDIDATE / MODEL_FILE
    model = read_skops(trained)
    rows = read_rows(project, "validate", manifest, case)
    answers = judge.answers(model, rows.inputs)
    scored = judge.scored(answers, rows.label, rows.cluster)
    values = listed_slices(rows, judge)
    probe = probe_of(model, rows, manifest, judge, params)
    details: dict[str, Any] = {
        "slices": judged_slices(scored, values, judge, params),
        "fairness": compare_groups(answers, scored, values, judge, params.intervals.resampling),
        "calibration": calibration(scored, case.label),
        "robustness": robustness(probe, column_groups(project, manifest))
        | {"unseen": unseen(probe), "scattered": scattered(probe)},
        "attack": attack(attacked_rows(probe, rows, judge, params), params.intervals.resampling),
        "importance": importance(probe),
    }
    report = summary(scored, details, judge, params.intervals.resampling) | {
        "model_sha256": sha256_of(trained),
        "fairness": without_tables(details["fairness"]),
        "robustness": disturbed(details, judge),
    }
    ranked = [{"feature": name, **of} for name, of in details["importance"].items()]
    seen = Seen(report, baseline_figures(project, rows, judge), *_days(rows, case.time.day))
    with fresh_folder(project / FOLDER) as folder:
        for name, value in (details | {"importance": ranked}).items():
            write_json(folder / f"{name}.json", value)
        pictures = _draw(scored, details, judge, folder)
        write_page(seen, details, judge, pictures, folder)
    write_json(project / REPORT, report)


def baseline_figures(project: Path, rows: Rows, judge: Judge) -> dict[str, dict[str, float]]:
    """Return every metric of each other model that was trained, on the same rows, without intervals."""
    found = {}
    for file in sorted((project / "models" / "train").glob(f"*/{MODEL_FILE}")):
        if file.parent.name == CANDIDATE:
            continue
        model = read_skops(file)
        scored = judge.scored(judge.answers(model, rows.inputs), rows.label, np.zeros(len(rows.label), dtype=np.int64))
        one = np.ones((1, 1))
        found[file.parent.name] = {
            metric.name: float(metric.values(scored, one)[0]) for metric in METRICS_OF[judge.kind]
        }
    return found


def _days(rows: Rows, column: str) -> tuple[str, str]:
    """Return the first and the last day of the rows."""
    days = rows.subjects[column]
    return str(days.min()), str(days.max())


def listed_slices(rows: Rows, judge: Judge) -> dict[str, np.ndarray]:
    """Return the slices of the description, (n,) names of groups each.

    Raises:
        InvalidInput: flows/steps/data/slices.py gives other slices than config/use_case.yaml lists.
    """
    values, listed = slice_values(rows.subjects), judge.case.slices
    if set(values) != set(listed):
        problem = f"it gives {', '.join(sorted(values)) or 'none'}, and slices in config/use_case.yaml are "
        problem += ", ".join(sorted(listed)) or "none"
        raise InvalidInput("flows/steps/data/slices.py", problem, "Let both name the same slices.")
    return {by: values[by] for by in listed}


def judged_slices(
    scored: Scored, values: Mapping[str, np.ndarray], judge: Judge, params: ModelParams
) -> dict[str, dict[str, dict[str, Any]]]:
    """Judge the model by each slice, small groups pooled."""
    smallest, intervals = params.evaluate.smallest_slice, params.intervals.resampling
    return {by: judge_slices(scored, pooled(groups, smallest), judge, intervals) for by, groups in values.items()}


def probe_of(model: Pipeline, rows: Rows, manifest: Manifest, judge: Judge, params: ModelParams) -> Probe:
    """Take an even sample of the rows, encoded as the model sees them; all rows where a sample judges nothing."""
    every = _every(rows, judge, params)
    features = (*manifest.categorical, *manifest.numeric)
    return Probe(
        answer=lambda encoded: judge.answers(model["model"], encoded),
        judge=judge,
        encoded=model["encode"].transform(rows.inputs.iloc[::every]).astype(np.float64),
        features=features,
        coded=np.isin(np.array(features), list(manifest.categorical)),
        label=rows.label[::every],
        seed=params.intervals.seed,
    )


def attacked_rows(probe: Probe, rows: Rows, judge: Judge, params: ModelParams) -> Attacked:
    """Take an even sample of the probe's rows, with their clusters."""
    again = max(1, len(probe.label) // params.evaluate.attacked_rows)
    few = replace(probe, encoded=probe.encoded[::again], label=probe.label[::again])
    return Attacked(few, rows.cluster[:: _every(rows, judge, params)][::again], judge.case.moves)


def _every(rows: Rows, judge: Judge, params: ModelParams) -> int:
    """Return which of the rows are a sample: every so many; each one where a sample judges nothing."""
    every = max(1, len(rows.label) // params.evaluate.sampled_rows)
    return every if judgeable(judge.kind, rows.label[::every]) else 1


def disturbed(details: Mapping[str, Any], judge: Judge) -> dict[str, float]:
    """Return what a policy can cite of disturbed inputs: the worst of each kind, and what chosen changes turn."""
    lost = f"{judge.metric.name}_lost"
    of = details["robustness"]
    worst_of = {f"worst_{kind}_{lost}": max((case[lost] for case in of[kind].values()), default=0.0) for kind in of}
    return {**worst_of, **details["attack"]}


def column_groups(project: Path, manifest: Manifest) -> dict[str, list[str]]:
    """Return which of the model's features come from which feature table of data/features; empty ones left out."""
    tables = sorted((project / "data" / "features").glob("*.parquet"))
    columns = {table.stem: pl.read_parquet_schema(table) for table in tables}
    groups = {name: [feature for feature in manifest.numeric if feature in of] for name, of in columns.items()}
    return {name: features for name, features in groups.items() if features}


def summary(scored: Scored, details: dict[str, Any], judge: Judge, intervals: Intervals) -> dict[str, Any]:
    """Return the figures that a policy can cite: each metric with its bounds, and the worst of each table."""
    metric, groups = judge.metric, details["calibration"]
    gaps = [abs(group["predicted"] - group["observed"]) * group["rows"] for group in groups]
    missing, lost = details["robustness"]["missing"], f"{metric.name}_lost"
    report: dict[str, Any] = {
        "rows": len(scored.label),
        f"{judge.case.cluster}s": scored.clusters,
        "calibration_error": round(sum(gaps) / len(scored.label), 9),
        f"noise_{lost}": details["robustness"]["noise"][JUDGED_NOISE][lost],
        f"worst_missing_{lost}": max((of[lost] for of in missing.values()), default=0.0),
        "worst_slices": {},
    }
    if judge.kind == "count":
        report["pearson_dispersion"] = pearson_dispersion(scored)
    for name, of in metrics_of(judge.kind, scored, intervals).items():
        report |= _flat(name, of)
    for by, groups_of in details["slices"].items():
        if found := worst(groups_of, metric):
            group, value, bound = found
            ends = {metric.name: value, f"{metric.name}_{better_bound(metric)}": bound}
            report["worst_slices"][by] = {"group": group, **ends}
    if judge.threshold is not None:
        report |= _decided(scored, judge.threshold)
        if judge.case.costs is not None:
            report |= _costs(scored, judge.threshold, judge.case.costs, intervals)
    return report


def pearson_dispersion(scored: Scored) -> float:
    """Return how many times more counts vary around the answers than Poisson counts of these means would.

    It is the mean of squared Pearson residuals, without a correction for the parameters (McCullagh and Nelder,
    Generalized Linear Models, section 4.5).
    """
    return round(float((pearson_residuals(scored) ** 2).mean()), 9)


def _decided(scored: Scored, threshold: float) -> dict[str, float]:
    positive, called = scored.label == 1, scored.score >= threshold
    return {
        "threshold": threshold,
        "precision": round(float(positive[called].mean()), 9) if called.any() else 0.0,
        "recall": round(float(called[positive].mean()), 9),
    }


def _costs(scored: Scored, threshold: float, costs: Costs, intervals: Intervals) -> dict[str, float]:
    best, lowest = cheapest(scored, costs)
    cost = _flat("cost", expected_cost(scored, threshold, costs, intervals))
    return {**cost, "cheapest_threshold": round(best, 9), "cheapest_cost": round(lowest, 9)}


def _flat(name: str, of: Estimate) -> dict[str, float]:
    values = of.as_dict()
    return {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}


def _draw(scored: Scored, details: dict[str, Any], judge: Judge, folder: Path) -> dict[str, tuple[str, ...]]:
    """Draw every picture; return their names by the heading of the page that they belong under."""
    metric, over = judge.metric, f"95 % interval over {judge.case.cluster}s"
    title, lost = metric.title, judge.lost
    # Those of a binary label lie beside the trained model already.
    beside = draw_performance(scored, judge.case, CANDIDATE, folder, calibration_only=judge.kind == "binary")
    pictures = {"Calibration": ("calibration", *beside)}
    for place, (by, groups) in enumerate(details["slices"].items()):
        bars = {f"{name} ({of['rows']})": of[metric.name] for name, of in groups.items() if of[metric.name]}
        if bars:
            name = f"slices_{by if re.fullmatch(r'[A-Za-z0-9_-]+', by) else place}"
            cut = SHORTENED if metric.better == "higher" else None
            draw_bars(f"{title} by {by} (rows)", f"{title}, {over}", bars, folder / f"{name}.png", cut=cut)
            pictures[f"By {by}"] = (name,)
    first = dict(list(details["importance"].items())[:SHOWN_FEATURES])
    draw_bars("Importance: shuffle one feature", lost, first, folder / "importance.png")
    draw_bars(
        "Robustness: noise and missing tables",
        lost,
        dict(_lost(details["robustness"], f"{metric.name}_lost")),
        folder / "robustness.png",
    )
    return pictures


def _lost(cases_of: Mapping[str, Mapping[str, Any]], lost: str) -> Iterator[tuple[str, dict[str, float]]]:
    for kind, cases in cases_of.items():
        for name, of in cases.items():
            yield f"{kind} {name}", dict.fromkeys(("value", "low", "high"), of[lost])
