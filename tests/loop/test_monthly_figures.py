"""Each monthly figure equals the one that a batch computation makes of the raw tables, without Handrail."""

import sys

import pytest

from tests.loop.independent_months import MONTHS, independent, is_equal, lines, of_handrail, untrue_labels


@pytest.fixture(scope="module")
def home(loop):
    return loop.checkout / ".handrail"


def test_monthly_figures_equal_an_independent_batch_computation(home):
    ours, theirs = of_handrail(home), independent(home)

    sys.stdout.write("\n".join(lines(home)[0]))
    assert {key for key, value in theirs.items() if not is_equal(key[1], ours[key], value)} == set()
    assert ours.keys() == theirs.keys()
    for month in MONTHS:
        assert theirs[month, "labelled"] > 20_000
        assert theirs[month, "rating_count"] > 3_000
        assert theirs[month, "rebooking_cost_sum"] > 10_000


def test_the_last_word_about_every_prediction_is_the_published_truth(home):
    assert untrue_labels(home).empty


@pytest.mark.parametrize("name", ["predictions", "rating_count", "rebooking_cost_sum", "roc_auc"])
def test_a_figure_that_is_a_little_off_is_found(name):
    assert not is_equal(name, 100.0, 100.0 + 1e-9)
    assert is_equal(name, 100.0, 100.0)
