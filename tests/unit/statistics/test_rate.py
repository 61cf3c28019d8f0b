"""Whether something happens more often than it may, at every look."""

import math

import numpy as np
import pytest

from handrail.errors import InvalidInput
from handrail.statistics import rate_evidence

SURELY = math.log(1 / 0.05)


def test_nothing_is_surely_above_a_share_that_it_keeps():
    assert rate_evidence(0, 0, 0.01) == pytest.approx(0)
    assert rate_evidence(0, 10_000, 0.01) < 0
    assert rate_evidence(100, 10_000, 0.01) < 0
    assert rate_evidence(110, 10_000, 0.01) < SURELY


@pytest.mark.parametrize(("events", "trials"), [(10, 100), (5, 5), (60, 2_000), (200, 10_000)])
def test_what_happens_far_too_often_is_sure(events, trials):
    assert rate_evidence(events, trials, 0.01) > SURELY


def test_it_grows_with_events_and_falls_with_trials_and_with_the_limit():
    found = [rate_evidence(events, 500, 0.02) for events in range(10, 60)]
    assert found == sorted(found)
    assert rate_evidence(20, 400, 0.02) > rate_evidence(20, 600, 0.02)
    assert rate_evidence(20, 400, 0.02) > rate_evidence(20, 400, 0.03)


def test_where_nothing_is_allowed_one_event_is_enough():
    assert rate_evidence(1, 10**6, 0) == math.inf
    assert rate_evidence(0, 10**6, 0) == 0


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3])
def test_its_mean_under_the_limit_is_one_so_that_it_is_evidence(limit):
    """By the binomial distribution itself, of 60 trials: no simulation."""
    trials = 60
    chances = [math.comb(trials, k) * limit**k * (1 - limit) ** (trials - k) for k in range(trials + 1)]
    mean = sum(chance * math.exp(rate_evidence(k, trials, limit)) for k, chance in enumerate(chances))
    assert mean == pytest.approx(1, rel=1e-6)


def test_looking_all_the_time_it_is_wrong_no_more_often_than_it_may():
    generator = np.random.default_rng(7)
    came = (generator.random((400, 1_500)) < 0.02).cumsum(axis=1)
    looks = range(10, 1_500, 10)
    wrong = sum(any(rate_evidence(int(row[n]), n + 1, 0.02) >= SURELY for n in looks) for row in came)
    # 5 % of 400 are 20; three standard deviations are 13.
    assert wrong <= 33


@pytest.mark.parametrize(("given", "named"), [((3, 2, 0.1), "events"), ((-1, 2, 0.1), "events"), ((1, 2, 1), "limit")])
def test_what_is_no_count_or_share_is_refused(given, named):
    with pytest.raises(InvalidInput, match=named):
        rate_evidence(*given)
