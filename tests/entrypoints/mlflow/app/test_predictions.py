"""Predictions that a real server had before their outcome: measured by themselves, at the level `prospective`."""

import json
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import yaml

from handrail.entrypoints.cli import main
from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.scoring import Scorer
from tests.fakes.labelled_rows import files_of, labelled_rows
from tests.fakes.mlflow_server import password

pytestmark = pytest.mark.any_version
POLICY = {
    "version": 2,
    "alias": "foretold",
    "quorum": {"ml-engineer": 1},
    "rules": [
        {"measure": "prospective.roc_auc", "at_least": 0.74, "level": "prospective"},
        {"measure": "prospective.coverage", "at_least": 0.9, "level": "prospective"},
    ],
}
ROWS = labelled_rows(seed=5)


def _weights(request):
    return 0.0, 0.001 + sum(request.node.name.encode()) / 1e9


@pytest.fixture
def made(server, tmp_path, request):
    policy, plans = server.settings.config / "policies" / "foretold.yaml", server.settings.config / "evaluation.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    # Equal files are one tree, whatever the version: each test has its own.
    made = server.make_version(files=files_of(tmp_path / "tree", _weights(request)))
    plans.write_text(yaml.safe_dump({"version": 1, "models": {made.name: {"prospective": {"least_rows": 100}}}}))
    server.take_files()
    yield made
    policy.unlink()
    plans.unlink()
    server.take_files()


@pytest.fixture
def predictions(made, tmp_path, request):
    """What the version answers for every row, in a file."""
    files = files_of(tmp_path / "again", _weights(request))
    scorer = Scorer.read(files["scoring.json"], files["onnx/model.onnx"], "it")
    features = {n: ROWS[n].to_list() if n in scorer.codes else ROWS[n].to_numpy() for n in scorer.features}
    file = tmp_path / "predictions.parquet"
    ROWS.select("flight_id").with_columns(pl.Series("score", scorer.answer(features).score)).write_parquet(file)
    return file


def _rows(file, known):
    ROWS.with_columns(pl.lit(known).alias("arr_known_ts")).write_parquet(file)
    return file


def _ask(server, made, rows):
    with server.gate("ada") as gate:
        snapshot = gate.hand_in(made.name, rows)
        asked = {"model": made.name, "version": made.version, "alias": "foretold", "reason": "better", "evidence": {}}
        return gate.measured(gate.open_request(**asked, snapshot=snapshot))


def test_what_was_foretold_is_promoted_and_the_permit_says_at_which_level(server, made, predictions, tmp_path):
    with server.gate("ada") as gate:
        committed = gate.commit_predictions(made.name, made.version, predictions)
    known = datetime.now(UTC)

    request = _ask(server, made, _rows(tmp_path / "rows.parquet", known))
    done = made.say(request["request_id"], "ben")

    assert datetime.fromisoformat(committed["at"]) < known
    assert committed["tree_digest"] == request["tree_digest"]
    assert request["verdict"] == "pending", request["reasons"]
    assert {(row["level"], row["by"]) for row in request["measures"]} == {("prospective", "the gate")}
    assert request["evaluation"]["measures"]["prospective"]["rows"] == 600
    assert done["verdict"] == "promoted"


def test_an_outcome_from_before_the_commitment_counts_for_nothing(server, made, predictions, tmp_path):
    known = datetime.now(UTC) - timedelta(seconds=1)
    with server.gate("ada") as gate:
        gate.commit_predictions(made.name, made.version, predictions)

    request = _ask(server, made, _rows(tmp_path / "rows.parquet", known))

    assert request["verdict"] == "refused"
    assert request["evaluation"]["measures"]["prospective"]["overdue"] == 600
    assert any("prospective.coverage is 0, prospective by the gate" in reason for reason in request["reasons"])


def test_of_rows_that_do_not_say_when_none_counts_and_all_else_is_measured(server, made, predictions, tmp_path):
    ROWS.write_parquet(tmp_path / "rows.parquet")
    with server.gate("ada") as gate:
        gate.commit_predictions(made.name, made.version, predictions)

    request = _ask(server, made, tmp_path / "rows.parquet")

    assert request["verdict"] == "refused"
    measures = request["evaluation"]["measures"]
    assert (measures["evaluation"]["rows"], measures["prospective"]["overdue"]) == (600, 600)
    assert any("prospective.coverage is 0" in reason for reason in request["reasons"])


def test_the_command_line_commits_and_names_what_is_wrong(server, made, predictions, tmp_path, monkeypatch, capsys):
    values = {
        "HANDRAIL_PROJECT": server.settings.project,
        "HANDRAIL_HOME": server.settings.home,
        "HANDRAIL_MLFLOW_URL": server.settings.url("mlflow"),
        "MLFLOW_TRACKING_USERNAME": "ada",
        "MLFLOW_TRACKING_PASSWORD": password("ada"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    words = ["--version", str(made.version), "--model", made.name, "--json"]

    def run(file):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "commit-predictions", str(file), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr()

    code, said = run(predictions)
    missing, nothing = run(tmp_path / "nothing.parquet")

    assert code == 0
    assert json.loads(said.out)["model"] == made.name
    assert missing == 1
    assert len(nothing.err.strip().splitlines()) == 1


def test_only_parquet_of_somebody_who_may_change_the_model_is_committed(server, made, predictions, tmp_path):
    text = tmp_path / "rows.csv"
    text.write_text("late\n1\n")
    with server.gate("ada") as gate:
        with pytest.raises(InvalidInput, match="not a Parquet file"):
            gate.commit_predictions(made.name, made.version, text)
        with pytest.raises(UnknownReference):
            gate.commit_predictions(made.name, 99, predictions)
    with server.gate("dora") as gate, pytest.raises(Refused, match="lacks the permission"):
        gate.commit_predictions(made.name, made.version, predictions)
