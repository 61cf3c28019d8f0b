from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from flows.steps.modelling import package, train
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.onnx_file import Parity, measure_parity, to_onnx_bytes
from flows.steps.modelling.skops_file import read_skops
from flows.steps.modelling.training_set import Rows, read_manifest, read_rows
from handrail.errors import Refused
from handrail.scoring import Answered, Scorer
from handrail.use_case import read_use_case

FLIGHTS = Judge(read_use_case(Path(__file__).parents[3]), 0.4)


def validation(project: Path) -> Rows:
    return read_rows(project, "validate", read_manifest(project), FLIGHTS.case)


def columns_of(frame: pd.DataFrame) -> dict[str, list[object]]:
    return {str(name): frame[name].tolist() for name in frame.columns}


def test_the_tree_is_one_mlflow_model_with_its_onnx_twin(trained: Path) -> None:
    tree = trained / "models" / "package"

    files = {file.relative_to(tree).as_posix() for file in tree.rglob("*") if file.is_file()}

    assert files == {
        *("MLmodel", "model.skops", "requirements.txt", "conda.yaml", "python_env.yaml"),
        *("onnx/model.onnx", "scoring.json"),
    }
    told = yaml.safe_load((tree / "MLmodel").read_text())
    assert told["flavors"]["sklearn"]["serialization_format"] == "skops"
    assert told["utc_time_created"].startswith("1970-01-01")


def test_the_reviewed_model_and_the_served_one_answer_alike_for_all_flights(trained: Path) -> None:
    rows = validation(trained)
    model = read_skops(trained / "models" / "train" / "gradient_boosting" / "model.skops")

    served = Scorer.load(trained / "models" / "package").score(columns_of(rows.inputs))

    assert np.abs(model.predict_proba(rows.inputs)[:, 1] - served).max() <= 1e-5
    assert rows.inputs.isna().any(axis=1).sum() > 100


@pytest.mark.parametrize("flavour", ["sklearn", "pyfunc"])
def test_mlflow_loads_the_tree_and_gives_the_same_probabilities(trained: Path, flavour: str) -> None:
    import mlflow.pyfunc
    import mlflow.sklearn

    tree, rows = trained / "models" / "package", validation(trained)
    load: dict[str, Callable[[], object]] = {
        "sklearn": lambda: mlflow.sklearn.load_model(str(tree)).predict_proba(rows.inputs),
        "pyfunc": lambda: mlflow.pyfunc.load_model(str(tree)).predict(rows.inputs),
    }

    answer = np.asarray(load[flavour]())

    served = Scorer.load(tree).score(columns_of(rows.inputs))
    assert np.abs(answer[:, 1] - served).max() <= 1e-5


def test_the_report_holds_what_a_policy_asks_for(trained: Path) -> None:
    report = json.loads((trained / "reports" / "package.json").read_text())

    assert report["max_difference"] <= 1e-5
    assert report["labels_differ"] == 0
    assert report["rows_with_missing"] > report["rows"] / 2
    assert set(report["files"]) >= {"MLmodel", "onnx/model.onnx", "scoring.json"}


class Served:
    """Answers as the reviewed model does, except for flights with a missing value."""

    def __init__(self, model: Pipeline, features: tuple[str, ...], wrong_by: float) -> None:
        self.model, self.features, self.wrong_by = model, features, wrong_by

    def answer(self, columns: dict[str, Any]) -> Answered:
        flights = pd.DataFrame(columns)
        scores = self.model.predict_proba(flights)[:, 1]
        return answered(np.clip(scores + self.wrong_by * flights.isna().any(axis=1).to_numpy(), 0, 1), 0.4)


def answered(scores: np.ndarray, threshold: float) -> Answered:
    return Answered(scores, (scores >= threshold).astype(np.int64))


def complete_and_parity(trained: Path, wrong_by: float) -> tuple[int, Parity]:
    """Measure parity over flights without any missing value; return how many they are, too."""
    rows, model = validation(trained), read_skops(trained / "models" / "train" / "gradient_boosting" / "model.skops")
    complete = replace(rows, inputs=rows.inputs.dropna().reset_index(drop=True))
    served = Served(model, tuple(rows.inputs.columns), wrong_by)
    return len(complete.inputs), package.parity_of(model, complete, FLIGHTS, served)  # type: ignore[arg-type]


def test_flights_with_blanked_values_are_compared_also_where_none_is_missing(trained: Path) -> None:
    count, parity = complete_and_parity(trained, 0.0)

    assert parity.rows == 2 * count
    # A fifth of seven values: 79 % of the flights lack one.
    assert 0.7 * count < parity.rows_with_missing < 0.9 * count
    parity.require(0.0)


def test_a_served_model_that_fails_on_missing_values_alone_is_refused(trained: Path) -> None:
    _, parity = complete_and_parity(trained, 1e-3)

    assert parity.max_difference == pytest.approx(1e-3)
    with pytest.raises(Refused, match="differs from scikit-learn by up to 0.001"):
        parity.require(1e-5)


def test_the_largest_difference_itself_is_allowed() -> None:
    Parity(10, 0, 1e-5, 0).require(1e-5)
    for refused in (Parity(10, 0, float(np.nextafter(1e-5, 1)), 0), Parity(10, 0, 0.0, 1)):
        with pytest.raises(Refused):
            refused.require(1e-5)


def test_native_categorical_splits_are_caught() -> None:
    source = np.random.default_rng(0)
    inputs = np.column_stack([source.integers(0, 40, 4000), source.normal(size=4000)]).astype(np.float32)
    late = np.isin(inputs[:, 0], source.permutation(40)[:20]).astype(int)
    native = HistGradientBoostingClassifier(max_iter=20, categorical_features=[0]).fit(inputs, late)

    parity = _parity_of(native, inputs)

    with pytest.raises(Refused, match="categories that the model splits on natively"):
        parity.require(1e-5)


def test_ordinal_codes_pass_the_same_gate() -> None:
    source = np.random.default_rng(0)
    inputs = np.column_stack([source.integers(0, 40, 4000), source.normal(size=4000)]).astype(np.float32)
    inputs[source.random(inputs.shape) < 0.1] = np.nan
    late = (source.random(4000) < 0.3).astype(int)
    coded = HistGradientBoostingClassifier(max_iter=20).fit(inputs, late)

    _parity_of(coded, inputs).require(1e-5)


def _parity_of(model: HistGradientBoostingClassifier, inputs: np.ndarray) -> Parity:
    import onnxruntime

    session = onnxruntime.InferenceSession(to_onnx_bytes(model, inputs.shape[1], "flights"))
    served = session.run(["probabilities"], {"features": inputs})[0][:, 1]
    models = (answered(scores, 0.5) for scores in (model.predict_proba(inputs)[:, 1], served))
    return measure_parity("binary", *models, np.isnan(inputs).any(axis=1))


@pytest.mark.parametrize(
    ("served", "passes"),
    [([0.2, 0.6], True), ([0.2 + 2e-5, 0.6], False), ([0.2, 0.5 - 1e-9], False), ([0.2, np.nan], False)],
)
def test_a_difference_or_another_label_refuses(served: list[float], passes: bool) -> None:
    reference = np.array([0.2, served[1] if np.isnan(served[1]) else max(served[1], 0.5)])
    models = (answered(scores, 0.5) for scores in (np.nan_to_num(reference), np.array(served)))
    parity = measure_parity("binary", *models, np.zeros(2, dtype=bool))

    if passes:
        parity.require(1e-5)
    else:
        with pytest.raises(Refused):
            parity.require(1e-5)


def test_a_refused_package_leaves_the_tree_of_before(project: Path) -> None:
    train.run(project)
    package.run(project)
    before = (project / "models" / "package" / "scoring.json").read_text()
    strict = (project / "params.yaml").read_text().replace("1.0e-5", "1.0e-30").replace("0.4", "0.45")
    (project / "params.yaml").write_text(strict)

    with pytest.raises(Refused, match="differs from scikit-learn by up to"):
        package.run(project)

    assert (project / "models" / "package" / "scoring.json").read_text() == before
    assert sorted(file.name for file in (project / "models").iterdir()) == ["package", "train"]
