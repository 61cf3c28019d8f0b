"""What the stages did, as MLflow runs: one a model, found again by what the stage read.

Only stage outputs are read, so that a flow can log again what a server lacks; logging twice changes nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.modelling import evaluate, package, train
from flows.steps.modelling.candidates import CANDIDATE
from flows.steps.modelling.run_labels import DESCRIPTION, labels_of
from flows.steps.modelling.tracking_store import TrackingStore, open_tracking
from flows.steps.modelling.training_set import FOLDER, Manifest, md5_of, read_manifest
from handrail.clock import system_time
from handrail.errors import HandrailError, MissingFile, Unavailable
from handrail.files import sha256_of
from handrail.use_case import UseCase

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

STAGE_INPUTS = "handrail.stage_inputs"
MODEL = "handrail.model"
EVALUATION = "handrail.evaluation"
PACKAGE = "handrail.package"
FINISHED = "FINISHED"
TYPES = {"binary": "integer", "multiclass": "string", "regression": "double", "count": "long"}


def or_report(log: Callable[[Path], object], project: Path) -> None:
    """Log, and if MLflow cannot be reached report it on stderr: a stage's only guaranteed effect is its outputs."""
    try:
        log(project)
    except HandrailError as err:
        sys.stderr.write(f"Not logged to MLflow; the outputs are complete. {err}\n")


def log_training(project: Path) -> dict[str, str]:
    """Log each trained model as a run of the use case's experiment; return the run id of each model.

    Raises:
        Unavailable: a stage output is missing, or MLflow does not answer.
    """
    report = _read_report(project, train.REPORT)
    with open_tracking(project) as store:
        return {name: _log_model(store, report, name) for name in report["models"]}


def log_evaluation(project: Path) -> str:
    """Log the evaluation's figures and pages to the run of the evaluated model; return its id.

    Another evaluation of the same model, as with another threshold, goes beside the first one, and its figures are in
    its pages alone: what was read when a version was approved stays as it was.

    Raises:
        Unavailable: a stage output is missing, or MLflow does not answer.
    """
    runs, report = log_training(project), _read_report(project, evaluate.REPORT)
    _require_same_model(project, report["model_sha256"], evaluate.REPORT)
    run_id, digest = runs[CANDIDATE], package.content_digest(_files(project / evaluate.FOLDER))
    with open_tracking(project) as store:
        known, other = store.client.get_run(run_id).data.tags, f"{EVALUATION}.{digest[:12]}"
        if EVALUATION not in known:
            store.client.log_artifacts(run_id, str(project / evaluate.FOLDER), "evaluation")
            _log_metrics(store, run_id, _numbers(report, "evaluation", store.case), _now_ms())
            store.client.set_tag(run_id, EVALUATION, digest)
        elif digest not in (known[EVALUATION], known.get(other)):
            store.client.log_artifacts(run_id, str(project / evaluate.FOLDER), f"evaluation/{digest[:12]}")
            store.client.set_tag(run_id, other, digest)
    return run_id


def log_package(project: Path) -> str:
    """Upload the artifact tree to the run of the packaged model, at `package_path(project)`; return the run's id.

    Another tree goes beside the first one, never over it: what was approved stays as it was.

    Raises:
        Unavailable: a stage output is missing, or MLflow does not answer.
    """
    runs, report = log_training(project), _read_report(project, package.REPORT)
    _require_same_model(project, report["files"][train.MODEL_FILE], package.REPORT)
    run_id, path = runs[CANDIDATE], package_path(project)
    tag = f"{PACKAGE}.{Path(path).name}"
    with open_tracking(project) as store:
        if store.client.get_run(run_id).data.tags.get(tag) != report["content"]:
            store.client.log_artifacts(run_id, str(project / package.TREE), path)
            _log_metrics(store, run_id, _numbers(report, "parity", store.case), _now_ms())
            store.client.set_tag(run_id, tag, report["content"])
    return run_id


def package_path(project: Path) -> str:
    """Return where the artifact tree lies among its run's artifacts: `package/<first 12 digits of its digest>`."""
    content: str = _read_report(project, package.REPORT)["content"]
    return f"package/{content[:12]}"


def register_package(project: Path, name: str) -> tuple[int, str]:
    """Register the artifact tree as a version of the model `name`, uploaded if it is missing.

    Returns the version and the id of the run that it belongs to.

    The same tree of the same run is registered once, also if an older release named its place runs:/.

    Raises:
        Unavailable: a stage output is missing, or MLflow does not answer or refuses.
    """
    from mlflow.exceptions import MlflowException

    run_id, path = log_package(project), package_path(project)
    with open_tracking(project) as store:
        # MLflow's own page of a version reads files at a place, and answers 500 for runs:/.
        source = f"{store.client.get_run(run_id).info.artifact_uri.rstrip('/')}/{path}"
        try:
            store.client.create_registered_model(name)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        known = store.client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
        same = (source, f"runs:/{run_id}/{path}")
        versions = [int(version.version) for version in known if version.source in same]
        if versions:
            return min(versions), run_id
        service = _read_report(project, package.REPORT)["feature_service"]
        tags = {"handrail.feature_service": service["name"], "handrail.feature_service_spec": service["spec_hash"]}
        labels = labels_of(project)
        said = f"{labels.name(CANDIDATE)}. {labels.sentence(store.case)}" if labels else None
        made = store.client.create_model_version(name, source, run_id, tags=tags, description=said)
        return int(made.version), run_id


def _log_model(store: TrackingStore, report: Mapping[str, Any], name: str) -> str:
    judged = report["models"][name]
    labels = labels_of(store.project)
    found_by = {STAGE_INPUTS: report["stage_inputs"], MODEL: name}
    described = {DESCRIPTION: labels.sentence(store.case)} if labels else {}
    run = store.find_or_create(labels.name(name) if labels else name, found_by, described)
    run_id: str = run.info.run_id
    if run.info.status == FINISHED:
        return run_id
    for key, value in {**judged["params"], **_facts(report), **(labels.params if labels else {})}.items():
        store.client.log_param(run_id, key, value)
    metrics = {
        key + ("" if bound == "value" else f"_{bound}"): value
        for key, bounds in judged["metrics"].items()
        for bound, value in bounds.items()
    }
    # The moment the run began, so that logging again after an interrupt adds nothing.
    _log_metrics(store, run_id, metrics, run.info.start_time)
    store.client.log_inputs(run_id, _datasets(store.project, store.case, report))
    store.client.log_artifacts(run_id, str(store.project / "reports" / "train" / name), "plots")
    store.client.set_terminated(run_id, FINISHED, end_time=None)
    return run_id


def _facts(report: Mapping[str, Any]) -> dict[str, str]:
    service = report["feature_service"]
    return {"feature_service": service["name"], "feature_service_spec_hash": service["spec_hash"]}


def _log_metrics(store: TrackingStore, run_id: str, values: Mapping[str, float], at_ms: int) -> None:
    from mlflow.entities import Metric

    store.client.log_batch(run_id, metrics=[Metric(name, value, at_ms, 0) for name, value in values.items()])


def _now_ms() -> int:
    return int(system_time().timestamp() * 1000)


def _datasets(project: Path, case: UseCase, report: Mapping[str, Any]) -> list[DatasetInput]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    from handrail.mlflow import DvcDatasetSource

    schema, inputs = _schema(read_manifest(project), case), []
    for split, context in (("train", "training"), ("validate", "validation")):
        path = (FOLDER / f"{split}.parquet").as_posix()
        digest = _md5_of(project, path)
        source = json.dumps(DvcDatasetSource(path, md5=digest).to_dict())
        profile = json.dumps({"num_rows": report["rows"][split]})
        dataset = Dataset(f"{case.name}-{split}", digest, DvcDatasetSource._get_source_type(), source, schema, profile)
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    return inputs


def _schema(manifest: Manifest, case: UseCase) -> str:
    """Name the features and their types in the form that MLflow's dataset page reads."""
    kinds = [("string" if name in manifest.categorical else "double", name) for name in manifest.features]
    label = (TYPES[case.label.kind], case.label.column)
    columns = [{"type": kind, "name": name, "required": False} for kind, name in [*kinds, label]]
    return json.dumps({"mlflow_colspec": columns})


def _md5_of(project: Path, path: str) -> str:
    try:
        return md5_of(project / path)
    except FileNotFoundError as err:
        raise MissingFile(path, "Run: dvc repro.") from err


def _read_report(project: Path, path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads((project / path).read_text(encoding="utf-8"))
        return report
    except FileNotFoundError as err:
        raise MissingFile(path.as_posix(), f"Run: dvc repro {path.stem}.") from err


def _require_same_model(project: Path, digest: str, about: Path) -> None:
    """Refuse to log what is about another model than the one that was trained last."""
    trained = _read_report(project, train.REPORT)["models"][CANDIDATE]["sha256"]
    if digest != trained:
        raise Unavailable(about.as_posix(), "it is about an earlier model", f"Run: dvc repro {about.stem}.")


def _numbers(report: Mapping[str, Any], group: str, case: UseCase) -> dict[str, float]:
    """Return the report's figures under the group's name, without those that training logged already."""
    trained = {name + bound for name in case.metric_by_name for bound in ("", "_low", "_high")}
    return {
        f"{group}/{name}": float(value)
        for name, value in report.items()
        if isinstance(value, int | float) and name not in trained
    }


def _files(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise Unavailable(folder.name, "the folder is missing", f"Run: dvc repro {folder.name}.")
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in files}
