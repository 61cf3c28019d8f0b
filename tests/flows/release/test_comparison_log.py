"""The comparison in the challenger's MLflow run, on a real server."""

import json

import pytest

from flows.steps.release.comparison_log import log_comparison
from flows.steps.release.promote import Registered
from handrail.errors import Unavailable
from tests.fakes.compared import COMPARED

FOUND = COMPARED | {"month": "2013-09"}
FOLDER = "comparison/on-2013-09-with-sha256-abcdef"


def _files(desk, run_id, folder):
    answer = desk.server.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id, "path": folder})
    return {file["path"] for file in answer.json().get("files", [])}


def test_the_run_has_the_comparison_as_json_and_as_a_page(settings, desk):
    registered = desk.register(settings.project)

    log_comparison(desk, settings.project, registered, FOUND)
    log_comparison(desk, settings.project, registered, FOUND)

    run_id = registered.run_id
    assert _files(desk, run_id, FOLDER) == {f"{FOLDER}/comparison.json", f"{FOLDER}/comparison.html"}
    stored = desk.server.get("/get-artifact", params={"run_id": run_id, "path": f"{FOLDER}/comparison.json"})
    assert json.loads(stored.content) == FOUND
    page = desk.server.get("/get-artifact", params={"run_id": run_id, "path": f"{FOLDER}/comparison.html"}).text
    assert "the same 28,220 flights of 2013-09" in page


def test_its_metrics_name_the_window_and_are_logged_once(settings, desk):
    registered = desk.register(settings.project)

    for _ in range(2):
        log_comparison(desk, settings.project, registered, FOUND)

    name = "same cases of 2013-09/average_precision better_by"
    params = {"run_id": registered.run_id, "metric_key": name}
    history = desk.server.get("/api/2.0/mlflow/metrics/get-history", params=params).json()["metrics"]
    assert [metric["value"] for metric in history] == [0.0123]


def test_a_run_that_is_gone_is_one_sentence(settings, desk):
    gone = Registered("flights", 1, "0" * 32, "sha256:1")

    with pytest.raises(Unavailable, match="did not take the comparison of flights version 1"):
        log_comparison(desk, settings.project, gone, FOUND)
