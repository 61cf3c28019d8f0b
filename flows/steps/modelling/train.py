"""Stage train: fit the candidates on the training window and judge them on the validation window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.modelling.candidates import MODELS, build, settings_of
from flows.steps.modelling.figures import draw_performance
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import ModelParams, read_model_params
from flows.steps.modelling.skops_file import write_skops
from flows.steps.modelling.stage_inputs import stage_inputs
from flows.steps.modelling.training_set import Rows, read_manifest, read_rows
from flows.steps.project.outputs import fresh_folder, write_json
from handrail.files import sha256_of
from handrail.statistics import Scored, metrics_of
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

REPORT = Path("reports") / "train.json"
MODEL_FILE = "model.skops"


def run(project: Path) -> None:
    """Write models/train, reports/train and reports/train.json of `project`, then log them to MLflow."""
    case, manifest = read_use_case(project), read_manifest(project)
    params = read_model_params(project, case.label.kind)
    judge = Judge(case, params.package.threshold)
    train, validate = (read_rows(project, split, manifest, case) for split in ("train", "validate"))
    report: dict[str, Any] = {
        "stage_inputs": stage_inputs(project, "train"),
        "feature_service": manifest.feature_service,
        "rows": {"train": len(train.label), "validate": len(validate.label)},
        "models": {},
    }
    with (
        fresh_folder(project / "models" / "train") as models,
        fresh_folder(project / "reports" / "train") as pictures,
    ):
        for name in MODELS:
            model = fit(build(name, manifest, params.model), train)
            write_skops(model, models / name / MODEL_FILE)
            scored = judge.scored(judge.answers(model, validate.inputs), validate.label, validate.cluster)
            draw_performance(scored, case, name, pictures / name)
            report["models"][name] = {
                **_judged(name, scored, case.label.kind, params),
                "sha256": sha256_of(models / name / MODEL_FILE),
            }
    write_json(project / REPORT, report)


def fit(model: Pipeline, rows: Rows) -> Pipeline:
    """Fit `model`; the result does not depend on how many threads there are.

    Trees are grown with every core: scikit-learn adds up in the same order for any number of threads. Linear
    algebra does not, so it gets one.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        model.fit(rows.inputs, rows.label)
    # The one fitted attribute that depends on how many cores this machine has; it only mattered while fitting.
    if hasattr(model["model"], "_bin_mapper"):
        model["model"]._bin_mapper.n_threads = 1
    return model


def _judged(name: str, scored: Scored, kind: str, params: ModelParams) -> dict[str, Any]:
    metrics = metrics_of(kind, scored, params.intervals.resampling)
    return {
        "params": settings_of(name, params.model),
        "metrics": {key: estimate.as_dict() for key, estimate in metrics.items()},
    }
