"""What every server of `bench-serving` answers: one model, one row a request, and what the answer has to be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handrail.scoring import ONNX_FILE, Scorer
from tests.fakes.bento_project import flight
from tests.fakes.permitted_tree import CATEGORIES, write_tree

TREES, LEAVES, TRAINED_ON = 200, 31, 20_000
ASKED = 500
"""So many different rows are asked about in turn."""
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Case:
    """The model's folder, and the names of its features: a category, numbers of the request, then stored ones."""

    folder: Path
    features: tuple[str, ...]

    @property
    def scorer(self) -> Scorer:
        """The model as Handrail loads it."""
        return Scorer.load(self.folder)

    def row(self, number: int) -> dict[str, Any]:
        """Return a row that brings its features, some of them missing."""
        source = np.random.default_rng(number)
        values = source.normal(scale=40, size=len(self.features)).round(3).tolist()
        gaps = source.random(len(self.features)) < 0.05
        numbers = {
            name: None if is_gap else value
            for name, value, is_gap in zip(self.features[1:], values[1:], gaps[1:], strict=True)
        }
        return {"flight_id": flight(number)["flight_id"], "carrier": CATEGORIES["carrier"][number % 2], **numbers}

    def expected(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """Return the scores of rows that bring their features."""
        columns = {name: [row[name] for row in rows] for name in self.features}
        return self.scorer.score(columns).astype(float).tolist()


def make_case(folder: Path, stored: Sequence[str], service: Mapping[str, str], like: Case | None = None) -> Case:
    """Write the model for features that a service stores: ONNX and what Handrail needs, and beside them a pyfunc.

    It is trained, unless it is `like` one that was.
    """
    case = Case(folder, ("carrier", *stored))
    write_tree(folder, service, features=case.features)
    if like is None:
        _train(case)
    else:
        shutil.copy(like.folder / ONNX_FILE, folder / ONNX_FILE)
        shutil.copytree(like.folder.parent / "pyfunc", folder.parent / "pyfunc")
    return case


def _train(case: Case) -> None:
    import mlflow
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    from flows.steps.modelling.onnx_file import to_onnx_bytes

    source, width = np.random.default_rng(2013), len(case.features)
    inputs = source.normal(scale=40, size=(TRAINED_ON, width)).astype(np.float32)
    inputs[source.random(inputs.shape) < 0.05] = np.nan
    inputs[:, 0] = source.integers(0, 2, TRAINED_ON)
    label = np.nan_to_num(inputs[:, 1:6]).sum(axis=1) > 10 * inputs[:, 0]
    model = HistGradientBoostingClassifier(max_iter=TREES, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0)
    # Threads that wait for each other on a busy machine take many times longer than one.
    with threadpool_limits(1):
        model.fit(inputs, label)
    (case.folder / ONNX_FILE).write_bytes(to_onnx_bytes(model, width, "serving"))
    example = pd.DataFrame(inputs[:2].astype(np.float64), columns=list(case.features))
    mlflow.sklearn.save_model(
        model,
        case.folder.parent / "pyfunc",
        signature=mlflow.models.infer_signature(example, model.predict_proba(example.to_numpy())),
        pyfunc_predict_fn="predict_proba",
        serialization_format="cloudpickle",
        # Else MLflow loads the model in a process of its own to find them out.
        pip_requirements=["scikit-learn"],
    )


def with_codes(row: Mapping[str, Any], features: Sequence[str]) -> dict[str, Any]:
    """Return the model's features of a row alone, a category as its code: what a pyfunc over numbers takes."""
    codes = {name: texts.index(row[name]) for name, texts in CATEGORIES.items()}
    return {name: float(codes[name]) if name in codes else row[name] for name in features}


def flights() -> list[dict[str, Any]]:
    """Return what is asked about where features are looked up: other numbers of the flight, and other distances."""
    return [flight(number, distance=100.0 + number) for number in range(1, ASKED + 1)]


def score_of(answer: Any) -> float:
    """Return the score of the only row of an answer, whichever server gave it."""
    found = answer["predictions"] if isinstance(answer, dict) else answer
    while isinstance(found, list):
        found = found[-1]
    return float(found["probability"] if isinstance(found, dict) else found)


def write_requests(file: Path, path: str, bodies: Sequence[Any], headers: Mapping[str, str]) -> Path:
    """Write requests as the load generator reads them."""
    lines = [json.dumps({"path": path, "headers": dict(headers), "body": body}) for body in bodies]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
