"""Stage package: put the chosen model, its ONNX form and how to feed it into one tree that is approved and served.

The tree's bytes depend on the model alone: no run id, no time, no path of this machine.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from flows.steps.modelling.candidates import CANDIDATE
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import PackageParams, read_model_params
from flows.steps.modelling.onnx_file import Parity, measure_parity, to_onnx_bytes
from flows.steps.modelling.skops_file import TRUSTED_TYPES, read_skops
from flows.steps.modelling.train import MODEL_FILE
from flows.steps.modelling.training_set import Manifest, Rows, read_manifest, read_rows
from flows.steps.project.outputs import fresh_folder, write_json
from handrail.files import sha256_of
from handrail.scoring import FORMAT, ONNX_FILE, SCORING_FILE, Answered, Scorer
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

REPORT = Path("reports") / "package.json"
TREE = Path("models") / "package"
CREATED = "1970-01-01 00:00:00.000000"
REQUIREMENTS = ("numpy", "pandas", "scikit-learn", "skops")
BLANKED_ROWS, BLANKED_SHARE, BLANKING_SEED = 5000, 0.2, 0


def run(project: Path) -> None:
    """Write models/package and reports/package.json of `project`, then log the tree to MLflow.

    Raises:
        Refused: the ONNX model does not answer as scikit-learn does; nothing is written.
    """
    case, manifest = read_use_case(project), read_manifest(project)
    params = read_model_params(project, case.label.kind).package
    judge = Judge(case, params.threshold)
    trained = project / "models" / "train" / CANDIDATE / MODEL_FILE
    model, rows = read_skops(trained), read_rows(project, "validate", manifest, case)
    with fresh_folder(project / TREE) as tree:
        write_tree(model, trained, manifest, judge, tree)
        parity = parity_of(model, rows, judge, Scorer.load(tree))
        parity.require(params.largest_difference)
        report = _report(parity, params, manifest, tree)
    write_json(project / REPORT, report)


def write_tree(model: Pipeline, trained: Path, manifest: Manifest, judge: Judge, tree: Path) -> None:
    """Fill the empty folder `tree`: the MLflow model at its root, onnx/model.onnx and scoring.json."""
    _write_mlflow_model(model, trained, manifest, judge.case, tree)
    features = (*manifest.categorical, *manifest.numeric)
    (tree / ONNX_FILE).parent.mkdir()
    (tree / ONNX_FILE).write_bytes(to_onnx_bytes(model["model"], len(features), judge.case.name))
    write_json(
        tree / SCORING_FILE,
        {
            "format": FORMAT,
            "features": list(features),
            "categories": _categories(model, manifest),
            "feature_service": manifest.feature_service,
            **_decided(judge),
        },
    )


def _decided(judge: Judge) -> dict[str, Any]:
    """Say how a score becomes a label; a tree of a binary label has the form that it had before there were others."""
    if judge.kind == "binary":
        return {"threshold": judge.threshold}
    classes = judge.case.label.classes
    return {"kind": judge.kind} | ({"classes": list(classes)} if classes else {})


def parity_of(model: Pipeline, rows: Rows, judge: Judge, scorer: Scorer) -> Parity:
    """Score all rows, and some of them again with a fifth of their values missing, by scikit-learn and by ONNX."""
    import pandas as pd

    source = np.random.default_rng(BLANKING_SEED)
    some = rows.inputs.iloc[:: max(1, len(rows.inputs) // BLANKED_ROWS)]
    blanked = some.mask(source.random(some.shape) < BLANKED_SHARE)
    compared = pd.concat([rows.inputs, blanked.astype(rows.inputs.dtypes)], ignore_index=True)
    columns: dict[str, Any] = {name: compared[name].to_numpy() for name in scorer.features}
    answers = judge.answers(model, compared)
    label = judge.labels(answers)
    reference = Answered(
        np.asarray(answers.score),
        np.zeros(len(compared), dtype=np.int64) if label is None else label.astype(np.int64),
    )
    return measure_parity(judge.kind, reference, scorer.answer(columns), compared.isna().any(axis=1).to_numpy())


def _write_mlflow_model(model: Pipeline, trained: Path, manifest: Manifest, case: UseCase, tree: Path) -> None:
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [
        ColSpec("string" if name in manifest.categorical else "double", name) for name in manifest.features
    ]
    classes = {"binary": 2, "multiclass": len(case.label.classes or ())}.get(case.label.kind)
    answer = TensorSpec(np.dtype("float64"), (-1, classes) if classes else (-1,))
    mlflow.sklearn.save_model(
        model,
        tree,
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED_TYPES),
        pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        signature=ModelSignature(Schema(columns), Schema([answer])),
        pyfunc_predict_fn="predict_proba" if classes else "predict",
    )
    # The stage's own file has fixed bytes; MLflow's holds memory addresses and the time.
    shutil.copyfile(trained, tree / MODEL_FILE)
    described = yaml.safe_load((tree / "MLmodel").read_text(encoding="utf-8"))
    described["model_uuid"] = uuid.UUID(sha256_of(trained)[:32]).hex
    described["model_size_bytes"] = trained.stat().st_size
    described["utc_time_created"] = CREATED
    (tree / "MLmodel").write_text(yaml.safe_dump(described, width=120), encoding="utf-8")


def _categories(model: Pipeline, manifest: Manifest) -> dict[str, list[str]]:
    """Return each categorical feature's texts in the order of their codes; a missing value has no code."""
    if not manifest.categorical:
        return {}
    encoder = model["encode"].named_transformers_["categories"]
    return {
        name: [text for text in known if isinstance(text, str)]
        for name, known in zip(manifest.categorical, encoder.categories_, strict=True)
    }


def _report(parity: Parity, params: PackageParams, manifest: Manifest, tree: Path) -> dict[str, Any]:
    files = {file.relative_to(tree).as_posix(): sha256_of(file) for file in sorted(tree.rglob("*")) if file.is_file()}
    threshold = {} if params.threshold is None else {"threshold": params.threshold}
    return asdict(parity) | {
        **threshold,
        "feature_service": manifest.feature_service,
        "files": files,
        "content": content_digest(files),
    }


def content_digest(files: dict[str, str]) -> str:
    """Return the sha256 (hex) over the tree's sorted file names and their sha256: the tree under one name."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
