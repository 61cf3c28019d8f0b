"""Run as a separate file, in the environment of a reproduction: copies models out of MLflow's tracking store.

`python -P logged_models.py <request.json> <answer.json>`; it imports nothing of Handrail, which may be another version
there. The store is the one that MLFLOW_TRACKING_URI names.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HISTORY = "mlflow.log-model.history"
SQLITE = "sqlite:///"


def main(request: Path, answer: Path) -> None:
    """Write the id and the name of each logged model; copy those that are not known, if a folder is named."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    found = [each for each in logged() if each["id"] not in asked["known"]]
    if asked["folder"]:
        for number, each in enumerate(found):
            each["tree"] = fetch(each["address"], Path(asked["folder"]) / str(number))
    answer.write_text(json.dumps(found), encoding="utf-8")


def logged() -> list[dict[str, str]]:
    """Return the logged models of the store, oldest first; none of a store that was not made yet."""
    store = os.environ.get("MLFLOW_TRACKING_URI", "")
    if store.startswith(SQLITE) and not Path(store.removeprefix(SQLITE)).is_file():
        return []
    from mlflow import MlflowClient

    client: Any = MlflowClient()
    experiments = [each.experiment_id for each in client.search_experiments()]
    found = [*of_runs(client, experiments)]
    if hasattr(client, "search_logged_models"):
        found += of_store(client, experiments)
    return [row for _, row in sorted(found, key=lambda one: (one[0], one[1]["id"]))]


def of_store(client: Any, experiments: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the logged models that MLflow 3 keeps, each with the milliseconds at which it was made."""
    token = None
    while True:
        page = client.search_logged_models(experiments, page_token=token)
        for each in page:
            row = {"id": each.model_id, "name": each.name, "address": each.artifact_location}
            yield each.creation_timestamp, row
        token = page.token
        if not token:
            return


def of_runs(client: Any, experiments: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the models that MLflow 2 keeps among the files of a run, each with the start of that run."""
    token = None
    while True:
        page = client.search_runs(experiments, page_token=token)
        for run in page:
            for entry in json.loads(run.data.tags.get(HISTORY, "[]")):
                path = entry["artifact_path"]
                address = f"{run.info.artifact_uri.rstrip('/')}/{path}"
                yield run.info.start_time, {"id": f"{run.info.run_id}/{path}", "name": path, "address": address}
        token = page.token
        if not token:
            return


def fetch(address: str, folder: Path) -> str:
    """Copy the files at an address below `folder`; return where they are."""
    from mlflow.artifacts import download_artifacts

    folder.mkdir(parents=True, exist_ok=True)
    return str(download_artifacts(artifact_uri=address, dst_path=str(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
