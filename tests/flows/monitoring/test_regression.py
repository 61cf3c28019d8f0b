"""A champion that got worse soon after it was deployed is taken back, once, to the one that still may serve."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flows.steps.monitoring.regression import Regression, find_regression, take_back
from handrail.errors import Refused
from tests.fakes.delivery import DeploymentsInMemory

POINTER = "deploy://local/flights"
ONE, TWO, THREE = (f"{POINTER}/v{number}" for number in (1, 2, 3))
START = datetime(2026, 9, 1, tzinfo=UTC)
SOON = timedelta(days=60)


def served(*targets):
    """Return the periods of a pointer that named these one after another, ten days each."""
    return [
        SimpleNamespace(target=each, since=START + timedelta(days=10 * number)) for number, each in enumerate(targets)
    ]


def record(deployment, kind="performance", state="alert"):
    finding = {"kind": kind, "state": state, "month": "2026-09", "figure": "ROC-AUC", "value": 0.6, "limit": 0.7}
    return {"deployment": deployment, "month": "2026-09", "findings": [finding]}


def found(periods, deployment, ends=START + timedelta(days=30), **finding):
    return find_regression(record(deployment, **finding), periods, ends, SOON)


def test_an_alert_about_performance_soon_after_a_promotion_asks_for_the_one_before():
    assert found(served(ONE, TWO), TWO) == Regression(TWO, ONE, "2026-09: ROC-AUC is 0.6, beyond the limit 0.7")


@pytest.mark.parametrize(
    ("periods", "deployment", "more"),
    [
        (served(ONE), ONE, {}),
        (served(ONE, TWO), ONE, {}),
        (served(ONE, TWO), TWO, {"kind": "drift"}),
        (served(ONE, TWO), TWO, {"state": "ok"}),
        (served(ONE, TWO), TWO, {"ends": START + timedelta(days=90)}),
        (served(ONE, TWO, ONE), ONE, {}),
        ([], ONE, {}),
    ],
    ids=["nothing before", "another serves", "drift", "all is well", "long ago", "it serves again", "nothing served"],
)
def test_nothing_else_takes_anything_back(periods, deployment, more):
    assert found(periods, deployment, **more) is None


def test_what_was_taken_back_once_is_not_gone_back_to():
    assert found(served(ONE, TWO, ONE, THREE), THREE).before == ONE


def test_the_pointer_moves_back_and_a_second_call_changes_nothing():
    deployments = DeploymentsInMemory()
    regression = Regression(TWO, ONE, "why")

    sentence = take_back(regression, deployments, POINTER, lambda _: None)
    take_back(regression, deployments, POINTER, lambda _: None)

    assert sentence == f"{TWO} was taken back, {ONE} serves again. why."
    assert [move.target for move in deployments.moves(POINTER)] == [ONE]


def test_without_a_permit_for_the_one_before_the_slot_stays():
    deployments = DeploymentsInMemory()

    def refuse(_):
        raise Refused("Serving", ("The permit was taken back.",))

    with pytest.raises(Refused):
        take_back(Regression(TWO, ONE, "why"), deployments, POINTER, refuse)

    assert deployments.pointed == []
