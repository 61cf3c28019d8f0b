"""What a project hands in, and that the gate measures the version on it, through a real server."""

import polars as pl
import pytest
import yaml

from flows.steps.release.incumbent import ask_with_comparison
from flows.steps.release.measured_rows import _with_features_of, hand_in_rows
from handrail.bootstrap.approvals_rules import take_files
from handrail.errors import Misconfigured, Unavailable
from handrail.files import sha256_of

MODEL = "measured"


@pytest.fixture
def described(settings):
    file = settings.project / "config" / "evaluation.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "models": {MODEL: {"least_rows": 20}}}))
    take_files(settings, "measured")
    yield file
    file.unlink()
    take_files(settings, "no more")


def test_the_gate_measures_what_a_project_asks_for(settings, desk, described):
    registered = desk.register(settings.project, model=MODEL)

    request = ask_with_comparison(desk, settings.project, registered, "champion", "measured by the gate")

    quality = next(row for row in request["measures"] if row["measure"] == "evaluation.roc_auc")
    sent = next(iter(request["evidence_content"].values()), None) if "evidence_content" in request else None
    assert (request["verdict"], quality["level"], quality["by"]) == ("pending", "recomputed", "the gate")
    assert request["snapshot"] == f"sha256:{sha256_of(settings.project / 'data' / 'training' / 'validate.parquet')}"
    assert sent is None or sent


def test_what_was_measured_is_what_the_pipeline_reports(settings, desk, described):
    """Both score the same rows, by the same statistics: the gate with the ONNX form, the pipeline with the model."""
    import json

    registered = desk.register(settings.project, model=MODEL)
    request = ask_with_comparison(desk, settings.project, registered, "champion", "measured by the gate")
    claimed = json.loads((settings.project / "reports" / "evaluate.json").read_text())

    found = request["evaluation"]["measures"]["evaluation"]
    assert found["rows"] == claimed["rows"]
    assert found["roc_auc"] == pytest.approx(claimed["roc_auc"], abs=1e-4)


def test_a_model_that_is_not_described_is_not_measured(settings, desk, described):
    assert hand_in_rows(desk, settings.project, "another", "champion") is None


def test_rows_that_are_missing_and_a_misspelt_key_are_named(settings, desk, described):
    described.write_text(described.read_text().replace("least_rows", "least_row"))
    with pytest.raises(Misconfigured, match="Did you mean 'least_rows'"):
        hand_in_rows(desk, settings.project, MODEL, "champion")
    keys = {"snapshots": {"first": "data/none.parquet", "replacement": "data/none.parquet"}}
    described.write_text(yaml.safe_dump({"version": 1, "models": {MODEL: keys}}))
    with pytest.raises(Unavailable, match=r"none\.parquet: these labelled rows are missing"):
        hand_in_rows(desk, settings.project, MODEL, "champion")


class Knows:
    """A model with these features."""

    def __init__(self, *features):
        self.features = features


def test_rows_with_the_features_of_both_models_are_handed_in_as_they_are(settings, tmp_path):
    file = settings.project / "data" / "training" / "validate.parquet"
    known = pl.read_parquet(file).columns[-2]

    assert _with_features_of(Knows(known), settings.project, file, tmp_path / "rows.parquet") == file
