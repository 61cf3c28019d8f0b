"""Run as a separate file, in the environment of a reproduction: scores the same rows by two MLflow model folders.

`python -P pyfunc_scores.py <request.json> <answer.json>`; it imports nothing of Handrail, which may be another version
there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MOST_ROWS = 100_000
DRAWN_ROWS, SEED = 1_000, 0
NUMBERS = {"double": "float64", "float": "float32"}
WHOLE = {"long": "int64", "integer": "int32"}


def main(request: Path, answer: Path) -> None:
    """Compare the two trees that `request` names, and write the result."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    recorded, reproduced = Path(asked["recorded"]), Path(asked["reproduced"])
    found: dict[str, Any] = {"rows": 0, "source": "", "max_difference": 0.0, "labels_differ": 0, "detail": ""}
    rows, source = find_rows(recorded, asked["rows"], asked["candidates"])
    if rows is not None:
        import mlflow.pyfunc

        answers = [mlflow.pyfunc.load_model(str(tree)).predict(rows) for tree in (recorded, reproduced)]
        largest, labels = apart(*answers)
        found |= {"rows": len(rows), "source": source, "max_difference": largest, "labels_differ": labels}
    files = sorted(recorded.rglob("*.onnx"))
    differences = [compare_onnx(file, reproduced / file.relative_to(recorded)) for file in files]
    for name, largest in (each for each in differences if each is not None):
        found["max_difference"] = max(found["max_difference"], largest)
        found["detail"] += f"{name} differs by {largest:.3g} over {DRAWN_ROWS:,} drawn inputs. "
    answer.write_text(json.dumps(found), encoding="utf-8")


def find_rows(tree: Path, given: str, candidates: list[str]) -> tuple[Any, str]:
    """Return rows that the model takes, and where they are from.

    They are the given ones, else the shortest table that fits, else the model's example.
    """
    from mlflow.models import Model

    model: Any = Model.load(str(tree))
    schema = model.get_input_schema()
    is_named = schema is not None and schema.has_input_names()
    names = schema.input_names() if is_named else fitted_names(tree)
    for file in [given] if given else fitting(names, candidates):
        return read_rows(file, schema if is_named else None, names), file
    if model.saved_input_example_info:
        return model.load_input_example(str(tree)), "the model's input example"
    return None, ""


def fitted_names(tree: Path) -> list[str]:
    """Return the columns that a model without a signature was fitted with; none if it does not say."""
    import mlflow.pyfunc

    try:
        model: Any = mlflow.pyfunc.load_model(str(tree)).get_raw_model()
    except NotImplementedError:
        return []
    return [str(name) for name in getattr(model, "feature_names_in_", ())]


def fitting(names: list[str], candidates: list[str]) -> list[str]:
    """Return the tables that hold every column, the shortest first."""
    if not names:
        return []
    sizes = {file: rows_of(file) for file in candidates if set(names) <= columns_of(file)}
    return sorted((file for file in sizes if sizes[file]), key=lambda file: (sizes[file], file))


def columns_of(file: str) -> set[str]:
    """Return the names of a table's columns; none if it cannot be read."""
    try:
        if file.endswith(".csv"):
            return set(pd.read_csv(file, nrows=0).columns)
        import pyarrow.parquet as pq

        return set(pq.read_schema(file).names)
    except (OSError, ValueError):
        return set()


def rows_of(file: str) -> int:
    """Return how many rows a table has; a text with broken rows has none."""
    if not file.endswith(".csv"):
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(file).metadata.num_rows)
    try:
        return len(pd.read_csv(file, usecols=[0]))
    except ValueError:
        return 0


def read_rows(file: str, schema: Any, names: list[str]) -> Any:
    """Read the columns that the model takes as the types that it takes; at most the first 100,000 rows."""
    if file.endswith(".csv"):
        frame = pd.read_csv(file, usecols=names or None, nrows=MOST_ROWS)
        frame = frame[names] if names else frame
    else:
        frame = pd.read_parquet(file, columns=names or None).head(MOST_ROWS)
    kinds = schema.input_dict() if schema is not None and names else {}
    for name, spec in kinds.items():
        kind = getattr(getattr(spec, "type", None), "name", "")
        if kind in NUMBERS:
            frame[name] = frame[name].astype(NUMBERS[kind])
        elif kind in WHOLE and not frame[name].isna().any():
            frame[name] = frame[name].astype(WHOLE[kind])
        elif kind == "string":
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def apart(one: Any, other: Any) -> tuple[float, int]:
    """Return the greatest difference between two answers, and how many rows got another label."""
    left, right = np.asarray(one), np.asarray(other)
    if left.shape != right.shape:
        return float("inf"), max(len(left), len(right))
    if not (np.issubdtype(left.dtype, np.number) and np.issubdtype(right.dtype, np.number)):
        uneven = int(np.sum(left.astype(str) != right.astype(str)))
        return 0.0, uneven
    largest = float(np.max(distances(left.astype(float), right.astype(float)), initial=0.0))
    if left.ndim == 2 and left.shape[1] > 1:
        return largest, int(np.sum(left.argmax(axis=1) != right.argmax(axis=1)))
    whole = np.issubdtype(left.dtype, np.integer) and np.issubdtype(right.dtype, np.integer)
    return largest, int(np.sum(left != right)) if whole else 0


def distances(left: Any, right: Any) -> Any:
    """Return how far numbers are apart; NaN is like itself, and infinitely far from every other number."""
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.nan_to_num(np.abs(left - right), nan=np.inf, posinf=np.inf))


def compare_onnx(one: Path, other: Path) -> tuple[str, float] | None:
    """Feed drawn inputs to two ONNX files; None if their bytes are equal or their inputs are not numbers."""
    if not other.is_file():
        return one.name, float("inf")
    if one.read_bytes() == other.read_bytes():
        return None
    import onnxruntime

    sessions = [onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]) for file in (one, other)]
    inputs = [[(put.name, put.type, put.shape) for put in session.get_inputs()] for session in sessions]
    if any(kind not in ("tensor(float)", "tensor(double)") for _, kind, _ in inputs[0]):
        return None
    if inputs[0] != inputs[1]:
        return one.name, float("inf")
    draw = np.random.default_rng(SEED)
    fed = {name: drawn(draw, kind, shape) for name, kind, shape in inputs[0]}
    answers = [session.run(None, fed) for session in sessions]
    return one.name, max(apart(left, right)[0] for left, right in zip(*answers, strict=True))


def drawn(draw: np.random.Generator, kind: str, shape: list[Any]) -> Any:
    """Return random numbers of an input's shape; what it leaves open is the number of rows."""
    sizes = [size if isinstance(size, int) and size > 0 else DRAWN_ROWS for size in shape]
    return draw.normal(size=sizes).astype(np.float32 if kind == "tensor(float)" else np.float64)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
