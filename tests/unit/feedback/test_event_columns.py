"""Events by columns: the same rows are let in, and the others refused in the same words, as row by row."""

import math
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.feedback.domain.event_columns import DEFAULTS, FIELDS, MOMENTS
from handrail.feedback.domain.plain import event_of, plain_event
from handrail.feedback.domain.quarantine import Reason, Rejected
from handrail.feedback.domain.values import Feedback, Receipt, microseconds
from tests.fakes.effort import tried
from tests.fakes.feedback import CONVERSION, GO_LIVE, GROUND_TRUTH, a_log, a_prediction, an_outcome, memory_stores

DAY = timedelta(days=1)
EAST = timezone(timedelta(hours=1))
STRICT = replace(GROUND_TRUTH, sources=("airport-feed", "desk"), clock_skew=2 * DAY)
REVENUE = replace(GROUND_TRUTH, name="revenue", values=(), unit="USD", at_least=0.0, clock_skew=None)
KINDS = (STRICT, REVENUE, CONVERSION)
HOURS = st.integers(0, 60).map(lambda hours: GO_LIVE + timedelta(hours=hours, microseconds=hours))
USUAL = {
    "prediction_id": st.sampled_from(["p1", "p2", "p3"]),
    "kind": st.sampled_from([kind.name for kind in KINDS]),
    "value": st.sampled_from([0.0, 1.0, 1]),
    "source": st.sampled_from(["airport-feed", "desk"]),
    "revision": st.integers(0, 2),
    "occurred_at": HOURS,
    "received_at": HOURS,
    "event_id": st.sampled_from([None, None, "e1", "e2"]),
    "unit": st.sampled_from(["", "", "USD"]),
    "item": st.sampled_from(["", "a"]),
}
BY_KEY = {
    "prediction_id": st.just(""),
    "subject": st.just("order-1"),
    "service": st.sampled_from(["", "flights"]),
    "since": st.sampled_from([None, GO_LIVE]),
}
ODD = {
    "prediction_id": ["", "x" * 501, "a\nb", "é", None, 7, "p1\x00"],
    "kind": ["weather", "", None, "ground_truth "],
    "value": [math.nan, math.inf, None, 0.5, -3, 10**400, "1", True, 2**60, -0.0],
    "source": ["thief", "", "a\u2028b", 3],
    "revision": [-1, 2**31, True, 1.0, None],
    "occurred_at": [GO_LIVE + 3 * DAY, datetime(2013, 8, 1), "2013-08-01", None, GO_LIVE.astimezone(EAST)],
    "received_at": [GO_LIVE - 30 * DAY, datetime(1, 1, 1, tzinfo=UTC), None],
    "event_id": ["", "x" * 501, 5],
    "retracts": [True, None, 1],
    "subject": ["order-1", None, "\x07"],
    "service": ["flights", None],
    "since": [GO_LIVE, 3.5],
    "unit": ["EUR", None],
}


@st.composite
def rows(draw):
    """A row as a sender may write it: mostly right, some by a business key, some with up to two odd values."""
    row = {name: draw(values) for name, values in USUAL.items()}
    if draw(st.integers(0, 4)) == 0:
        row |= {name: draw(values) for name, values in BY_KEY.items()}
    if draw(st.integers(0, 9)) == 0:
        row |= {"value": None, "retracts": True}
    for name in draw(st.lists(st.sampled_from(sorted(ODD)), max_size=2)) if draw(st.integers(0, 2)) == 0 else ():
        row[name] = draw(st.sampled_from(ODD[name]))
    return row


def columns_of(said, whole):
    """Return rows as columns; if `whole`, aware moments as microseconds."""
    columns = {name: [row.get(name, DEFAULTS.get(name)) for row in said] for name in FIELDS}
    if whole:
        for name in MOMENTS:
            columns[name] = list(map(_whole, columns[name]))
    return columns


def _whole(moment):
    is_aware = isinstance(moment, datetime) and moment.utcoffset() is not None
    return microseconds(moment) if is_aware else moment


def row_by_row(said):
    """Return what each row is as a value, or why it is none."""
    for row in said:
        try:
            yield Feedback(**DEFAULTS | row)
        except InvalidInput as err:
            yield Rejected("feedback", Reason.MALFORMED, err.field, str(err), row, "a")


def held(log, stores):
    """Return the rows of a log and of its quarantine, without the order in which they came."""
    kept = sorted(map(plain_event, stores.events.log.rows.values()))
    aside = [(each.reason, each.field, each.problem, each.origin) for each in log.quarantined(10_000)]
    return kept, sorted(stores.events.arrivals), sorted(aside)


def left_by(batches, by_columns, whole=False):
    """Return the receipts of batches and what they leave."""
    stores = memory_stores()
    log = a_log(stores, kinds=KINDS)
    receipts = [
        log.receive_events(columns_of(batch, whole), "a") if by_columns else log.receive([*row_by_row(batch)], "a")
        for batch in batches
    ]
    return receipts, *held(log, stores)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_an_odd_value_gets_the_same_answer_by_columns_as_in_a_row(name, value):
    usual = {
        "prediction_id": "p1",
        "kind": "ground_truth",
        "value": 1.0,
        "source": "desk",
        "occurred_at": GO_LIVE,
        "received_at": GO_LIVE,
    }
    batch = [usual, usual | {name: value}, usual | {"value": 0.0}]

    assert left_by([batch], by_columns=True) == left_by([batch], by_columns=False)


@tried(150)
@given(st.lists(rows(), max_size=12), st.lists(rows(), max_size=4), st.booleans())
def test_columns_leave_what_rows_leave(first, more, whole):
    batches = [batch for batch in (first, [*more, *first]) if batch]

    assert left_by(batches, by_columns=True, whole=whole) == left_by(batches, by_columns=False)


@tried(100)
@given(st.lists(rows(), min_size=1, max_size=8))
def test_what_is_let_in_is_what_its_row_says(said):
    stores = memory_stores()
    log = a_log(stores, kinds=KINDS)
    good = {each.key: each for each in row_by_row(said) if isinstance(each, Feedback)}

    log.receive_events(columns_of(said, whole=True))

    for key, event in stores.events.log.rows.items():
        assert plain_event(event).body == event_of(plain_event(event)).body_digest()
        assert key in good


def test_a_bad_row_in_a_hundred_thousand_costs_itself_alone():
    log = a_log(kinds=KINDS)
    count = 20_000
    base = asdict(an_outcome(a_prediction()))
    columns = {name: [base[name]] * count for name in ("kind", "source", "occurred_at", "received_at", "value")}
    columns |= {"prediction_id": [f"p{number}" for number in range(count)]}
    columns["value"] = [*columns["value"][:7], 0.5, *columns["value"][8:]]

    receipt = log.receive_events(columns, "file.parquet")

    assert (receipt.accepted, [each.index for each in receipt.refused]) == (count - 1, [7])
    assert log.quarantined()[0].origin == "file.parquet"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": ["red"]}, "colour"),
        ({"kind": None}, "kind"),
        ({"revision": [0, 1]}, "revision"),
    ],
)
def test_columns_that_make_no_table_are_refused_whole(change, field):
    columns = {name: [value] for name, value in asdict(an_outcome(a_prediction())).items()} | change
    log = a_log()

    with pytest.raises(InvalidInput) as refused:
        log.receive_events({name: column for name, column in columns.items() if column is not None})

    assert refused.value.field == field
    assert log.status().feedback == 0


def test_no_rows_are_recorded_as_nothing():
    assert a_log().receive_events({name: [] for name in FIELDS}) == Receipt()
