from __future__ import annotations

from pathlib import Path

import pytest

from flows.steps.modelling.model_params import read_model_params
from handrail.errors import Misconfigured
from tests.fakes.training_project import PARAMS

REPOSITORY = Path(__file__).parents[3]


def test_the_shipped_parameters_are_understood() -> None:
    params = read_model_params(REPOSITORY, "binary")

    assert params.package.largest_difference == 1e-5
    assert "seed" not in params.model.for_estimator()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("max_iter: 20", "max_itr: 20", "'model.max_itr' is unknown.*Did you mean 'max_iter'"),
        ("max_iter: 20", "max_iter: 2.5", "'model.max_iter' is 2.5, expected a whole number"),
        ("max_iter: 20", "max_iter: yes", "'model.max_iter' is True"),
        ("threshold: 0.4", "threshold: 0", "'package.threshold' is 0, expected a number above 0"),
        ("1.0e-5", "1e-5", "'package.largest_difference' is '1e-5', expected a number .*write 1.0e-5"),
        ("intervals: {draws: 50, seed: 0}", "", "'intervals' is missing"),
    ],
)
def test_a_wrong_parameter_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PARAMS
    (tmp_path / "params.yaml").write_text(PARAMS.replace(old, new))

    with pytest.raises(Misconfigured, match=sentence):
        read_model_params(tmp_path, "binary")
