from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from flows.steps.modelling.onnx_file import Parity, measure_parity, to_onnx_bytes
from handrail.errors import Refused
from handrail.scoring import Answered

INCOMPLETE = np.array([True, False, True, False])


def called(*scores: float) -> Answered:
    """Return probabilities with what they are called from one half on."""
    return Answered(np.array(scores), (np.array(scores) >= 0.5).astype(np.int64))


def test_parity_is_the_largest_difference_and_the_rows_that_are_called_differently() -> None:
    found = measure_parity("binary", called(0.1, 0.5, 0.4, 0.9), called(0.1, 0.49, 0.5, 0.6), INCOMPLETE)

    assert found == Parity(4, 2, pytest.approx(0.3), 2)


def test_numbers_differ_by_a_share_of_the_largest_of_them() -> None:
    label = np.zeros(4, dtype=np.int64)
    reference, onnx = (Answered(np.array(values), label) for values in ([-200.0, 1, 2, 3], [-199.0, 1, 2, 4]))
    nothing = Answered(np.zeros(4), label)

    assert measure_parity("regression", reference, onnx, INCOMPLETE).max_difference == pytest.approx(0.005)
    assert measure_parity("regression", nothing, Answered(np.full(4, 0.25), label), INCOMPLETE).max_difference == 0.25


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_answer_is_as_far_off_as_can_be_and_counted(wrong: float) -> None:
    found = measure_parity("binary", called(0.1, 0.1, 0.1, 0.1), called(0.1, wrong, 0.4, wrong), INCOMPLETE)

    assert found == Parity(4, 2, 1.0, 2)


def test_a_refusal_says_how_much_is_found_and_what_is_allowed() -> None:
    with pytest.raises(Refused, match=r"Over 9 rows .* up to 0\.0123 \(allowed: 1e-05\) and calls 3 of them"):
        Parity(9, 0, 0.012345, 3).require(1e-5)


@pytest.mark.parametrize(
    ("parity", "passes"),
    [
        (Parity(10, 0, 1e-5, 0), True),
        (Parity(10, 0, float(np.nextafter(1e-5, 1)), 0), False),
        (Parity(10, 0, 0.0, 1), False),
    ],
)
def test_the_largest_difference_itself_is_allowed_and_no_other_call(parity: Parity, passes: bool) -> None:
    if passes:
        parity.require(1e-5)
    else:
        with pytest.raises(Refused):
            parity.require(1e-5)


def test_a_value_on_a_threshold_takes_the_branch_that_scikit_learn_takes() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Values with one decimal, every second of them in training: the others lie on thresholds.
    values = (np.arange(0, 4000) / 10).astype(np.float32)
    trained, between = values[::2][:, None], values[:, None]
    kinds = np.arange(len(trained)) % 3
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1, max_bins=255).fit(trained[:250], kinds[:250])

    session = onnxruntime.InferenceSession(to_onnx_bytes(model, 1, "decimals"))
    probabilities = session.run(None, {"features": between})[1]

    assert np.abs(probabilities - model.predict_proba(between)).max() < 1e-6
