"""What money feedback says that predictions brought: over fakes, SQLite and PostgreSQL, in any order of arrival."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.feedback.domain.amounts import sum_amounts
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.service import FeedbackLog
from handrail.lineage import Impact
from tests.fakes.feedback import DEPLOYMENT, GROUND_TRUTH, MemoryWriter, a_prediction, an_outcome, memory_stores
from tests.fakes.feedback_store import DATABASES, stores_of

OTHER = "deploy://local/flights/2"
REVENUE = Kind("revenue", timedelta(days=30), unit="USD")
REFUND = Kind("refund", timedelta(days=30), unit="USD")
TIPS = Kind("tips", timedelta(days=30), unit="EUR")
KINDS = {kind.name: kind for kind in (GROUND_TRUTH, REVENUE, REFUND, TIPS)}


@pytest.fixture(params=["memory", *DATABASES])
def log(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield FeedbackLog(stores, MemoryWriter(), KINDS)


def brought(number, value, kind="revenue", **changes):
    return an_outcome(a_prediction(number), value, kind=kind, **changes)


def test_amounts_are_summed_exactly_by_deployment_and_currency(log):
    log.record_predictions([a_prediction(0), a_prediction(1), a_prediction(2, deployment=OTHER)])
    log.record_feedback([brought(0, 0.1), brought(1, 0.2), brought(2, 19.99), brought(2, -4.99, "refund")])
    log.record_feedback([brought(1, 7, "tips"), brought(1, 1.0, "ground_truth")])

    assert log.amounts([DEPLOYMENT, OTHER]) == {
        DEPLOYMENT: {"USD": Decimal("0.3"), "EUR": Decimal("7")},
        OTHER: {"USD": Decimal("15.00")},
    }
    assert log.amounts([OTHER]) == {OTHER: {"USD": Decimal("15")}}
    assert log.amounts(["deploy://local/flights/none"]) == {}
    assert log.amounts([]) == {}


def test_corrections_stand_retractions_take_back_and_repeats_change_nothing(log):
    log.record_predictions([a_prediction(0), a_prediction(1)])
    said = [
        brought(0, 100.0, event_id="first"),
        brought(0, 80.0, revision=1, event_id="corrected"),
        brought(1, 50.0, event_id="sold"),
        brought(1, None, revision=1, event_id="returned"),
    ]

    for events in (said[::-1], said, said[1:3]):
        log.record_feedback(events)
    log.record_feedback([brought(0, 1000.0, event_id="first")])

    assert log.amounts([DEPLOYMENT]) == {DEPLOYMENT: {"USD": Decimal("80")}}


def test_money_of_a_prediction_that_has_not_come_counts_once_it_comes(log):
    log.record_feedback([brought(0, 5.0)])
    assert log.amounts([DEPLOYMENT]) == {}

    log.record_predictions([a_prediction(0)])

    assert log.amounts([DEPLOYMENT]) == {DEPLOYMENT: {"USD": Decimal("5")}}


def test_more_deployments_than_a_statement_takes_are_asked_for_in_parts(log):
    names = [f"deploy://local/flights/{number}" for number in range(1200)]
    log.record_predictions([a_prediction(n, deployment=names[n]) for n in (0, 700, 1199)])
    log.record_feedback([brought(n, 2.5) for n in (0, 700, 1199)])

    assert {uri: amounts["USD"] for uri, amounts in log.amounts(names).items()} == dict.fromkeys(
        (names[0], names[700], names[1199]), Decimal("2.5")
    )
    assert sum(log.count_predictions(names).values()) == 3


def test_a_kind_without_a_unit_is_no_money():
    log = FeedbackLog(memory_stores(), MemoryWriter(), {"ground_truth": GROUND_TRUTH})
    log.record_predictions([a_prediction(0)])
    log.record_feedback([an_outcome(a_prediction(0))])

    assert log.amounts([DEPLOYMENT]) == {}


@given(cents=st.lists(st.integers(-(10**9), 10**9), max_size=30), data=st.data())
def test_sums_are_those_of_whole_cents_in_any_order(cents, data):
    told = [(DEPLOYMENT, (f"p{number}", 0, 0, "e", amount / 100, "")) for number, amount in enumerate(cents)]

    total = sum_amounts(data.draw(st.permutations(told))).get(DEPLOYMENT, Decimal(0))

    assert total * 100 == sum(cents)


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
FAR_APART = st.sampled_from([1e300, 1e-300, 1.0, -1e300, -1e-300, -1.0, 5e-324, -5e-324, 1.7976931348623157e308])


def exact(values):
    """Return the sum of what the shortest decimals of these numbers are, as a fraction."""
    return sum((Fraction(repr(value)) for value in values), Fraction(0))


@given(st.lists(DOUBLES | FAR_APART, max_size=12))
def test_no_number_is_rounded_in_a_sum_of_a_deployment(values):
    events = [(DEPLOYMENT, (f"p{n}", 0, 0, "e", value, "")) for n, value in enumerate(values)]

    assert Fraction(sum_amounts(events).get(DEPLOYMENT, Decimal(0))) == exact(values)


@given(st.lists(DOUBLES | FAR_APART, min_size=3, max_size=3))
def test_no_number_is_rounded_in_a_sum_over_kinds_and_deployments(values):
    log = FeedbackLog(memory_stores(), MemoryWriter(), KINDS)
    log.record_predictions([a_prediction(0), a_prediction(1, deployment=OTHER)])
    kinds = ((0, "revenue"), (0, "refund"), (1, "revenue"))
    log.record_feedback([brought(about, value, kind) for (about, kind), value in zip(kinds, values, strict=True)])

    money = log.amounts([DEPLOYMENT, OTHER])
    impact = Impact("x", "x", {}, {}, {}, money)

    assert Fraction(money[DEPLOYMENT]["USD"]) == exact(values[:2])
    assert Fraction(impact.total_money["USD"]) == exact(values)


def test_numbers_far_apart_that_cancel_leave_nothing():
    values = [1e300, 1e-300, 1.0, -1e300, -1e-300, -1.0]
    events = [(DEPLOYMENT, (f"p{n}", 0, 0, "e", value, "")) for n, value in enumerate(values)]

    assert sum_amounts(events) == {DEPLOYMENT: 0}
