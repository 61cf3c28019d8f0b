from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from flows.steps.modelling.skops_file import normalised, read_skops, write_skops
from handrail.errors import InvalidInput, Unavailable


def fitted() -> Pipeline:
    source = np.random.default_rng(0)
    inputs = source.normal(size=(50, 3))
    return Pipeline([("model", LogisticRegression())]).fit(inputs, inputs[:, 0] > 0)


def test_two_equal_models_give_the_same_bytes_and_answers(tmp_path: Path) -> None:
    first, second = fitted(), fitted()

    write_skops(first, tmp_path / "one")
    write_skops(second, tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    inputs = np.random.default_rng(1).normal(size=(10, 3))
    assert (read_skops(tmp_path / "one").predict_proba(inputs) == first.predict_proba(inputs)).all()


def test_normalising_twice_changes_nothing() -> None:
    once = normalised(skops.io.dumps(fitted()))

    assert normalised(once) == once


def test_a_type_from_outside_is_not_loaded(tmp_path: Path) -> None:
    write_skops(Pipeline([("step", FunctionTransformer(np.testing.assert_equal))]), tmp_path / "model.skops")

    with pytest.raises(InvalidInput, match="cannot be loaded|can be loaded"):
        read_skops(tmp_path / "model.skops")


def test_a_damaged_or_missing_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"no zip")

    with pytest.raises(InvalidInput, match="dvc repro --force train"):
        read_skops(tmp_path / "model.skops")
    with pytest.raises(Unavailable, match="missing"):
        read_skops(tmp_path / "nothing.skops")
