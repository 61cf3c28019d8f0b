"""Stage evaluate: look at the chosen model from every side on the validation window, for the people who decide."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.steps.modelling.candidates import CANDIDATE
from flows.steps.modelling.evaluation_page import write_page
from flows.steps.modelling.figures import calibration, draw_bars, draw_calibration
from flows.steps.modelling.model_params import ModelParams, read_model_params
from flows.steps.modelling.perturb import Probe, importance, robustness
from flows.steps.modelling.skops_file import read_skops
from flows.steps.modelling.slices import judge_slices, pooled, slice_values, worst
from flows.steps.modelling.train import MODEL_FILE, score
from flows.steps.modelling.training_set import Manifest, Rows, read_manifest, read_rows
from flows.steps.project.outputs import fresh_folder, write_json
from handrail.files import sha256_of
from handrail.statistics import Estimate, Scored, metrics_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

REPORT = Path("reports") / "evaluate.json"
FOLDER = Path("reports") / "evaluate"
SHOWN_FEATURES = 20


def run(project: Path) -> None:
    """Write reports/evaluate.json and reports/evaluate of `project`, then log them to MLflow."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    params, manifest = read_model_params(project), read_manifest(project)
    trained = project / "models" / "train" / CANDIDATE / MODEL_FILE
    model = read_skops(trained)
    rows = read_rows(project, "validate", manifest)
    scored = Scored(score(model, rows), rows.label, rows.cluster)
    slices = judged_slices(scored, rows, params)
    probe = probe_of(model, rows, manifest, params)
    details: dict[str, Any] = {
        "slices": slices,
        "calibration": calibration(scored),
        "robustness": robustness(probe, column_groups(project, manifest)),
        "importance": importance(probe),
    }
    report = summary(scored, details, params) | {"model_sha256": sha256_of(trained)}
    ranked = [{"feature": name, **of} for name, of in details["importance"].items()]
    with fresh_folder(project / FOLDER) as folder:
        for name, value in (details | {"importance": ranked}).items():
            write_json(folder / f"{name}.json", value)
        _draw(details, folder)
        write_page(report, details, folder)
    write_json(project / REPORT, report)


def judged_slices(scored: Scored, rows: Rows, params: ModelParams) -> dict[str, dict[str, dict[str, Any]]]:
    """Judge the model by carrier, origin and hour, small groups pooled."""
    values = slice_values(rows.subjects)
    smallest, threshold = params.evaluate.smallest_slice, params.package.threshold
    return {
        by: judge_slices(scored, pooled(groups, smallest), threshold, params.intervals.resampling)
        for by, groups in values.items()
    }


def probe_of(model: Pipeline, rows: Rows, manifest: Manifest, params: ModelParams) -> Probe:
    """Take an even sample of the rows, encoded as the trees see them."""
    every = max(1, len(rows.label) // params.evaluate.sampled_rows)
    features = (*manifest.categorical, *manifest.numeric)
    trees = model["model"]
    return Probe(
        predict=lambda encoded: trees.predict_proba(encoded)[:, 1],
        encoded=model["encode"].transform(rows.inputs.iloc[::every]).astype(np.float64),
        features=features,
        coded=np.isin(np.array(features), list(manifest.categorical)),
        label=rows.label[::every],
        threshold=params.package.threshold,
        seed=params.intervals.seed,
    )


def column_groups(project: Path, manifest: Manifest) -> dict[str, list[str]]:
    """Return which of the model's features come from which feature table of data/features; empty ones left out."""
    tables = sorted((project / "data" / "features").glob("*.parquet"))
    columns = {table.stem: pl.read_parquet_schema(table) for table in tables}
    groups = {name: [feature for feature in manifest.numeric if feature in of] for name, of in columns.items()}
    return {name: features for name, features in groups.items() if features}


def summary(scored: Scored, details: dict[str, Any], params: ModelParams) -> dict[str, Any]:
    """Return the figures that a policy can cite: each metric with its bounds, and the worst of each table."""
    metrics = metrics_of("binary", scored, params.intervals.resampling)
    late, called = scored.label == 1, scored.score >= params.package.threshold
    groups = details["calibration"]
    gaps = [abs(group["predicted"] - group["observed"]) * group["rows"] for group in groups]
    missing = details["robustness"]["missing"]
    report: dict[str, Any] = {
        "rows": len(late),
        "days": scored.clusters,
        "threshold": params.package.threshold,
        "precision": round(float(late[called].mean()), 9) if called.any() else 0.0,
        "recall": round(float(called[late].mean()), 9),
        "calibration_error": round(sum(gaps) / len(late), 9),
        "noise_roc_auc_lost": details["robustness"]["noise"]["0.1"]["roc_auc_lost"],
        "worst_missing_roc_auc_lost": max((of["roc_auc_lost"] for of in missing.values()), default=0.0),
        "worst_slices": {},
    }
    for name, of in metrics.items():
        report |= _flat(name, of)
    for by, groups_of in details["slices"].items():
        if lowest := worst(groups_of):
            group, value, high = lowest
            report["worst_slices"][by] = {"group": group, "roc_auc": value, "roc_auc_high": high}
    return report


def _flat(name: str, of: Estimate) -> dict[str, float]:
    values = of.as_dict()
    return {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}


def _draw(details: dict[str, Any], folder: Path) -> None:
    for by, groups in details["slices"].items():
        bars = {f"{name} ({of['rows']})": of["roc_auc"] for name, of in groups.items() if of["roc_auc"]}
        draw_bars(f"ROC-AUC by {by} (rows)", "ROC-AUC, 95 % interval over days", bars, folder / f"slices_{by}.png")
    draw_calibration(details["calibration"], CANDIDATE, folder / "calibration.png")
    first = dict(list(details["importance"].items())[:SHOWN_FEATURES])
    draw_bars("Importance: shuffle one feature", "ROC-AUC lost", first, folder / "importance.png")
    lost = {
        f"{kind} {name}": dict.fromkeys(("value", "low", "high"), of["roc_auc_lost"])
        for kind, cases in details["robustness"].items()
        for name, of in cases.items()
    }
    draw_bars("Robustness: noise and missing tables", "ROC-AUC lost", lost, folder / "robustness.png")
