from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from handrail.statistics import stability_index


@pytest.mark.parametrize("bins", [2, 4, 10])
@pytest.mark.parametrize("size", [1, 2, 700])
def test_the_index_is_that_of_shares_counted_by_hand(bins: int, size: int) -> None:
    """Bin k holds what is at least its lower quantile and below the next one; the outer two are open."""
    random = np.random.default_rng(1)
    reference, current = random.normal(size=1000), random.normal(0.4, 1.2, size=size)
    edges = [-np.inf, *(np.quantile(reference, k / bins) for k in range(1, bins)), np.inf]
    before, after = (
        np.array([np.mean((low <= values) & (values < high)) for low, high in pairwise(edges)]) + 1e-4
        for values in (reference, current)
    )

    expected = float(np.sum((after - before) * np.log(after / before)))
    assert stability_index(reference, current, bins) == pytest.approx(expected)
    assert stability_index(np.r_[reference, np.nan], np.r_[np.nan, current], bins) == pytest.approx(expected)


def test_no_values_are_far_from_any_reference() -> None:
    assert 1 < stability_index(np.linspace(0, 1, 100), np.array([]), 10) < 20
