"""`handrail feedback export --dvc`, by DVC itself."""

import json
import subprocess
import sys

import pytest
import yaml

from handrail.errors import InvalidInput, Unavailable
from tests.entrypoints.cli.test_feedback import AUGUST, OUTCOME, PREDICTION, lines, project, run
from tests.entrypoints.mlflow.test_feedback_sources import _uris, handrail

__all__ = ["project"]


@pytest.fixture
def taken(project, monkeypatch):
    monkeypatch.chdir(project)
    run("import", "-", text=lines(PREDICTION, OUTCOME))
    return json.loads(run("snapshot", "ground_truth", *AUGUST, "--json").stdout)


def dvc(*words):
    return subprocess.run([sys.executable, "-m", "dvc", *words], check=True, capture_output=True, text=True).stdout


def test_labels_are_under_dvc_and_lineage_joins_them_to_their_snapshot(project, taken):
    dvc("init", "--no-scm")

    shown = json.loads(run("export", taken["digest"], "data/labels.parquet", "--dvc", "--json").stdout)
    again = run("export", taken["digest"], "data/labels.parquet", "--dvc")

    assert shown["tracked_by"] == "data/labels.parquet.dvc"
    (out,) = yaml.safe_load((project / "data" / "labels.parquet.dvc").read_text())["outs"]
    assert json.loads(dvc("status", "--json")) == {}
    assert "DVC tracks it: commit data/labels.parquet.dvc" in again.stderr.replace("\n", " ")
    impact = _uris(handrail("lineage", "impact", taken["digest"], "--json"))
    (labels,) = (each for each in impact if each.startswith("dvc://"))
    assert labels.endswith(f"data/labels.parquet@{out['md5']}")
    trace = _uris(handrail("lineage", "trace", labels, "--json"))
    assert {taken["uri"], PREDICTION["deployment"]} <= trace


def test_without_dvc_around_it_the_file_stays_and_the_sentence_is_dvcs_own(project, taken):
    with pytest.raises(Unavailable, match="dvc add labels.parquet"):
        run("export", taken["digest"], "labels.parquet", "--dvc")

    assert (project / "labels.parquet").is_file()


def test_a_file_outside_the_project_is_named(project, taken, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "labels.parquet"

    with pytest.raises(InvalidInput, match="lies outside"):
        run("export", taken["digest"], outside, "--dvc")
