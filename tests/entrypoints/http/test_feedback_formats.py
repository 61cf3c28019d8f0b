"""Every format of a body: the same rows give the same record; what cannot be read is named and loses nothing else."""

from datetime import UTC, datetime

import pytest

from handrail.entrypoints.http import feedback_formats
from handrail.entrypoints.http.feedback_formats import ARROW, FORMATS, NDJSON, PARQUET
from tests.entrypoints.http.test_feedback import EVENT, PREDICTION, Platform, assert_problem, send
from tests.fakes.feedback_bodies import as_ndjson, in_each_format

AT = datetime(2013, 8, 1, 9, tzinfo=UTC)


@pytest.fixture
def platform():
    return Platform()


def post(platform, content, media, path="/v1/feedback", **headers):
    return send(platform, path=path, content=content, headers={"content-type": media} | headers)


EVENTS = [
    EVENT,
    EVENT | {"revision": 1, "value": 0, "event_id": "mine"},
    EVENT | {"revision": 2, "value": None, "retracts": True},
    {
        "subject": "order-1",
        "service": "espresso",
        "since": "2013-08-01T00:00:00+00:00",
        "item": "b",
        "kind": EVENT["kind"],
        "value": 1,
        "source": "shop",
        "occurred_at": "2013-08-01T09:00:00.000001Z",
    },
]


def test_the_same_rows_are_the_same_record_in_every_format(platform):
    answers = [post(platform, content, media) for media, content in in_each_format(EVENTS).items()]

    assert [each.json()["accepted"] for each in answers] == [4, 0, 0, 0]
    assert len({tuple(each.json()["event_ids"]) for each in answers}) == 1
    assert platform.feedback.status().feedback == 4


def test_predictions_too(platform):
    rows = [PREDICTION, PREDICTION | {"prediction_id": "p2", "latency_ms": 1.5, "variant": "b", "propensity": 0.5}]

    answers = [
        post(platform, content, media, "/v1/predictions")
        for media, content in in_each_format(rows, "predictions").items()
    ]

    assert [each.status_code for each in answers] == [201, 200, 200, 200]
    assert all(each.json()["prediction_ids"] == ["p1", "p2"] for each in answers)
    assert platform.feedback.find_prediction("p2").propensity == 0.5


@pytest.mark.parametrize("media", [NDJSON, ARROW, PARQUET])
@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"value": float("nan")}, "value"),
        ({"value": float("inf")}, "value"),
        ({"prediction_id": "x" * 10_000}, "prediction_id"),
        ({"source": None}, "source"),
        ({"occurred_at": None}, "occurred_at"),
        ({"kind": "weather"}, "kind"),
        ({"value": None}, "value"),
        ({"subject": "order-1"}, "prediction_id"),
        ({"prediction_id": "a\nb"}, "prediction_id"),
        ({"revision": -1}, "revision"),
        ({"revision": 2**40}, "revision"),
    ],
    ids=str,
)
def test_a_row_at_fault_is_named_and_costs_itself_alone(platform, media, bad, field):
    rows = [EVENT, EVENT | {"revision": 1} | bad, EVENT | {"revision": 3}]

    answer = post(platform, in_each_format(rows)[media], media)

    (refused,) = assert_problem(answer, 422)["refused"]
    assert (refused["index"], refused["field"], answer.json()["accepted"]) == (1, field, 2)
    status = platform.feedback.status()
    assert (status.feedback, status.quarantined) == (2, 1)
    (held,) = platform.feedback.quarantined()
    assert held.content["kind"] == rows[1]["kind"]


@pytest.mark.parametrize("media", [NDJSON, ARROW, PARQUET])
def test_of_ten_thousand_rows_the_bad_one_is_named(platform, media):
    rows = [EVENT | {"prediction_id": f"p{place}"} for place in range(10_000)]
    rows[7_777]["value"] = 0.5

    answer = post(platform, in_each_format(rows)[media], media)

    problem = assert_problem(answer, 422)
    assert [each["index"] for each in problem["refused"]] == [7_777]
    assert (problem["accepted"], problem["rows"]) == (9_999, 10_000)
    assert "event_ids" not in problem
    named = {platform.feedback.feedback_about(each)[0].key for each in ("p0", "p9999")}
    assert {problem["first_id"], problem["last_id"]} == named


def test_all_ids_of_many_rows_come_to_who_asks_for_them(platform):
    rows = [EVENT | {"prediction_id": f"p{place}"} for place in range(5_001)]

    answer = post(platform, as_ndjson(rows), NDJSON, prefer="respond-async, return=representation")

    assert len(set(answer.json()["event_ids"])) == 5_001


@pytest.mark.parametrize("wrong", ["", "text/csv", "application/xml", "multipart/form-data; boundary=x"])
def test_an_unknown_media_type_is_refused_with_those_that_are_taken(platform, wrong):
    answer = post(platform, b"a,b", wrong or "application/octet-stream")

    problem = assert_problem(answer, 415)
    assert all(media in problem["detail"] and media in answer.headers["accept-post"] for media in FORMATS)
    assert platform.feedback.status().feedback == 0


@pytest.mark.parametrize("media", [NDJSON, ARROW, PARQUET])
def test_too_many_rows_are_refused(platform, media, monkeypatch):
    monkeypatch.setattr(feedback_formats, "MOST_ROWS", 2)

    problem = assert_problem(post(platform, in_each_format([EVENT] * 3)[media], media), 413)

    assert "more than 2 rows" in problem["detail"]


def test_blank_lines_and_windows_ends_are_no_rows(platform):
    content = b"\r\n".join([b"", as_ndjson([EVENT]).strip(), b"  ", b""])

    assert post(platform, content, NDJSON).json()["accepted"] == 1


@pytest.mark.parametrize("line", [b"{", b"\xff\xfe", b"[" * 100_000, b"1", b"null", b'{"a": 1}'])
def test_a_line_that_is_no_row_is_set_aside(platform, line):
    answer = post(platform, as_ndjson([EVENT]) + line + b"\n", NDJSON)

    (refused,) = assert_problem(answer, 422)["refused"]
    assert (refused["index"], answer.json()["accepted"]) == (1, 1)
