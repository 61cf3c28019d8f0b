"""The gate's metrics on a real server, read by the parser of Prometheus' own client."""

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from handrail.approvals import NotEligible
from handrail.entrypoints.http.gate_routes import Route
from tests.fakes.mlflow_server import METRICS_TOKEN, TOKEN

pytestmark = pytest.mark.any_version


def _scrape(server, token=METRICS_TOKEN):
    return httpx.get(server.url + Route.METRICS.path, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _values(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = list(text_string_to_metric_families(answer.text))
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_what_a_scrape_says_is_valid_and_true(server, made):
    request_id = made.ask()["request_id"]
    with pytest.raises(NotEligible):
        made.say(request_id, "ada")
    with server.person("ada") as http:
        body = {"name": made.name, "alias": "champion", "version": "1"}
        assert http.post("/api/2.0/mlflow/registered-models/alias", json=body).status_code == 403

    found = _values(_scrape(server))

    assert found["handrail_gate_refusals_total", "NotEligible"] >= 1
    assert found["handrail_gate_attempts_total", "direct"] >= 1
    assert found["handrail_gate_attempts_total", "decision"] >= 1
    assert found["handrail_gate_decision_seconds_count",] == found["handrail_gate_decision_seconds_bucket", "+Inf"]
    assert found["handrail_gate_oldest_request_age_seconds",] >= 0
    assert 0 <= found["handrail_gate_watch_age_seconds",] < 180
    assert found["handrail_gate_rule_changes_waiting",] >= 0
    assert {key[1] for key in found if key[0] == "handrail_gate_open_findings"} == {"low", "medium", "high"}


def test_an_account_reads_them_too_and_nobody_else_does(server):
    with server.person("ben") as http:
        _values(http.get(Route.METRICS.path))
    for token in (TOKEN, "x", METRICS_TOKEN[:-1]):
        assert _scrape(server, token).status_code == 401
    assert httpx.get(server.url + Route.METRICS.path, timeout=60).status_code == 401
