"""The stages of dvc.yaml: where the code of each is, what it needs, and how its outputs are logged afterwards."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from handrail.tools import require


@dataclass(frozen=True, slots=True)
class StageBody:
    """`module` has the function `run`; `packages` are optional ones; `log` is a function of `modelling.tracking`."""

    module: str
    packages: tuple[str, ...]
    log: str | None = None


STAGES = {
    "acquire": StageBody("flows.steps.data.acquire", ("polars",)),
    "validate": StageBody("flows.steps.data.validate", ("polars", "great_expectations")),
    "features": StageBody("flows.steps.data.features", ("polars", "feast")),
    "train": StageBody("flows.steps.modelling.train", ("polars", "mlflow", "sklearn"), "log_training"),
    "evaluate": StageBody(
        "flows.steps.modelling.evaluate", ("polars", "matplotlib", "sklearn", "fairlearn"), "log_evaluation"
    ),
    "package": StageBody(
        "flows.steps.modelling.package", ("polars", "mlflow", "onnxruntime", "skl2onnx"), "log_package"
    ),
}


def run_stage(name: str, project: Path) -> None:
    """Run a stage in `project`, then log its outputs to MLflow if it has something to log.

    Raises:
        MissingTool: a package that it works with is not installed.
        HandrailError: the stage refuses its inputs; nothing half-done is kept.
    """
    # Read by the OpenMP runtime when it is loaded: waiting threads sleep instead of keeping a core from their siblings.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    stage = STAGES[name]
    for package in stage.packages:
        require(package, "project")
    importlib.import_module(stage.module).run(project)
    if stage.log is not None:
        tracking = importlib.import_module("flows.steps.modelling.tracking")
        tracking.or_report(getattr(tracking, stage.log), project)
