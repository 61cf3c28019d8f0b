"""Tables: types, units and zones that are taken, wrong columns that are named, and streams that are cut off."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from handrail.entrypoints.http.feedback_columns import COLUMNS
from handrail.entrypoints.http.feedback_formats import ARROW, PARQUET
from handrail.entrypoints.http.feedback_messages import FeedbackMessage, PredictionMessage
from tests.entrypoints.http.test_feedback import EVENT, Platform, assert_problem
from tests.entrypoints.http.test_feedback_formats import post
from tests.fakes.feedback_bodies import a_table, as_arrow, as_parquet, in_each_format

AT = datetime(2013, 8, 1, 9, tzinfo=UTC)


@pytest.fixture
def platform():
    return Platform()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda table: table.drop_columns(["source"]), "source"),
        (lambda table: table.append_column("colour", pa.array(["blue"])), "colour"),
        (lambda table: table.append_column("received_at", table["occurred_at"]), "received_at"),
        (lambda table: table.append_column("kind", table["kind"]), "kind"),
        (lambda table: _with(table, "value", ["1"]), "value"),
        (lambda table: _with(table, "value", [[1.0]]), "value"),
        (lambda table: _with(table, "source", [1]), "source"),
        (lambda table: _with(table, "source", [b"a"]), "source"),
        (lambda table: _with(table, "revision", [1.0]), "revision"),
        (lambda table: _with(table, "retracts", [1]), "retracts"),
        (lambda table: _with(table, "occurred_at", [1]), "occurred_at"),
        (lambda table: _with(table, "occurred_at", pa.array([AT.replace(tzinfo=None)])), "occurred_at"),
    ],
)
@pytest.mark.parametrize("media", [ARROW, PARQUET])
def test_a_wrong_column_is_named_and_nothing_recorded(platform, media, change, field):
    table = change(a_table([EVENT]))
    if media == PARQUET and len(set(table.column_names)) < table.num_columns:
        content = as_arrow(table)
        media = ARROW
    else:
        content = as_arrow(table) if media == ARROW else as_parquet(table)

    problem = assert_problem(post(platform, content, media), 422)

    assert problem["detail"].startswith(f"{field}: ")
    assert problem["errors"][0]["field"] == field
    status = platform.feedback.status()
    assert (status.feedback, status.quarantined) == (0, 0)


def _with(table, name, values):
    rest = table.drop_columns([name]) if name in table.column_names else table
    return rest.append_column(name, pa.array(values) if isinstance(values, list) else values)


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("s", "UTC"),
        pa.timestamp("ms", "Europe/Berlin"),
        pa.timestamp("us", "+01:00"),
        pa.timestamp("ns", "UTC"),
        pa.string(),
        pa.large_string(),
    ],
    ids=str,
)
def test_a_moment_may_have_any_unit_and_zone(platform, kind):
    is_text = kind in (pa.string(), pa.large_string())
    moments = pa.array([AT.isoformat()], kind) if is_text else pa.array([AT], kind)
    table = _with(a_table([EVENT]), "occurred_at", moments)

    assert post(platform, as_arrow(table), ARROW).status_code == 201
    (event,) = platform.feedback.feedback_about(EVENT["prediction_id"])
    assert event.occurred_at == AT


@pytest.mark.parametrize("count", [2**62, -(2**62)])
def test_a_moment_beyond_the_years_of_a_calendar_is_the_fault_of_its_row(platform, count):
    moments = pa.array([AT, None], pa.timestamp("us", "UTC")).cast("int64").to_pylist()
    moments[1] = count
    table = _with(
        a_table([EVENT, EVENT | {"revision": 1}]), "occurred_at", pa.array(moments).cast(pa.timestamp("s", "UTC"))
    )

    problem = assert_problem(post(platform, as_arrow(table), ARROW), 422)

    assert [each["field"] for each in problem["refused"]] == ["occurred_at"] * len(problem["refused"])
    assert problem["refused"][-1]["index"] == 1


def test_numbers_may_have_any_width_and_texts_a_dictionary(platform):
    table = a_table([EVENT, EVENT | {"revision": 1}])
    for name, kind in (
        ("value", pa.float32()),
        ("value", pa.int8()),
        ("value", pa.decimal128(5, 2)),
        ("revision", pa.uint8()),
    ):
        table = _with(table, name, table[name].cast(kind))
    table = _with(table, "source", table["source"].combine_chunks().dictionary_encode())

    assert post(platform, as_arrow(table), ARROW).json()["accepted"] == 2


def test_columns_are_those_of_a_message():
    for what, message in (("prediction", PredictionMessage), ("feedback", FeedbackMessage)):
        columns = {column.name: column.required for column in COLUMNS[what]}
        # A text comes alone, not in columns.
        fields = {name: field.is_required() for name, field in message.model_fields.items() if name != "text"}
        assert columns == fields | ({"received_at": False} if what == "feedback" else {})


@pytest.mark.parametrize("cut", [1, 8, 9, 200, 700])
def test_a_table_that_is_cut_off_is_refused_whole(platform, cut):
    rows = [EVENT | {"prediction_id": f"p{place}"} for place in range(100)]
    for media in (ARROW, PARQUET):
        answer = post(platform, in_each_format(rows)[media][:-cut], media)

        assert assert_problem(answer, 400)["detail"].startswith("body: ")
    assert platform.feedback.status().feedback == 0


def test_a_stream_whose_batches_are_whole_but_whose_end_is_missing_is_refused(platform):
    sink = pa.BufferOutputStream()
    table = a_table([EVENT])
    writer = pa.ipc.new_stream(sink, table.schema)
    writer.write_table(table)
    open_stream = sink.getvalue().to_pybytes()

    assert "its writer was not closed" in assert_problem(post(platform, open_stream, ARROW), 400)["detail"]


def test_an_empty_table_records_nothing_and_says_so(platform):
    answer = post(platform, as_arrow(a_table([EVENT]).slice(0, 0)), ARROW)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "repeated": 0, "event_ids": []})


ODD = [
    {"value": 0.5},
    {"value": float("nan")},
    {"value": None},
    {"kind": "weather"},
    {"source": None},
    {"prediction_id": "x" * 10_000},
    {"prediction_id": None},
    {"prediction_id": "a\nb"},
    {"subject": "order-1"},
    {"revision": -1},
    {"revision": None},
    {"event_id": "mine"},
    {"event_id": "mine", "value": 0},
    {"occurred_at": None},
    {"retracts": True, "value": None},
    {"unit": "EUR"},
]


@pytest.mark.parametrize("media", [ARROW, PARQUET])
def test_many_rows_at_once_become_what_they_are_one_by_one(media):
    rows = [EVENT | {"prediction_id": f"p{place}"} for place in range(5_100)]
    for place, change in enumerate(ODD):
        rows[place * 300 + 7] |= change
    by_columns, by_rows = Platform(), Platform()

    answers = [
        post(by_columns, in_each_format(rows)[media], media).json(),
        post(by_rows, in_each_format(rows)[media], media, prefer="return=representation").json(),
    ]

    named = [[(each["index"], each["reason"], each["field"]) for each in answer["refused"]] for answer in answers]
    assert named[0] == named[1]
    assert len(named[0]) >= 10
    assert answers[0]["conflicts"] == answers[1]["conflicts"] == ["mine"]
    assert answers[0]["accepted"] == answers[1]["accepted"]
    assert by_columns.feedback.status() == by_rows.feedback.status()
    assert (answers[0]["first_id"], answers[0]["last_id"]) == tuple(answers[1]["event_ids"][place] for place in (0, -1))


@pytest.mark.parametrize("kind", [pa.timestamp("s", "UTC"), pa.timestamp("ns", "+01:00"), pa.string()], ids=str)
def test_moments_of_many_rows_may_have_any_unit(platform, kind):
    table = a_table([EVENT | {"prediction_id": f"p{place}"} for place in range(5_001)])
    moments = pa.array([AT.isoformat() if kind == pa.string() else AT] * 5_001, kind)

    answer = post(platform, as_arrow(_with(table, "occurred_at", moments)), ARROW)

    assert answer.json()["accepted"] == 5_001
    assert platform.feedback.feedback_about("p17")[0].occurred_at == AT
