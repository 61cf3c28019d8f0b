"""The built bento over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import httpx
import pytest

from handrail.bootstrap import Platform, open_platform
from handrail.delivery import Deployed
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import UnknownReference
from handrail.feedback import Prediction, prediction_id_for
from handrail.settings import Settings
from infra.servers.supervisor import Servers, address_of
from tests.fakes.bento_project import FLIGHT, NOON, flight
from tests.fakes.openapi import request_examples


def eventually(ask: Callable[[], Prediction], deadline_s: float = 30) -> Prediction:
    """Ask until it is known."""
    deadline, pause = time.monotonic() + deadline_s, Event()
    while True:
        try:
            return ask()
        except UnknownReference:
            if time.monotonic() > deadline:
                raise
            pause.wait(0.05)


@pytest.fixture
def client(served: Servers, project: Settings) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {serving_token(project)}"}
    url = address_of(served.settings, "bento")
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def platform(project: Settings) -> Iterator[Platform]:
    with open_platform(project) as platform:
        platform.event_clock.set(NOON)
        yield platform


def test_it_is_ready(client: httpx.Client) -> None:
    assert client.get("/readyz").status_code == 200


def test_flights_are_answered_in_order_by_the_deployed_model(
    client: httpx.Client, platform: Platform, deployed: Deployed
) -> None:
    asked = [flight(1, distance=2500), flight(2, distance=100), flight(3, distance=900)]

    answer = client.post("/predict", json={"flights": asked}).json()

    assert [one["flight_id"] for one in answer["predictions"]] == [one["flight_id"] for one in asked]
    first, second, third = (one["probability"] for one in answer["predictions"])
    assert second < third < first
    assert (answer["deployment"], answer["model_version"]) == (deployed.deployment.uri, deployed.model_version)


def test_an_answer_is_recorded_and_leads_back_to_the_permitted_bytes(
    client: httpx.Client, platform: Platform, deployed: Deployed
) -> None:
    (one,) = client.post("/predict", json={"flights": [flight(10)]}).json()["predictions"]

    recorded = eventually(lambda: platform.feedback.find_prediction(one["prediction_id"]))
    trace = platform.lineage.trace(one["prediction_id"])

    assert (recorded.score, recorded.made_at) == (one["probability"], NOON)
    assert one["prediction_id"] == prediction_id_for(deployed.deployment.uri, one["flight_id"], NOON)
    assert {deployed.deployment.uri, deployed.bento.uri, "approval://test/pr-test"} <= {
        node.uri for node in trace.nodes
    }


def test_the_same_batch_twice_is_recorded_once(client: httpx.Client, platform: Platform, deployed: Deployed) -> None:
    def recorded_after(number: int) -> int:
        """Return how many predictions are recorded once all that were made until now are."""
        (last,) = client.post("/predict", json={"flights": [flight(number)]}).json()["predictions"]
        eventually(lambda: platform.feedback.find_prediction(last["prediction_id"]))
        return platform.feedback.count_predictions([deployed.deployment.uri])[deployed.deployment.uri]

    # Beyond the numbers of the largest batch, which another test may have sent before.
    body = {"flights": [flight(9020), flight(9021)]}
    before = recorded_after(9023)

    first, second = (client.post("/predict", json=body).json() for _ in range(2))

    assert first == second
    assert recorded_after(9022) - before == 3
    known = [each.uri for each in platform.feedback.deployments() if each.uri.startswith("deploy://local/flights/")]
    assert known == [deployed.deployment.uri]


def test_online_features_count_while_they_are_fresh(client: httpx.Client, platform: Platform) -> None:
    def chance(hours: float, number: int) -> float:
        platform.event_clock.set(NOON + timedelta(hours=hours))
        (one,) = client.post("/predict", json={"flights": [flight(number)]}).json()["predictions"]
        return float(one["probability"])

    warm, still_warm, gone, not_yet = chance(0, 30), chance(1.9, 31), chance(2.1, 32), chance(-1.5, 33)

    assert warm == still_warm
    assert gone == not_yet < warm


def test_unknown_entities_are_answered(client: httpx.Client, platform: Platform) -> None:
    unknown = {"flight_id": "2013-08-01:ZZ:1:1015:QQQ", "carrier": "ZZ", "origin": "QQQ", "dest": "XXX", "flight": 1}

    answer = client.post("/predict", json={"flights": [FLIGHT | unknown | {"tailnum": None}]})

    assert answer.status_code == 200
    assert 0 <= answer.json()["predictions"][0]["probability"] <= 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}", "flights: Field required"),
        ('{"flights": []}', "flights: List should have at least 1 item"),
        ('{"flights": [', "Invalid JSON"),
        ("[]", "should be an object"),
        (json.dumps({"flights": [{k: v for k, v in FLIGHT.items() if k != "dest"}]}), "flights.0.dest: Field required"),
        (json.dumps({"flights": [FLIGHT | {"distance": "far"}]}), "flights.0.distance: Input should be a valid number"),
        (json.dumps({"flights": [FLIGHT | {"distance": float("nan")}]}), "flights.0.distance: Input should be"),
        (json.dumps({"flights": [FLIGHT]}).replace("1400.0", "1e999"), "flights.0.distance: Input should be"),
        (json.dumps({"flights": [FLIGHT | {"origin": "newark"}]}), "flights.0.origin: String should match"),
        (json.dumps({"flights": [FLIGHT, FLIGHT]}), "flights: 2013-08-01:UA:1545:1015:EWR is in it twice"),
    ],
)
def test_bad_input_is_named_in_one_sentence(client: httpx.Client, served: Servers, body: str, said: str) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert said in problem["detail"]
    assert "Traceback" not in served.log_of("bento").read_text()


def test_ten_megabytes_are_refused_and_the_server_goes_on(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"[" * 10_000_000, headers={"Content-Type": "application/json"})

    assert (answer.status_code, client.get("/readyz").status_code) == (413, 200)


@pytest.mark.parametrize("path", ["/predict", "/api/feedback", "/api/predictions"])
def test_nothing_is_written_without_the_token(served: Servers, path: str) -> None:
    assert httpx.post(address_of(served.settings, "bento") + path, json={}, trust_env=False).status_code == 401


def test_feedback_is_taken_for_an_answer(client: httpx.Client, platform: Platform) -> None:
    (one,) = client.post("/predict", json={"flights": [flight(40)]}).json()["predictions"]
    event = {
        "prediction_id": one["prediction_id"],
        "kind": "ground_truth",
        "value": 1,
        "source": "test",
        "occurred_at": "2013-08-01T17:40:00Z",
    }

    statuses = [client.post("/api/feedback", json={"events": [event]}).status_code for _ in range(2)]

    assert statuses == [201, 200]
    assert [each.value for each in platform.feedback.feedback_about(one["prediction_id"])] == [1]


def test_unknown_paths_leave_no_trace_in_the_metrics(client: httpx.Client) -> None:
    for number in range(20):
        assert client.get(f"/nothing/{number}").status_code == 404
        assert client.get(f"/api/nothing/{number}").status_code == 404

    metrics = client.get("/metrics").text
    assert "nothing" not in metrics
    assert 'route="/predict"' in metrics


def test_the_page_and_its_description_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    page, description = client.get("/").text, client.get("/docs.json").json()

    assert "swagger" in page
    assert "//" not in page
    assert "http" not in description["info"]["description"]
    assert {"/predict", "/api/feedback"} <= description["paths"].keys()


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_page_is_open_to_everybody(served: Servers, path: str) -> None:
    url = address_of(served.settings, "bento")

    answer = httpx.get(f"{url}{path}", trust_env=False)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "./docs.json" in answer.text


def test_each_example_of_the_page_is_a_request_that_succeeds(client: httpx.Client) -> None:
    description = client.get("/docs.json").json()

    posted = []
    for path, methods in description["paths"].items():
        for example in request_examples(description, methods.get("post", {})):
            answer = client.post(path, json=example)
            posted.append((path, answer.status_code // 100))

    doors = ("feedback", "predictions", "v1/feedback", "v1/predictions", "v1/logs", "v1/traces")
    assert set(posted) == {("/predict", 2), *((f"/api/{door}", 2) for door in doors)}


def test_five_thousand_flights_go_in_one_request(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"flights": [flight(number) for number in range(1, 5001)]})

    assert len(answer.json()["predictions"]) == 5000


def test_the_description_has_a_whole_example_of_each_answer(client: httpx.Client) -> None:
    description = client.get("/docs.json").json()
    predict = description["paths"]["/predict"]["post"]

    errors = {
        code: each["content"]["application/problem+json"]["example"]
        for code, each in predict["responses"].items()
        if code != "200"
    }

    assert {"400", "401", "403", "408", "413", "415", "429", "500", "503", "504"} == errors.keys()
    for code, example in errors.items():
        assert (example["status"], example["type"]) == (int(code), "about:blank")
    schema = predict["responses"]["200"]["content"]["application/json"]["schema"]
    named = schema.get("$ref", "").rpartition("/")[2]
    whole = description["components"]["schemas"][named] if named else schema
    real = client.post("/predict", json={"flights": [flight(9100)]}).json()
    assert whole["example"].keys() == real.keys()
    assert whole["example"]["predictions"][0].keys() == real["predictions"][0].keys()
    assert predict["security"] == [{"token": []}, {"key": []}]


def test_a_pickle_is_not_even_read(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/vnd.bentoml+pickle"}

    assert client.post("/predict", content=b"\x80\x04.", headers=headers).status_code == 415
