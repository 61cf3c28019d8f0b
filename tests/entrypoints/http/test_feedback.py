"""POST /feedback: one event or a batch, problem details for everything else, and nobody in without an authenticator."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from handrail.entrypoints.http.feedback import checked_by_host, feedback_app
from handrail.entrypoints.http.feedback_formats import FORMATS
from handrail.errors import Busy, Unavailable
from handrail.settings import Settings
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction
from tests.fakes.openapi import request_examples

NOW = GO_LIVE + timedelta(hours=9)
EVENT = {
    "prediction_id": a_prediction().prediction_id,
    "kind": "ground_truth",
    "value": 1,
    "source": "airport-feed",
    "occurred_at": "2013-08-01T09:00:00Z",
}

PREDICTION = {
    "prediction_id": "p1",
    "deployment": "deploy://local/espresso/1",
    "subject": "machine-7",
    "made_at": "2013-08-01T08:00:00Z",
    "score": 0.31,
    "label": 0,
}


@dataclass
class Platform:
    feedback: object = field(default_factory=a_log)
    settings: object = field(default_factory=lambda: Settings(project=Path(), home=Path()))

    def event_clock(self):
        return NOW


def send(platform, method="POST", path="/feedback", authenticate=checked_by_host, **request):
    async def call():
        transport = httpx.ASGITransport(feedback_app(platform, authenticate))
        async with httpx.AsyncClient(transport=transport, base_url="http://bento") as client:
            return await client.request(method, path, **request)

    return asyncio.run(call())


def assert_problem(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "request_id"} <= problem.keys()
    return problem


@pytest.fixture
def platform():
    return Platform()


def test_one_event_is_recorded_as_received_now(platform):
    response = send(platform, json=EVENT)

    (event,) = platform.feedback.feedback_about(EVENT["prediction_id"])
    assert response.status_code == 201
    assert response.json() == {"accepted": 1, "repeated": 0, "event_ids": [event.key]}
    assert (event.received_at, event.value, event.revision) == (NOW, 1.0, 0)


def test_an_event_sent_again_changes_nothing(platform):
    send(platform, json=EVENT)

    response = send(platform, json=EVENT)

    assert response.status_code == 200
    assert (response.json()["accepted"], response.json()["repeated"]) == (0, 1)


def test_a_batch_is_recorded_whole(platform):
    events = [EVENT, EVENT | {"revision": 1, "value": 0}, EVENT | {"revision": 2, "value": None, "retracts": True}]

    response = send(platform, json={"events": events})

    assert response.status_code == 201
    assert response.json()["accepted"] == 3
    assert [each.value for each in platform.feedback.feedback_about(EVENT["prediction_id"])] == [1.0, 0.0, None]


def test_the_same_id_with_another_body_is_a_conflict_and_the_rest_is_recorded(platform):
    send(platform, json=EVENT | {"event_id": "mine"})

    response = send(platform, json={"events": [EVENT | {"event_id": "mine", "value": 0}, EVENT | {"event_id": "new"}]})

    problem = assert_problem(response, 409)
    assert (problem["accepted"], problem["conflicts"]) == (1, ["mine"])
    assert platform.feedback.status().conflicts == 1
    assert platform.feedback.status().feedback == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({key: value for key, value in EVENT.items() if key != "source"}, "source"),
        (EVENT | {"value": "1"}, "value"),
        (EVENT | {"value": 0.5}, "value"),
        (EVENT | {"value": None}, "value"),
        (EVENT | {"retracts": True}, "value"),
        (EVENT | {"kind": "weather"}, "kind"),
        (EVENT | {"occurred_at": "2013-08-01T09:00:00"}, "occurred_at"),
        (EVENT | {"revision": -1}, "revision"),
        (EVENT | {"prediction_id": "a\nb"}, "prediction_id"),
        (EVENT | {"received_at": "2013-08-01T09:00:00Z"}, "received_at"),
        ({"events": []}, "events"),
        ({"events": [EVENT] * 5001}, "events"),
        ([EVENT], "body"),
        ("text", "body"),
    ],
    ids=str,
)
def test_a_wrong_body_names_the_field_and_records_nothing(platform, body, field):
    problem = assert_problem(send(platform, json=body), 422)

    assert problem["detail"].startswith(f"{field}: ")
    assert platform.feedback.status().feedback == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_value_that_is_no_finite_number_is_refused(platform, value):
    text = httpx.Request("POST", "http://x", json=EVENT).content.decode().replace('"value":1', f'"value":{value}')

    response = send(platform, content=text, headers={"content-type": "application/json"})

    assert assert_problem(response, 422)["detail"].startswith("value: ")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(platform, content):
    response = send(platform, content=content, headers={"content-type": "application/json"})

    assert response.status_code in (400, 422)
    assert_problem(response, response.status_code)


def test_nobody_gets_in_without_an_authenticator(platform):
    problem = assert_problem(send(platform, authenticate=None, json=EVENT), 403)

    assert "mounted without an authenticator" in problem["detail"]
    assert platform.feedback.status().feedback == 0
    assert_problem(send(platform, "GET", "/openapi.json", authenticate=None), 403)


def test_an_unknown_caller_is_refused_before_the_body_is_read(platform):
    def knows(request):
        return request.headers.get("authorization") == "Bearer right"

    stranger = send(platform, authenticate=knows, content=b"not json")

    assert_problem(stranger, 401)
    assert stranger.headers["www-authenticate"] == "Bearer"
    assert send(platform, authenticate=knows, json=EVENT, headers={"authorization": "Bearer right"}).status_code == 201


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/feedback", 405), ("POST", "/other", 404)])
def test_another_path_or_method_is_a_problem_too(platform, method, path, status):
    assert_problem(send(platform, method, path), status)


def test_a_store_that_is_gone_is_a_503_and_the_request_keeps_its_id():
    class Gone:
        def record_feedback(self, events):
            raise Unavailable("The store", "it is gone", "Start it.")

    response = send(Platform(Gone()), json=EVENT, headers={"x-request-id": "mine"})

    assert assert_problem(response, 503)["request_id"] == "mine"


def test_too_much_at_once_is_a_429_that_says_when_to_send_again():
    class Full:
        def record_feedback(self, events):
            raise Busy(50_000, 1)

    response = send(Platform(Full()), json=EVENT)

    problem = assert_problem(response, 429)
    assert response.headers["retry-after"] == "1"
    assert "nothing of this call was taken" in problem["detail"]


def test_the_api_describes_itself(platform):
    document = send(platform, "GET", "/openapi.json").json()

    operation = document["paths"]["/feedback"]["post"]
    assert {"200", "201", "401", "409", "422", "503"} <= operation["responses"].keys()
    one, several = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert one["properties"]["prediction_id"]["description"]
    assert several["properties"]["events"]["items"] == one
    assert set(operation["requestBody"]["content"]) == set(FORMATS)


@pytest.mark.parametrize(("path", "count"), [("/feedback", 3), ("/predictions", 2), ("/v1/logs", 1), ("/v1/traces", 1)])
def test_each_example_of_the_page_is_recorded(platform, path, count):
    document = send(platform, "GET", "/openapi.json").json()
    examples = request_examples(document, document["paths"][path]["post"])

    answers = [send(platform, path=path, json=example) for example in examples]
    # An exporter takes 200 alone, and nothing but an empty answer says that all of it was recorded.
    status = 200 if "v1" in path else 201
    assert [answer.status_code for answer in answers] == [status] * count
    assert all(answer.json() == {} for answer in answers if status == 200)


def test_the_page_has_a_place_for_the_token_and_titles_in_words(platform):
    document = send(platform, "GET", "/openapi.json").json()

    (scheme,) = document["components"]["securitySchemes"].values()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(each["security"] and " " in each["summary"] for each in operations)


def test_a_prediction_is_recorded_and_repeating_it_changes_nothing(platform):
    first = send(platform, path="/predictions", json=PREDICTION)
    again = send(platform, path="/predictions", json=PREDICTION | {"latency_ms": 3.5})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"accepted": 1, "repeated": 0, "prediction_ids": ["p1"]}
    assert platform.feedback.status().predictions == 1


def test_predictions_come_in_a_batch_whole_and_a_conflict_is_named(platform):
    send(platform, path="/predictions", json=PREDICTION)
    batch = {"predictions": [PREDICTION | {"score": 0.9}, PREDICTION | {"prediction_id": "p2"}]}

    problem = assert_problem(send(platform, path="/predictions", json=batch), 409)

    assert (problem["accepted"], problem["conflicts"]) == (1, ["p1"])
    assert "an id of its own" in problem["detail"]
    assert platform.feedback.status().predictions == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({key: value for key, value in PREDICTION.items() if key != "score"}, "score"),
        (PREDICTION | {"label": 0.5}, "label"),
        (PREDICTION | {"made_at": "2013-08-01T09:00:00"}, "made_at"),
        (PREDICTION | {"subject": "a\nb"}, "subject"),
        (PREDICTION | {"colour": "blue"}, "colour"),
        ({"predictions": []}, "predictions"),
        ({"predictions": [PREDICTION] * 5001}, "predictions"),
        ({"events": [EVENT]}, "predictions"),
        (EVENT, "deployment"),
    ],
    ids=str,
)
def test_a_wrong_prediction_names_the_field_and_records_nothing(platform, body, field):
    problem = assert_problem(send(platform, path="/predictions", json=body), 422)

    assert problem["detail"].startswith(f"{field}: ")
    assert platform.feedback.status().predictions == 0


def test_predictions_of_nobody_known_are_not_read(platform):
    assert send(platform, path="/predictions", json=PREDICTION, authenticate=lambda _request: False).status_code == 401
    assert send(platform, path="/predictions", json=PREDICTION, authenticate=None).status_code == 403
    assert platform.feedback.status().predictions == 0


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/static_content/swagger-ui-bundle.js"])
def test_the_page_is_open_and_the_rest_is_not(platform, path):
    def knows_nobody(_request):
        return False

    assert send(platform, "GET", path, authenticate=knows_nobody).status_code == 200
    assert send(platform, "POST", path, authenticate=knows_nobody).status_code == 401
    assert send(platform, "GET", path, authenticate=None).status_code == 403


def test_where_the_app_is_mounted_its_page_is_open_too(platform):
    host = FastAPI()
    host.mount("/api", feedback_app(platform, lambda _request: False))

    async def ask(method, path):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://host") as client:
            return (await client.request(method, path)).status_code

    assert asyncio.run(ask("GET", "/api/docs")) == 200
    assert asyncio.run(ask("POST", "/api/feedback")) == 401
