"""What SDKs of others send, recorded by tests/fixtures/feedback/record.py, and what else their specifications allow."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.testclient import TestClient

from handrail import open_platform
from handrail.entrypoints.http.feedback import checked_by_host, feedback_app
from handrail.entrypoints.http.feedback_otlp import PROTOBUF
from handrail.feedback import Prediction
from handrail.settings import Settings

RECORDED = Path(__file__).parents[2] / "fixtures" / "feedback"
KINDS = """
version: 1
kinds:
  ground_truth: {maturity_window_hours: 48}
  rating: {maturity_window_hours: 48}
"""
AT = datetime(2013, 8, 1, 10, tzinfo=UTC)
SPAN = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
ENVELOPE = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "rating",
    "time": "2013-08-01T10:00:00Z",
    "subject": "order-1",
}
BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with open_platform(Settings(project=tmp_path, home=tmp_path / ".handrail")) as opened:
        yield opened


@pytest.fixture
def client(platform):
    return TestClient(feedback_app(platform, checked_by_host))


def send_recorded(client, name, path):
    headers = json.loads((RECORDED / f"{name}.headers.json").read_text(encoding="utf-8"))
    return client.post(path, content=(RECORDED / name).read_bytes(), headers=headers)


def reported_about(subject, platform):
    """Return what was reported about a subject: a prediction about it shows that."""
    made = Prediction("of-subject", "deploy://local/espresso/1", subject, AT - timedelta(hours=1), 0.5, 1)
    platform.feedback.record_predictions([made])
    return platform.feedback.feedback_about("of-subject")


@pytest.mark.parametrize("name", ["logs.binpb", "logs-gzip.binpb", "logs.json"])
def test_evaluations_of_an_opentelemetry_logger_are_recorded_and_other_records_counted(client, platform, name):
    answer = send_recorded(client, f"otlp/{name}", "/v1/logs")

    (first,), (second,) = (platform.feedback.feedback_about(each) for each in ("answer-1", "answer-2"))
    assert (first.kind, first.value, first.source, first.occurred_at) == ("rating", 4.0, "judge", AT)
    assert (len(first.key), second.key) == (64, "uid-2")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == ("application/json" if name.endswith("json") else PROTOBUF)
    partial = _said(answer, ExportLogsServiceResponse)
    assert int(partial["rejectedLogRecords"]) == 1
    assert partial["errorMessage"] == "1 are not feedback and were not recorded."


def test_a_span_sent_again_changes_nothing_and_its_annotations_and_evaluations_are_about_it(client, platform):
    for _ in range(2):
        answer = send_recorded(client, "otlp/traces.binpb", "/v1/traces")

    found = {(each.kind, each.item): each.value for each in platform.feedback.feedback_about(SPAN)}
    assert found == {("rating", "reader-1"): 5.0, ("rating", ""): 4.0, ("ground_truth", ""): 1.0}
    assert (answer.status_code, answer.content) == (200, b"")
    assert platform.feedback.status().feedback == 3


def _said(answer, message):
    from google.protobuf.json_format import MessageToDict

    is_json = answer.headers["content-type"] == "application/json"
    document = answer.json() if is_json else MessageToDict(message.FromString(answer.content))
    return document["partialSuccess"]


def a_request(*attributes, **changed):
    said = [{"key": name, "value": value} for name, value in attributes]
    record = {
        "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": "1375351200000000000",
        "attributes": said,
    } | changed
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "judge"}}]}
    return {"resourceLogs": [{"resource": service, "scopeLogs": [{"logRecords": [record]}]}]}


NAMED = ("gen_ai.evaluation.name", {"stringValue": "rating"})
ABOUT = ("gen_ai.response.id", {"stringValue": "a"})
SCORE = "gen_ai.evaluation.score.value"


@pytest.mark.parametrize(
    ("value", "read"),
    [({"doubleValue": 4.5}, 4.5), ({"intValue": "4"}, 4), ({"stringValue": "4.5"}, 4.5), ({"boolValue": True}, 1)],
    ids=str,
)
def test_a_score_is_a_number_however_it_is_written(client, platform, value, read):
    assert client.post("/v1/logs", json=a_request(NAMED, ABOUT, (SCORE, value))).json() == {}
    assert [each.value for each in platform.feedback.feedback_about("a")] == [read]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (a_request(NAMED, ABOUT, ("gen_ai.evaluation.score.label", {"stringValue": "pass"})), "value"),
        (a_request(NAMED, ABOUT, ("error.type", {"stringValue": "timeout"})), "value"),
        (a_request(NAMED, ABOUT, (SCORE, {"doubleValue": "NaN"})), "value"),
        (a_request(NAMED, ABOUT, (SCORE, {"stringValue": "good"})), "value"),
        (a_request(ABOUT, (SCORE, {"doubleValue": 1})), "kind"),
        (a_request(NAMED, (SCORE, {"doubleValue": 1})), "prediction_id"),
        (a_request(NAMED, ABOUT, (SCORE, {"doubleValue": 1}), timeUnixNano="0"), "occurred_at"),
        (a_request(("gen_ai.evaluation.name", {"stringValue": "tone"}), ABOUT, (SCORE, {"doubleValue": 1})), "kind"),
    ],
)
def test_an_evaluation_that_cannot_be_recorded_is_set_aside_and_counted(client, platform, request_, field):
    answer = client.post("/v1/logs", json=request_)

    partial = answer.json()["partialSuccess"]
    assert (answer.status_code, partial["rejectedLogRecords"]) == (200, "1")
    assert f"1 are in quarantine. {field}: " in partial["errorMessage"]
    (held,) = platform.feedback.quarantined()
    assert (held.field, platform.feedback.status().feedback) == (field, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"resourceLogs": 1}',
        b'{"resourceLogs": [1]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": {}}]}]}',
        json.dumps(a_request(NAMED, timeUnixNano="soon")).encode(),
        json.dumps(a_request(NAMED, timeUnixNano=True)).encode(),
        json.dumps(a_request(NAMED, timeUnixNano="9" * 20)).encode(),
    ],
    ids=str,
)
def test_what_is_no_request_of_otlp_is_refused(client, body):
    answer = client.post("/v1/logs", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["detail"][:6]) == (400, "body: ")


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
def test_protobuf_that_is_none_and_other_media_types_are_refused(client, path):
    assert client.post(path, content=b"\xff" * 9, headers={"content-type": PROTOBUF}).status_code == 400
    assert client.post(path, content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    empty = client.post(path, content=b"", headers={"content-type": PROTOBUF})
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_conflict_is_counted_for_the_exporter(client):
    uid = ("log.record.uid", {"stringValue": "u"})
    client.post("/v1/logs", json=a_request(NAMED, ABOUT, uid, (SCORE, {"doubleValue": 1})))

    partial = client.post("/v1/logs", json=a_request(NAMED, ABOUT, uid, (SCORE, {"doubleValue": 2}))).json()

    assert partial["partialSuccess"]["rejectedLogRecords"] == "1"
    assert "came before with another body: u." in partial["partialSuccess"]["errorMessage"]


def test_traces_answer_in_their_own_message(client):
    spans = [{"traceId": SPAN[:32], "spanId": SPAN[33:], "attributes": []}]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}

    assert client.post("/v1/traces", json=request).json()["partialSuccess"]["rejectedSpans"] == "1"
    assert ExportTraceServiceResponse.FromString(b"") is not None


@pytest.mark.parametrize("mode", ["structured", "binary"])
@pytest.mark.parametrize(("data", "about"), [("object", "p1"), ("number", "")])
def test_a_cloudevent_is_recorded_once_in_whatever_mode_it_comes(client, platform, mode, data, about):
    answers = [
        send_recorded(client, f"cloudevents/{each}-{data}", "/v1/feedback") for each in (mode, "structured", "binary")
    ]

    assert [each.status_code for each in answers] == [201, 200, 200]
    assert answers[0].json()["event_ids"] == ["https://shop.example/reviews A234-1234"]
    (event,) = platform.feedback.feedback_about("p1") if about else reported_about("order-1", platform)
    assert (event.kind, event.value, event.occurred_at) == ("rating", 4.0, AT)
    assert (event.source, event.subject) == ("https://shop.example/reviews", "" if about else "order-1")


def test_a_prediction_comes_as_a_cloudevent_too(client, platform):
    event = ENVELOPE | {"source": "deploy://local/espresso/1", "data": {"score": 0.5, "label": 1}}

    assert client.post("/v1/predictions", json=[event], headers=BATCH).json()["prediction_ids"] == ["1"]
    found = platform.feedback.find_prediction("1")
    assert (found.deployment, found.subject, found.made_at) == ("deploy://local/espresso/1", "order-1", AT)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": 7}, "source"),
        ({"data": "four"}, "data"),
        ({"data": None}, "data"),
        ({"data": {"value": "four"}}, "value"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data_base64": "%"}, "data_base64"),
        ({"data_base64": 7}, "data_base64"),
        ({"data_base64": base64.b64encode(b"{").decode()}, "data_base64"),
        ({"id": "x" * 10_000}, "event_id"),
        ({"time": "noon"}, "occurred_at"),
        ({"type": "weather"}, "kind"),
    ],
    ids=lambda change: str(change)[:40],
)
def test_of_a_batch_of_cloudevents_the_bad_one_is_named_and_the_others_recorded(client, platform, change, field):
    events = [ENVELOPE | {"data": 4}, ENVELOPE | {"id": "2", "data": 5} | change, ENVELOPE | {"id": "3", "data": 3}]

    answer = client.post("/v1/feedback", json=events, headers=BATCH)

    (refused,) = answer.json()["refused"]
    assert (answer.status_code, answer.json()["accepted"]) == (422, 2)
    assert (refused["index"], refused["field"]) == (1, field)
    assert platform.feedback.status().quarantined == 1


def test_data_in_base64_and_headers_in_percent_are_read(client, platform):
    packed = ENVELOPE | {"data_base64": base64.b64encode(b'{"value": 4, "prediction_id": "p1"}').decode()}
    structured = {"content-type": "application/cloudevents+json; charset=UTF-8"}
    binary = {f"ce-{name}": text for name, text in ENVELOPE.items()} | {"ce-subject": "caf%C3%A9"}

    assert client.post("/v1/feedback", json=packed, headers=structured).status_code == 201
    assert client.post("/v1/feedback", content=b"4", headers=binary | {"ce-id": "5"}).status_code == 201
    assert [each.subject for each in reported_about("café", platform)] == ["café"]


@pytest.mark.parametrize("body", [b"{", b"7", b"{}"])
def test_a_batch_that_is_no_array_is_refused(client, body):
    assert client.post("/v1/feedback", content=body, headers=BATCH).status_code == 400
    assert client.post("/v1/feedback", content=b"[]", headers=BATCH).json()["accepted"] == 0
