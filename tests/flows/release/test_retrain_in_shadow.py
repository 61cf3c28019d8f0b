"""The flow `retrain` on a real Prefect server, with a table of what is still to come: foretold, then measured on it.

What comes before the request has tests of its own and is given here; request, predictions and measure are the gate's.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from flows import retrain
from flows.steps import tasks
from flows.steps.release.desk import Desk
from flows.steps.retraining.challenge import Challenge
from handrail.bootstrap.approvals_rules import take_files
from infra.servers.supervisor import Servers
from tests.fakes.compared import COMPARED
from tests.fakes.prefect_runs import talking_to

ROOT = Path(__file__).resolve().parents[3]
MONTH, ALIAS = "2013-09", "foretold"
UPCOMING = "data/upcoming.parquet"
POLICY = {
    "version": 2,
    "alias": ALIAS,
    "quorum": {"ml-engineer": 1},
    "rules": [
        {"measure": "prospective.roc_auc", "at_least": 0.5, "level": "prospective"},
        {"measure": "prospective.coverage", "at_least": 1.0, "level": "prospective"},
    ],
}


@pytest.fixture
def prefect(settings):
    """A Prefect server that flows of this process talk to."""
    with Servers(settings) as servers:
        url = servers.start("prefect")
        servers.wait_ready("prefect", 240)
        with talking_to(url):
            yield


@pytest.fixture
def rows(settings):
    """Labelled rows of the month, in a table without outcomes that config/monitoring.yaml names."""
    config, project = settings.config, settings.project
    labelled = pl.read_parquet(project / "data" / "training" / "validate.parquet")
    labelled.drop("late").write_parquet(project / UPCOMING)
    for name in ("monitoring.yaml", "objectives.yaml"):
        shutil.copy(ROOT / "config" / name, config)
    with (config / "monitoring.yaml").open("a") as file:
        file.write(f"\nshadow: {{rows: {UPCOMING}}}\n")
    plans = {"version": 1, "models": {settings.model_name: {"prospective": {"least_rows": 100}}}}
    (config / "evaluation.yaml").write_text(yaml.safe_dump(plans))
    (config / "policies" / f"{ALIAS}.yaml").write_text(yaml.safe_dump(POLICY))
    take_files(settings, "a test")
    yield labelled
    for file in ("monitoring.yaml", "objectives.yaml", "evaluation.yaml", f"policies/{ALIAS}.yaml"):
        (config / file).unlink()
    take_files(settings, "a test")


@pytest.fixture
def challenge(settings, monkeypatch):
    """A challenger that is trained and compared; the flow finds it prepared."""
    comparison = settings.project / "reports" / "comparison.json"
    comparison.write_text(json.dumps(COMPARED | {"month": MONTH, "champion": "deploy://local/flights/v1"}))
    ready = Challenge(settings.project, MONTH, datetime(2013, 10, 2, 16, tzinfo=UTC), "sha256:1", "none")
    for name, answer in {
        "in_clone": settings,
        "choose_month": MONTH,
        "check_retrain": None,
        "prepare_retrain": ready,
        "train_challenger": {"train": "run"},
        "compare_with_champion": {"gain": 0.01},
    }.items():
        monkeypatch.setattr(tasks, name, lambda *_, answer=answer: answer)
    # The server is shared: tests that ran before may have made a champion that this comparison is not with.
    monkeypatch.setattr(Desk, "digest_behind", lambda _desk, _alias: None)
    yield ready
    comparison.unlink()


@pytest.mark.usefixtures("prefect", "challenge")
def test_what_a_challenger_foretold_in_the_flow_is_what_the_gate_measures_it_on(settings, desk, rows, tmp_path):
    parameters = retrain.RetrainParameters(month=MONTH)

    first = retrain.retrain(parameters)["request"]
    again = retrain.retrain(parameters)["request"]

    assert first["foretold"]["rows"] == rows.height
    assert (again["request_id"], again["foretold"]) == (first["request_id"], first["foretold"])
    known = datetime.now(UTC)
    assert datetime.fromisoformat(first["foretold"]["at"]) < known
    labelled = tmp_path / "rows.parquet"
    rows.with_columns(pl.lit(known).alias("arr_known_ts")).write_parquet(labelled)
    snapshot = desk.gate.hand_in(settings.model_name, labelled)
    asked = {"model": settings.model_name, "version": first["version"], "alias": ALIAS, "reason": "foretold it"}
    measured = desk.gate.measured(desk.gate.open_request(**asked, evidence={}, snapshot=snapshot))
    assert measured["verdict"] == "pending", measured
    assert measured["tree_digest"] == first["foretold"]["tree_digest"]
