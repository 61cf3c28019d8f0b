"""What a running bento says of itself: metrics by slot, a line a request, and the record of health."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_health
from handrail.delivery import Deployed
from handrail.delivery.domain.health import REQUESTS
from handrail.entrypoints.http.serving_token import serving_token
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of
from tests.fakes.bento_project import flight

PATIENCE_S = 40


@pytest.fixture
def client(served: Servers, project: Settings) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {serving_token(project)}"}
    url = address_of(served.settings, "bento")
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def values(client: httpx.Client, name: str) -> dict[tuple[str, ...], float]:
    """Return a metric's samples of that name, by the values of their labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [each for family in families for each in family.samples if each.name == name]
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in samples}


def test_metrics_count_by_slot_and_route_and_never_by_what_a_caller_chose(client: httpx.Client) -> None:
    before = values(client, "handrail_serving_predictions_total").get(("champion",), 0.0)

    client.post("/predict", json={"flights": [flight(71), flight(72)]})
    client.post("/predict", json={"flights": []})
    client.get("/nothing/17")

    requests = values(client, "handrail_serving_requests_total")
    assert values(client, "handrail_serving_predictions_total")["champion",] == before + 2
    assert requests["200", "/predict"] >= 1
    assert requests["400", "/predict"] >= 1
    assert requests["404", "other"] >= 1
    assert {route for _, route in requests} <= {"/predict", "other", "/livez", "/readyz", "/healthz", "/metrics"} | {
        route for _, route in requests if route.startswith("/api/")
    }


def test_metrics_say_what_is_served_under_which_permit(client: httpx.Client, deployed: Deployed) -> None:
    info = values(client, "handrail_serving_deployment_info")

    assert info == {(deployed.deployment.uri, deployed.model_version, "approval://test/pr-test", "champion"): 1.0}
    assert values(client, "handrail_serving_ready") == {(): 1.0}
    assert values(client, "handrail_serving_in_progress") == {(): 1.0}


def test_each_request_is_one_line_of_json_without_what_was_sent(client: httpx.Client, served: Servers) -> None:
    answer = client.post("/predict", json={"flights": [flight(73)]}, headers={"X-Request-ID": "a-line-of-its-own"})

    line = _line_of(served, "a-line-of-its-own")
    assert line["prediction_ids"] == [answer.json()["predictions"][0]["prediction_id"]]
    assert (line["route"], line["status"], line["slots"]) == ("/predict", 200, ["champion"])
    assert line["deployment"] == answer.json()["deployment"]
    assert line["ms"] > 0
    assert str(flight(73)["flight_id"]) not in json.dumps(line)


def test_the_record_of_health_has_what_the_service_counted(client: httpx.Client, project: Settings) -> None:
    client.post("/predict", json={"flights": [flight(74)]})
    deadline, pause = time.monotonic() + PATIENCE_S, Event()

    with open_platform(project) as platform:
        records = open_health(platform)
        while True:
            now = datetime.now(UTC)
            found = {
                each.name: each for each in records.read(now - timedelta(days=1), now + timedelta(days=1), 30 * DAY)
            }
            if found.keys() >= {REQUESTS, "champion"}:
                break
            assert time.monotonic() < deadline
            pause.wait(0.2)

    assert found["champion"].load.items >= 1
    assert found[REQUESTS].load.quantile(0.5) is not None
    assert found[REQUESTS].pointer == "deploy://local/flights"


DAY = timedelta(days=1)


def _line_of(served: Servers, request_id: str) -> dict[str, object]:
    deadline, pause = time.monotonic() + PATIENCE_S, Event()
    while True:
        lines = served.log_of("bento").read_text().splitlines()
        found = [json.loads(line) for line in lines if request_id in line]
        if found:
            return dict(found[0])
        assert time.monotonic() < deadline
        pause.wait(0.1)
