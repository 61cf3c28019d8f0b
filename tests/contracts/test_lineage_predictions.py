"""What every prediction index promises: the deployment behind an id, and numbers by deployment."""

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage import FeedbackPredictions
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from tests.fakes.lineage import PredictionsInMemory

CONFIG = Path(__file__).resolve().parents[2] / "config"
ONE, TWO = "deploy://local/flights/d1", "deploy://local/flights/d2"
MONEY = "version: 1\nkinds: {revenue: {maturity_window_hours: 1, unit: USD}}\n"
BROUGHT = {ONE: {"USD": Decimal("0.3")}}
MADE_BY = {"p1": ONE, "p2": ONE, "p3": TWO}


@pytest.fixture
def feedback(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    (tmp_path / "config" / "feedback.yaml").write_text(MONEY)
    platform = open_platform(Settings(project=tmp_path, home=tmp_path / ".handrail"))
    made_at = datetime(2013, 8, 1, tzinfo=UTC)
    platform.feedback.record_predictions(
        [Prediction(name, uri, f"flight-{name}", made_at, 0.5, 1) for name, uri in MADE_BY.items()]
    )
    platform.feedback.record_feedback(
        [
            Feedback("p1", "revenue", 0.1, "till", 0, made_at, made_at),
            Feedback("p2", "revenue", 0.2, "till", 0, made_at, made_at),
        ]
    )
    yield FeedbackPredictions(lambda: platform.feedback)
    platform.close()


@pytest.fixture(params=["memory", "feedback"])
def predictions(request):
    return (
        PredictionsInMemory(dict(MADE_BY), BROUGHT)
        if request.param == "memory"
        else request.getfixturevalue("feedback")
    )


def test_a_prediction_names_its_deployment(predictions):
    assert predictions.deployment_of("p3") == TWO
    assert predictions.deployment_of("p4") is None


def test_predictions_are_counted_by_deployment(predictions):
    counts = predictions.count_predictions([ONE, TWO, "deploy://local/flights/none"])

    assert {uri: number for uri, number in counts.items() if number} == {ONE: 2, TWO: 1}


def test_money_is_exact_and_by_deployment(predictions):
    assert predictions.money([ONE, TWO, "deploy://local/flights/none"]) == BROUGHT
    assert predictions.money([TWO]) == {}
