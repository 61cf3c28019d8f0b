"""Predictions and feedback under `handrail serve`: what a token allows, and nothing without one."""

from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient

from handrail import open_platform
from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.http.feedback_formats import ARROW
from handrail.entrypoints.http.lineage import lineage_app
from handrail.lineage import May, TokenScope
from handrail.settings import Settings
from tests.entrypoints.http.test_feedback import EVENT, PREDICTION
from tests.fakes.feedback_bodies import a_table, as_arrow

KINDS = """
version: 1
kinds:
  ground_truth: {maturity_window_hours: 48}
  rating: {maturity_window_hours: 48}
"""


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with open_platform(Settings(project=tmp_path, home=tmp_path / ".handrail")) as opened:
        yield opened


@pytest.fixture
def client(platform):
    return TestClient(lineage_app(platform))


def token(platform, *may, **bounds):
    scope = TokenScope(frozenset(may), **bounds) if may else TokenScope()
    made = open_access(platform.store).create("shop", scope=scope)
    return {"authorization": f"Bearer {made}"}


def recorded(platform):
    status = platform.feedback.status()
    return status.predictions, status.feedback, status.quarantined


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic YTpi"}], ids=str)
@pytest.mark.parametrize(("path", "row"), [("/v1/predictions", PREDICTION), ("/v1/feedback", EVENT)])
def test_nobody_writes_without_a_token(client, platform, path, row, header):
    answer = client.post(path, json=row, headers=header)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert recorded(platform) == (0, 0, 0)


@pytest.mark.parametrize(
    ("may", "predictions", "feedback"),
    [((), 403, 403), ((May.PREDICT,), 201, 403), ((May.REPORT,), 403, 201), ((May.PREDICT, May.REPORT), 201, 201)],
)
def test_a_token_records_what_it_was_made_for_and_one_from_before_nothing(client, platform, may, predictions, feedback):
    headers = token(platform, *may)

    answers = [
        client.post("/v1/predictions", json=PREDICTION, headers=headers),
        client.post("/v1/feedback", json=EVENT, headers=headers),
    ]

    assert [each.status_code for each in answers] == [predictions, feedback]
    assert recorded(platform) == (predictions == 201, feedback == 201, 0)
    for each in answers:
        if each.status_code == 403:
            assert "Make another token that allows it, with --may" in each.json()["detail"]


@pytest.mark.parametrize("bounds", [{"kinds": ("rating",)}, {"sources": ("shop",)}], ids=str)
def test_a_single_outcome_beyond_the_bounds_of_its_token_is_refused_and_not_kept(client, platform, bounds):
    answer = client.post("/v1/feedback", json=EVENT, headers=token(platform, May.REPORT, **bounds))

    assert answer.status_code == 403
    assert recorded(platform) == (0, 0, 0)


def test_of_a_batch_what_is_beyond_the_bounds_is_set_aside_and_the_rest_recorded(client, platform):
    mine = EVENT | {"kind": "rating", "value": 4}

    answer = client.post(
        "/v1/feedback", json={"events": [EVENT, mine]}, headers=token(platform, May.REPORT, kinds=("rating",))
    )

    (refused,) = answer.json()["refused"]
    assert (answer.status_code, answer.json()["accepted"]) == (422, 1)
    assert (refused["index"], refused["reason"]) == (0, "not_allowed")
    (held,) = platform.feedback.quarantined()
    assert (held.origin, held.content["kind"]) == ("http shop", "ground_truth")
    assert recorded(platform) == (0, 1, 1)


def test_a_revoked_token_records_nothing(client, platform):
    headers = token(platform, May.REPORT)
    open_access(platform.store).revoke("shop")

    assert client.post("/v1/feedback", json=EVENT, headers=headers).status_code == 401
    assert recorded(platform) == (0, 0, 0)


def test_an_outcome_is_received_when_the_server_says(client, platform):
    before = datetime.now(UTC)

    client.post("/v1/feedback", json=EVENT, headers=token(platform, May.REPORT))

    (event,) = platform.feedback.feedback_about(EVENT["prediction_id"])
    assert before <= event.received_at <= datetime.now(UTC)


ATTRIBUTES = {"gen_ai.evaluation.name": "rating", "gen_ai.response.id": "p1", "gen_ai.evaluation.score.value": "4"}
SAID = [{"key": name, "value": {"stringValue": text}} for name, text in ATTRIBUTES.items()]
RECORD = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "1375351200000000000", "attributes": SAID}
TELEMETRY = {
    "resourceLogs": [{"scopeLogs": [{"scope": {"name": "judge"}, "logRecords": [RECORD]}]}],
    "resourceSpans": [
        {"scopeSpans": [{"scope": {"name": "judge"}, "spans": [{"events": [RECORD | {"name": RECORD["eventName"]}]}]}]}
    ],
}


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
@pytest.mark.parametrize(
    ("may", "status"), [(None, 401), ((), 403), ((May.PREDICT,), 403), ((May.REPORT,), 200)], ids=str
)
def test_telemetry_needs_the_right_to_report(client, platform, path, may, status):
    answer = client.post(path, json=TELEMETRY, headers={} if may is None else token(platform, *may))

    assert answer.status_code == status
    assert recorded(platform) == (0, status == 200, 0)


def test_telemetry_beyond_the_bounds_of_a_token_is_set_aside_and_counted(client, platform):
    answer = client.post("/v1/logs", json=TELEMETRY, headers=token(platform, May.REPORT, sources=("shop",)))

    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert recorded(platform) == (0, 0, 1)


def test_of_many_rows_at_once_those_beyond_the_bounds_are_set_aside(client, platform):
    rows = [EVENT | {"prediction_id": f"p{place}", "kind": "rating"} for place in range(5_001)]
    rows[3_000]["kind"] = "ground_truth"
    headers = token(platform, May.REPORT, kinds=("rating",)) | {"content-type": ARROW}

    answer = client.post("/v1/feedback", content=as_arrow(a_table(rows)), headers=headers).json()

    assert (answer["accepted"], [each["reason"] for each in answer["refused"]]) == (5_000, ["not_allowed"])
    assert recorded(platform) == (0, 5_000, 1)
