"""Steps 1 to 6: the stages of dvc.yaml in the demo's clone, one after another, and the commit that records them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.steps.project import pipeline
from flows.steps.project.workspace import commit
from infra.demo import ahead, as_flows
from infra.demo.people import make_accounts, name_author_for_flows, write_roles
from infra.demo.scene import COMMITTER, Scene
from infra.demo.screen import Report

Figures = dict[str, object]
SHORT_SHARE_OF_DAYS = 0.25


def prepare(scene: Scene) -> None:
    """Write the demo's roles and parameters into its clone, and start the slow servers."""
    scene.servers.start("mlflow")
    scene.servers.start("prefect")
    scene.servers.start("worker")
    pipeline.check_tracked_files(scene.clone)
    write_roles(scene.clone / "config" / "roles.yaml")
    if scene.short:
        _keep_fewer_days(scene.clone / "params.yaml")
    paths = ["config/roles.yaml", "params.yaml"]
    commit(scene.clone, "Name the demo's people and parameters", paths, COMMITTER)


def _keep_fewer_days(params: Path) -> None:
    text = params.read_text(encoding="utf-8")
    changed = re.sub(r"share_of_days: [0-9.]+", f"share_of_days: {SHORT_SHARE_OF_DAYS}", text)
    params.write_text(changed, encoding="utf-8")


def acquire(scene: Scene, report: Report) -> Figures:
    """Bring in the tables as they were known at the go-live date."""
    figures = _stage(scene, "acquire", report)
    files = scene.read_json("data/raw/manifest.json")
    many = scene.case.subject.many
    return figures | {
        "known_at": scene.found["params"]["as_of"],
        "files": len(files),
        many: sum(files[name]["rows"] for name in subject_files(files, many)),
    }


def subject_files(files: Mapping[str, Any], many: str) -> list[str]:
    """Return the raw files that hold what is predicted about: those of the table of that name, else all."""
    return sorted(name for name in files if name.split("/")[0].partition(".")[0] == many) or sorted(files)


def validate(scene: Scene, report: Report) -> Figures:
    """Check the batch with Great Expectations and set bad rows aside."""
    figures = _stage(scene, "validate", report)
    found = scene.read_json("data/validation.json")
    broken = [f"{each['table']}: {each['rule']}" for each in found["expectations"] if not each["met"]]
    return figures | {
        "expectations": found["evaluated"],
        "cleaned": {f"{each['table']}.{each['column'] or 'rows'}": each["changed"] for each in found["cleaned"]},
        "not_met": broken,
        "quarantined": found["quarantined"],
    }


def features(scene: Scene, report: Report) -> Figures:
    """Join the features as they were known when each prediction is made."""
    figures = _stage(scene, "features", report)
    manifest = scene.read_json("data/training/manifest.json")
    service = manifest["feature_service"]
    return figures | {
        "rows": manifest["rows"],
        "features": len(manifest["features"]),
        "feature_service": f"{service['name']} {service['spec_hash'][:12]}",
    }


def train(scene: Scene, report: Report) -> Figures:
    """Train the models and log them to MLflow."""
    scene.begin("production", lambda: ahead.prepare_production(scene.settings))
    report("waiting for MLflow")
    scene.servers.wait_ready("mlflow")
    make_accounts(scene.settings.url("mlflow"), scene.settings.credentials)
    name_author_for_flows(scene.settings.credentials)
    figures = _stage(scene, "train", report)
    models = scene.read_json("reports/train.json")["models"]
    main = scene.case.metrics.main
    return figures | {f"{name}_{main}": interval(models[name]["metrics"][main]) for name in models}


def evaluate(scene: Scene, report: Report) -> Figures:
    """Look at slices, calibration, noise and importance; packaging needs none of it and begins beside it."""
    tracking = scene.author.tracking
    scene.begin("package", lambda: pipeline.run_stage(scene.clone, "package", tracking))
    figures = _stage(scene, "evaluate", report)
    found = scene.read_json("reports/evaluate.json")
    main = scene.case.metrics.main
    worst = {by: f"{slice_['group']} {slice_[main]:.3f}" for by, slice_ in found["worst_slices"].items()}
    return figures | {
        scene.case.subject.many: found["rows"],
        "calibration_error": found["calibration_error"],
        "worst_slices": worst,
        "lost_to_noise": found[f"noise_{main}_lost"],
    }


def package(scene: Scene, report: Report) -> Figures:
    """Put model and ONNX into one tree, prove that they agree, and commit what the pipeline recorded."""
    report("waiting for the stage, which runs since the evaluation began")
    figures: Figures = {"dvc": scene.outcome("package")}
    parity = scene.read_json("reports/package.json")
    report("the flow train pushes data to the remote and writes lineage")
    commit = as_flows.train(scene)
    return figures | {
        "rows_compared": parity["rows"],
        "max_difference": parity["max_difference"],
        "labels_differ": parity["labels_differ"],
        "commit": commit[:12],
    }


def _stage(scene: Scene, name: str, report: Report) -> Figures:
    return {"dvc": pipeline.run_stage(scene.clone, name, scene.author.tracking, report)}


def interval(metric: Mapping[str, float]) -> str:
    """Return a metric with its confidence interval as people read it."""
    return f"{metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})"
