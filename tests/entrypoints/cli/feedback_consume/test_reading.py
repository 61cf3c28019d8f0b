"""What a message holds and what of it is recorded, over messages that need no broker."""

import base64
import gzip
import json

import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli.feedback_consume.reading import Recording, Writers, what_of
from handrail.entrypoints.http.feedback_formats import ARROW, CLOUDEVENT, CLOUDEVENTS, JSON, NDJSON, PARQUET
from handrail.errors import MissingTool
from handrail.feedback import Message
from tests.fakes.feedback_bodies import a_table, as_arrow, as_ndjson, as_parquet

KINDS = "{version: 1, kinds: {rating: {maturity_window_hours: 24, at_least: 1, at_most: 5}}}"
MOMENT = "2026-11-01T12:00:00+00:00"


def an_outcome(number, **more):
    usual = {"prediction_id": f"p{number}", "kind": "rating", "value": 4.0, "source": "desk", "occurred_at": MOMENT}
    return usual | more


def a_prediction(number, **more):
    usual = {"deployment": "deploy://local/espresso/1", "subject": f"s{number}", "made_at": MOMENT}
    return {"prediction_id": f"p{number}", "score": 0.5, "label": 0} | usual | more


def a_cloudevent(number, **data):
    envelope = {"specversion": "1.0", "id": f"e{number}", "source": "desk", "type": "rating", "time": MOMENT}
    return envelope | {"subject": f"s{number}", "data": data or 4}


@pytest.fixture
def platform(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    with open_platform() as platform:
        yield platform


def record(platform, *bodies, may=("predict", "report"), sources=None, kinds=None):
    """Record bodies, each with its headers, as one batch of messages."""
    messages = [Message(str(n), f"h{n}", body, headers) for n, (body, headers) in enumerate(bodies)]
    return Recording(platform, Writers(frozenset(may), kinds, sources), "redis://b outcomes").record(messages)


def as_json(content):
    return json.dumps(content).encode()


ROWS, ANSWERS = [an_outcome(1), an_outcome(2)], [a_prediction(1), a_prediction(2)]
BODIES = {
    "one": (as_json(ROWS[0]), {}, 1),
    "a batch": (as_json({"events": ROWS}), {"content-type": JSON}, 2),
    "lines": (as_ndjson(ROWS), {"content-type": NDJSON}, 2),
    "packed lines": (gzip.compress(as_ndjson(ROWS)), {"content-type": NDJSON, "content-encoding": "gzip"}, 2),
    "Arrow": (as_arrow(a_table(ROWS)), {"content-type": ARROW}, 2),
    "Parquet": (as_parquet(a_table(ROWS)), {"content-type": PARQUET}, 2),
    "CloudEvent": (as_json(a_cloudevent(1)), {"content-type": CLOUDEVENT}, 1),
    "CloudEvents": (as_json([a_cloudevent(1), a_cloudevent(2)]), {"content-type": CLOUDEVENTS}, 2),
    "binary CloudEvent": (
        b"4",
        {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "desk", "ce-type": "rating"}
        | {"ce-time": MOMENT, "ce-subject": "s1", "content-type": JSON},
        1,
    ),
    "a prediction": (as_json(ANSWERS[0]), {}, 1),
    "a batch of predictions": (as_json({"predictions": ANSWERS}), {}, 2),
    "lines of predictions": (as_ndjson(ANSWERS), {"content-type": NDJSON}, 2),
    "Arrow of predictions": (as_arrow(a_table(ANSWERS)), {"content-type": ARROW}, 2),
    "Parquet of predictions": (as_parquet(a_table(ANSWERS)), {"content-type": PARQUET}, 2),
}


@pytest.mark.parametrize("name", BODIES)
def test_each_format_that_comes_by_http_comes_by_a_stream(platform, name):
    content, headers, count = BODIES[name]

    first = record(platform, (content, headers))
    again = record(platform, (content, headers))

    assert (first.accepted, first.refused) == (count, ())
    assert (again.accepted, again.repeated) == (0, count)
    made = platform.feedback.status().predictions
    assert made == (count if "prediction" in name else 0)


def test_messages_of_one_batch_are_recorded_together_with_their_own_origins(platform):
    wrong = an_outcome(3, value=9)

    receipt = record(platform, (as_json(ROWS[0]), {}), (as_json(wrong), {}), (as_json(ANSWERS[0]), {}))

    assert (receipt.accepted, len(receipt.refused)) == (2, 1)
    (held,) = platform.feedback.quarantined()
    assert (held.origin, held.reason, held.content["value"]) == ("redis://b outcomes 1", "wrong_value", 9.0)


MANY = [an_outcome(number) for number in range(5_001)]


def test_many_rows_of_one_message_go_by_columns(platform):
    assert record(platform, (as_arrow(a_table(MANY)), {"content-type": ARROW})).accepted == 5_001
    refused = record(platform, (as_arrow(a_table(MANY)), {"content-type": ARROW}), sources=frozenset({"erp"}))
    assert (refused.accepted, refused.repeated, len(refused.refused)) == (0, 0, 5_001)


POISON = {
    "no JSON": (b"{", {}, "not JSON"),
    "nothing": (b"", {"prediction_id": "p1"}, "the message has none"),
    "no text": (b"\xff\xfe\x00", {}, "not JSON"),
    "a list": (b"[]", {}, "not an object"),
    "deep": (b"[" * 100_000, {}, "not JSON"),
    "an unknown type": (b"a,b", {"content-type": "text/csv"}, "text/csv"),
    "a cut-off table": (as_arrow(a_table(ROWS))[:-30], {"content-type": ARROW}, "does not end"),
    "no table": (b"hello", {"content-type": PARQUET}, "not a Parquet file"),
    "no gzip": (b"hello", {"content-encoding": "gzip"}, "not a gzip stream"),
    "a bomb": (gzip.compress(b" " * 100_000_000), {"content-encoding": "gzip"}, "more than 200 times"),
    "a large number": (b'{"value": ' + b"9" * 5_000 + b"}", {}, "not JSON"),
    "neither": (b"{}", {"handrail-what": "orders"}, "is neither"),
    "a huge id": (as_json(an_outcome(1, prediction_id="p" * 10_000)), {}, "prediction_id"),
    "NaN": (b'{"value": NaN, "kind": "rating"}', {}, "value"),
}


@pytest.mark.parametrize("name", POISON)
def test_a_message_that_cannot_be_read_is_set_aside_and_its_neighbours_are_recorded(platform, name):
    content, headers, said = POISON[name]

    receipt = record(platform, (as_json(ROWS[0]), {}), (content, headers), (as_json(ROWS[1]), {}))

    assert (receipt.accepted, len(receipt.refused)) == (2, 1)
    (held,) = platform.feedback.quarantined()
    assert said in held.problem
    assert held.origin == "redis://b outcomes 1"


def test_what_is_no_text_is_kept_in_base64(platform):
    record(platform, (b"\xff\xfe\x00", {"content-type": ARROW}))

    (held,) = platform.feedback.quarantined()

    assert base64.b64decode(held.content["body"]["base64"]) == b"\xff\xfe\x00"
    assert held.content["headers"] == {"content-type": ARROW}


def test_a_message_above_the_limit_is_set_aside(platform, monkeypatch):
    monkeypatch.setenv("HANDRAIL_FEEDBACK_MAX_BYTES", "100")
    with open_platform() as small:
        assert [each.problem for each in record(small, (as_json(ROWS[0]), {})).refused] == [
            "body: it is larger than 100 bytes. "
            "Send fewer rows at once, or let the server take more: the setting feedback_max_bytes."
        ]


@pytest.mark.parametrize(
    ("allowed", "body", "remedy"),
    [
        ({"may": ("report",)}, ANSWERS[0], "--may predict"),
        ({"may": ("predict",)}, ROWS[0], "--may report"),
        ({"sources": frozenset({"erp"})}, ROWS[0], "--source desk"),
        ({"kinds": frozenset({"ground_truth"})}, ROWS[0], "--kind rating"),
        ({"sources": frozenset({"erp"})}, {"events": [ROWS[0]]}, "--source desk"),
    ],
)
def test_what_the_command_does_not_allow_is_set_aside_with_what_would_allow_it(platform, allowed, body, remedy):
    receipt = record(platform, (as_json(body), {}), **allowed)

    assert (receipt.accepted, [each.reason for each in receipt.refused]) == (0, ["not_allowed"])
    assert remedy in receipt.refused[0].problem


def test_what_somebody_wrote_is_not_set_aside_with_a_row_that_is_not_allowed(platform):
    said = an_outcome(1, text="call me at home")
    del said["value"]

    (refused,) = record(platform, (as_json(said), {}), sources=frozenset({"erp"})).refused

    (held,) = platform.feedback.quarantined()
    assert (refused.reason, held.content["prediction_id"]) == ("not_allowed", "p1")
    assert "call me" not in str(held)


def test_a_package_that_is_missing_here_sets_nothing_aside(platform, monkeypatch):
    monkeypatch.setattr("handrail.tools.find_spec", lambda _: None)

    with pytest.raises(MissingTool, match="pyarrow"):
        record(platform, (as_arrow(a_table(ROWS)), {"content-type": ARROW}))

    assert not platform.feedback.quarantined()


@pytest.mark.parametrize(
    ("content", "headers", "what"),
    [
        (b'{"score": 1}', {}, "prediction"),
        (b'{"value": 1, "source": "score"}', {}, "feedback"),
        (b'{"score": 1}', {"handrail-what": "feedback"}, "feedback"),
        (b"4", {"handrail-what": "predictions"}, "prediction"),
        (b"\n\n" + b'{"score": 1}\n{"value": 2}', {"content-type": NDJSON}, "prediction"),
        (as_json(a_cloudevent(1, score=0.5)), {"content-type": CLOUDEVENT}, "prediction"),
        (as_json([a_cloudevent(1, score=0.5)]), {"content-type": CLOUDEVENTS}, "prediction"),
        (b"[]", {}, "feedback"),
        (b"4", {}, "feedback"),
    ],
)
def test_what_a_message_holds_is_said_by_it_or_seen_by_its_score(content, headers, what):
    assert what_of(content, headers) == what
