"""A feedback snapshot as a dataset of MLflow: named on the run, and joined to it in lineage, both ways."""

import json

import mlflow
import polars as pl
import pytest
from mlflow.data.dataset_source_registry import get_dataset_source_from_json, resolve_dataset_source
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build
from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback.domain.snapshots import SnapshotChanged
from handrail.mlflow import FeedbackDatasetSource, snapshot_dataset
from tests.entrypoints.cli.test_feedback import AUGUST, OUTCOME, PREDICTION, lines, project, run

__all__ = ["project"]


@pytest.fixture
def taken(project, tmp_path, monkeypatch):
    run("import", "-", text=lines(PREDICTION, OUTCOME))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return json.loads(run("snapshot", "ground_truth", *AUGUST, "--json").stdout)


def handrail(*words):
    found = CliRunner().invoke(build(), [*words])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_run_names_the_snapshot_and_its_source_gives_the_labels(taken):
    with open_platform() as platform, mlflow.start_run() as logged:
        mlflow.log_input(snapshot_dataset(platform.feedback, taken["digest"], "august"), context="evaluation")

    (kept,) = mlflow.get_run(logged.info.run_id).inputs.dataset_inputs
    source = get_dataset_source_from_json(kept.dataset.source, kept.dataset.source_type)
    assert (kept.dataset.name, kept.dataset.digest) == ("august", taken["digest"].partition(":")[2][:36])
    assert json.loads(kept.dataset.profile)["num_rows"] == 1
    assert (source.uri, source.digest) == (taken["uri"], taken["digest"])
    assert pl.read_parquet(source.load()).select("flight_id", "late").rows() == [(PREDICTION["subject"], 1)]


def test_lineage_leads_from_the_run_to_the_snapshot_and_back(taken):
    with open_platform() as platform, mlflow.start_run() as logged:
        mlflow.log_input(snapshot_dataset(platform.feedback, taken["digest"]))
    handrail("lineage", "collect", "mlflow")
    run_uri = next(each for each in _uris(handrail("lineage", "impact", taken["digest"], "--json")) if "/run/" in each)

    assert run_uri.endswith(logged.info.run_id)
    assert taken["uri"] in _uris(handrail("lineage", "trace", run_uri, "--json"))


def _uris(text):
    """Return every URI in an answer of lineage."""
    found = set()

    def walk(value):
        if isinstance(value, dict):
            for key, each in value.items():
                walk(key)
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, str) and "://" in value:
            found.add(value)

    walk(json.loads(text))
    return found


def test_a_uri_is_resolved_and_another_one_is_named(taken):
    assert isinstance(resolve_dataset_source(taken["uri"]), FeedbackDatasetSource)
    with pytest.raises(InvalidInput, match="is not a feedback snapshot"):
        FeedbackDatasetSource.from_dict({"uri": "feedback://handrail/snapshot/august"})
    with pytest.raises(UnknownReference):
        FeedbackDatasetSource("sha256:" + "0" * 64).load()


def test_an_altered_snapshot_is_no_dataset(taken):
    with open_platform() as platform:
        with platform.store.write() as connection:
            connection.exec_driver_sql("update feedback_event set value = 0")
        with pytest.raises(SnapshotChanged):
            snapshot_dataset(platform.feedback, taken["digest"])
