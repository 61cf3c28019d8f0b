"""`/metrics` of `handrail serve`: OpenMetrics that a collector reads, for who has a token."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from handrail.bootstrap import open_platform
from handrail.entrypoints.http.feedback_metrics import FeedbackMetrics
from handrail.entrypoints.http.lineage import lineage_app
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from tests.fakes.lineage_server import a_token

CONFIG = Path(__file__).resolve().parents[3] / "config"
SECRET = "a secret of more than thirty-two characters"
DEPLOYMENT = "deploy://local/flights/1"


@pytest.fixture
def platform(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    now = datetime.now(UTC)
    with open_platform(Settings(project=tmp_path, home=tmp_path / ".handrail", metrics_token=SECRET)) as opened:
        ages = (timedelta(minutes=1), timedelta(hours=2), timedelta(days=3))
        made = [Prediction(f"p{n}", DEPLOYMENT, f"s{n}", now - age, 0.7, 1) for n, age in enumerate(ages)]
        opened.feedback.record_predictions(made)
        said = [
            Feedback(name, "ground_truth", 1, "airport", 0, made[2].made_at, made[2].made_at + timedelta(hours=2))
            for name in ("p2", "of nobody")
        ]
        opened.feedback.record_feedback(said)
        yield opened


@pytest.fixture
def client(platform):
    with TestClient(lineage_app(platform)) as opened:
        yield opened


def scraped(client, token):
    answer = client.get("/metrics", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(text_string_to_metric_families(answer.text))
    return {(sample.name, *sample.labels.values()): sample.value for each in families for sample in each.samples}


def test_a_collector_reads_what_there_is_and_what_came_lately(client):
    found = scraped(client, SECRET)

    assert found["handrail_feedback_recorded_total", "predictions"] == 3
    assert found["handrail_feedback_predictions_last_hour", DEPLOYMENT] == 1
    assert found["handrail_feedback_predictions_last_day", DEPLOYMENT] == 2
    assert found["handrail_feedback_orphan_ratio", "ground_truth"] == 0.5
    assert found["handrail_feedback_coverage_ratio", DEPLOYMENT, "ground_truth"] == 1
    assert found["handrail_feedback_figure", "", "ground_truth", "accuracy"] == 1
    assert found["handrail_feedback_delay_seconds", "", "ground_truth", "0.99"] == 7200
    assert found["handrail_feedback_spool_bytes",] == 0


def test_a_token_that_may_ask_reads_them_and_nobody_else(client, platform):
    assert scraped(client, a_token(platform))
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_figures_are_kept_for_some_seconds(platform):
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    desk = FeedbackMetrics(platform, lambda: now[0])

    def rows():
        return next(iter(desk.collect())).samples[0].value

    first = rows()
    platform.feedback.record_predictions([Prediction("p9", DEPLOYMENT, "s9", datetime.now(UTC), 0.7, 1)])
    kept = rows()
    now[0] += timedelta(seconds=16)

    assert (first, kept, rows()) == (3, 3, 4)
