"""Shares of decisions, beside plain counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.statistics import Scored, called_share, found_share, right_share
from tests.fakes.effort import tried

rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30)


def _scored(of):
    label, predicted, cluster = (np.array(column) for column in zip(*of, strict=True))
    return Scored(np.zeros(len(label)), label, np.unique(cluster, return_inverse=True)[1], predicted)


@given(of=rows, code=st.integers(0, 2), seed=st.integers(0, 99))
@tried(200)
def test_they_are_what_counting_drawn_rows_one_by_one_gives(of, code, seed):
    scored = _scored(of)
    weights = np.random.default_rng(seed).integers(0, 3, (4, scored.clusters)).astype(float)

    found, right = found_share(scored, weights, code), right_share(scored, weights, code)
    called = called_share(scored, weights, code)

    for place, drawn in enumerate(weights):
        again = [
            (label, predicted)
            for (label, predicted, _), cluster in zip(of, scored.cluster, strict=True)
            for _ in range(int(drawn[cluster]))
        ]
        both = sum(label == predicted == code for label, predicted in again)
        for share, whole, part in (
            (found, sum(label == code for label, _ in again), both),
            (right, sum(predicted == code for _, predicted in again), both),
            (called, len(again), sum(predicted == code for _, predicted in again)),
        ):
            expected = part / whole if whole else np.nan
            assert share[place] == pytest.approx(expected, nan_ok=True)


def test_without_decisions_they_say_what_they_need():
    scored = Scored(np.zeros(2), np.array([0, 1]), np.array([0, 1]))

    with pytest.raises(ValueError, match="need the decided label"):
        found_share(scored, np.ones((1, 2)))
