"""Registers files as a version over MLflow's REST API, as any author can: they come from no pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.promote import Registered

API = "/api/2.0/mlflow"


def register_files(desk: Desk, tree: Path, digest: str, experiment: str) -> Registered:
    """Log the files of a tree to a new run of the experiment, and register them as a version of the project's model."""
    model = desk.settings.model_name
    run = _call(desk, "runs/create", experiment_id=_experiment(desk, experiment))["run"]["info"]
    root = f"/api/2.0/mlflow-artifacts/artifacts/{run['artifact_uri'].partition('mlflow-artifacts:/')[2].lstrip('/')}"
    for file in sorted(tree.rglob("*")):
        if file.is_file():
            path = f"{root}/model/{file.relative_to(tree).as_posix()}"
            desk.server.put(path, content=file.read_bytes()).raise_for_status()
    body = {"name": model, "source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}
    version = _call(desk, "model-versions/create", **body)["model_version"]["version"]
    return Registered(model, int(version), run["run_id"], digest)


def _experiment(desk: Desk, name: str) -> str:
    found = desk.server.get(f"{API}/experiments/get-by-name", params={"experiment_name": name})
    if found.is_success:
        return str(found.json()["experiment"]["experiment_id"])
    return str(_call(desk, "experiments/create", name=name)["experiment_id"])


def _call(desk: Desk, path: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = desk.server.post(f"{API}/{path}", json=body).raise_for_status().json()
    return answer
