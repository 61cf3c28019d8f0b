"""Outcomes that name what the business knows find their prediction, in any order: over fakes and databases."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.samples import Look
from handrail.feedback.service import FeedbackLog
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, MemoryWriter, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of

HOUR = timedelta(hours=1)
OTHER = "deploy://local/hotels/1"
AUGUST = (GO_LIVE, GO_LIVE + timedelta(days=31), GO_LIVE + timedelta(days=60))


def kind(matching="latest", **changes):
    return Kind("ground_truth", timedelta(hours=36), matching=matching, **changes)


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


@pytest.fixture
def log_of(stores):
    def a_log(matching="latest", **changes):
        return FeedbackLog(stores, MemoryWriter(), {"ground_truth": kind(matching, **changes)})

    return a_log


def made(name, hour, subject="order-1", deployment=DEPLOYMENT):
    at = GO_LIVE + hour * HOUR
    return a_prediction(0, prediction_id=name, subject=subject, made_at=at, deployment=deployment)


def said(hour, value=1.0, subject="order-1", **changes):
    at = GO_LIVE + hour * HOUR
    heard = {"occurred_at": at, "received_at": at, "prediction_id": "", "subject": subject}
    return an_outcome(a_prediction(0), value, **heard | changes)


def labels(log, deployment=None):
    cohort = log.cohort(deployment, "ground_truth", *AUGUST)
    return dict(zip(cohort.prediction_id, cohort.label, strict=True))


@pytest.mark.parametrize(
    ("matching", "expected"),
    [
        ("latest", {"first": None, "second": 1.0, "after": None, "other": None}),
        ("all", {"first": 1.0, "second": 1.0, "after": None, "other": None}),
        ("refuse", {"first": None, "second": None, "after": None, "other": None}),
    ],
)
def test_a_key_that_fits_several_predictions_follows_the_rule_of_its_kind(log_of, matching, expected):
    log = log_of(matching)
    log.record_feedback([said(5)])
    log.record_predictions([made("second", 2), made("after", 6), made("first", 1), made("other", 1, "order-2")])

    assert labels(log) == expected


def test_every_order_of_arrival_gives_the_same_labels(stores):
    log = FeedbackLog(stores, MemoryWriter(), {"ground_truth": kind()})
    orders = list(permutations(range(4)))
    for number, order in enumerate(orders):
        name = f"order-{number}"
        sent = [made(f"a{number}", 1, name), made(f"b{number}", 3, name), said(2, 0.0, name), said(4, 1.0, name)]
        for place in order:
            one = sent[place]
            (log.record_predictions if hasattr(one, "score") else log.record_feedback)([one])

    assert labels(log) == {f"{who}{n}": value for n in range(len(orders)) for who, value in (("a", 0.0), ("b", 1.0))}


def test_a_service_and_a_window_say_which_prediction_is_meant(log_of):
    log = log_of("refuse")
    log.record_predictions([made("flight", 1), made("hotel", 1, deployment=OTHER), made("early", -30 * 24)])
    log.record_predictions([made("a", 1, "order-2"), made("b", 2, "order-2"), made("c", 3, "order-2")])
    window = {"since": GO_LIVE + 2 * HOUR, "until": GO_LIVE + 3 * HOUR}

    log.record_feedback([said(5, service="hotels"), said(5, subject="order-2", **window)])

    assert labels(log) == {"flight": None, "hotel": 1.0, "a": None, "b": 1.0, "c": None}


def test_a_prediction_beside_the_window_of_a_question_still_draws_its_outcome(log_of):
    log = log_of()
    log.record_predictions([made("asked", 1), made("later", 3)])
    log.record_feedback([said(4)])

    cohort = log.cohort(None, "ground_truth", GO_LIVE, GO_LIVE + 2 * HOUR, AUGUST[2])

    assert cohort.label == (None,)


def test_corrections_and_retractions_by_key_count_beside_those_by_id(log_of):
    log = log_of()
    log.record_predictions([made("one", 1), made("two", 1, "order-2")])
    by_id = an_outcome(a_prediction(0), 0.0, prediction_id="one", occurred_at=GO_LIVE + 2 * HOUR)
    log.record_feedback([by_id, said(2, 1.0, revision=1), said(2, 1.0, "order-2")])
    log.record_feedback([said(2, None, "order-2", revision=1)])

    assert labels(log) == {"one": 1.0, "two": None}
    assert [event.value for event in log.feedback_about("one")] == [0.0, 1.0]
    assert log.feedback_about("unknown") == ()


def test_money_by_key_counts_once_for_its_deployment(stores):
    money = kind(aggregation="sum", unit="USD")
    log = FeedbackLog(stores, MemoryWriter(), {"ground_truth": money})
    log.record_feedback(
        [said(5, 19.99, item="ticket"), said(5, 5.01, item="bag"), said(6, 5.0, item="bag", revision=1)]
    )
    log.record_predictions([made("first", 1), made("second", 2), made("hotel", 3, deployment=OTHER)])
    log.record_feedback([said(5, 1.0, service="flights", item="seat")])

    amounts = log.amounts([DEPLOYMENT, OTHER])

    assert {uri: f"{each['USD']}" for uri, each in amounts.items()} == {DEPLOYMENT: "1.0", OTHER: "24.99"}


@pytest.mark.parametrize(
    ("aggregation", "expected"), [("last", 5.0), ("first", 2.0), ("sum", 10.0), ("mean", 10.0 / 3)]
)
def test_items_of_one_prediction_are_put_together_by_the_rule_of_the_kind(log_of, aggregation, expected):
    log = log_of(aggregation=aggregation)
    log.record_predictions([made("one", 1)])
    items = [said(4, 5.0, item="c"), said(2, 9.0, item="a"), said(3, 3.0, item="b"), said(5, 7.0, item="gone")]
    log.record_feedback([*items, said(2, 2.0, item="a", revision=1), said(5, None, item="gone", revision=1)])

    assert labels(log) == {"one": expected}


def test_what_matches_nothing_waits_and_is_counted(stores, log_of):
    log = log_of()
    log.record_feedback([said(5)])
    assert log.status().orphans == 1

    log.record_predictions([made("first", 1)])

    assert log.status().orphans == 0


def test_a_sample_finds_them_too(stores, log_of):
    log_of().record_predictions([made("first", 1), made("second", 2)])
    stores.events.append([said(5)])

    found = stores.sampler.sample(Look("ground_truth", AUGUST[2], None, 100, "latest"))

    assert [(row[0], row[4]) for row in found.events] == [("second", 1.0)]
    assert len(found.arrived) == 1


def test_a_snapshot_of_outcomes_by_key_stays_what_it_was(log_of):
    log = log_of()
    log.record_predictions([made("first", 1)])
    log.record_feedback([said(5)])
    before = log.snapshot("ground_truth", *AUGUST)

    log.record_predictions([made("second", 2)])
    log.record_feedback([said(6, 0.0)])

    assert log.snapshot_cohort(before.digest).label == (1.0,)
    assert log.snapshot("ground_truth", *AUGUST).digest != before.digest
    assert log.damages() == ()


SUBJECTS = st.sampled_from(["x", "y"])
PREDICTIONS = st.lists(st.tuples(SUBJECTS, st.integers(0, 6), st.sampled_from([DEPLOYMENT, OTHER])), max_size=6)
OUTCOMES = st.lists(
    st.tuples(SUBJECTS, st.integers(-48, 54), st.sampled_from(["", "flights", "hotels"]), st.integers(0, 2)), max_size=6
)


def plainly(matching, predictions, outcomes):
    """Return each prediction's label by a plain reading of the rules: the oracle."""
    best: dict[str, Any] = {}
    for place, (subject, hour, service, revision) in enumerate(outcomes):
        fits = []
        for number, (about, at, deployment) in enumerate(predictions):
            if about == subject and at <= hour and service in ("", deployment.split("/")[3]):
                fits.append((at, f"p{number}"))
        fits.sort()
        if matching == "latest":
            fits = fits[-1:]
        elif matching == "refuse" and len(fits) != 1:
            fits = []
        for _, name in fits:
            rank = (revision, hour, f"e{place}")
            if name not in best or rank > best[name][0]:
                best[name] = (rank, float(place))
    return {f"p{n}": best[f"p{n}"][1] if f"p{n}" in best else None for n in range(len(predictions))}


@settings(deadline=None)
@given(st.sampled_from(["latest", "all", "refuse"]), PREDICTIONS, OUTCOMES, st.data())
def test_labels_are_those_of_a_plain_reading_in_any_order(matching, predictions, outcomes, data):
    log = a_log(kinds=[kind(matching)])
    sent = [made(f"p{n}", at, subject, deployment) for n, (subject, at, deployment) in enumerate(predictions)] + [
        said(hour, float(n), subject, service=service, revision=revision, event_id=f"e{n}", received_at=GO_LIVE)
        for n, (subject, hour, service, revision) in enumerate(outcomes)
    ]
    for one in data.draw(st.permutations(sent + sent[:2])):
        (log.record_predictions if hasattr(one, "score") else log.record_feedback)([one])

    assert labels(log) == plainly(matching, predictions, outcomes)
