"""The rows that models learn from and are judged on, as the features stage left them. Nothing is computed here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from handrail.errors import InvalidInput, MissingFile
from handrail.use_case import FILE, Label, UseCase

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path("data") / "training"
Split = Literal["train", "validate"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the features stage says of its rows; `features` are ordered, `categorical` is a part of them."""

    features: tuple[str, ...]
    categorical: tuple[str, ...]
    feature_service: dict[str, str]
    rows: dict[str, int]

    @property
    def numeric(self) -> tuple[str, ...]:
        """The features that are numbers, in order."""
        return tuple(name for name in self.features if name not in self.categorical)


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled subjects: `inputs` (n, f) by feature name, `label` (n,), `cluster` (n,) codes 0..clusters-1.

    `label` is int8 0 or 1, int64 codes of classes, or float64 numbers. `subjects` (n rows) holds every column that the
    features stage wrote.
    """

    inputs: pd.DataFrame
    label: np.ndarray
    cluster: np.ndarray
    subjects: pl.DataFrame


def read_manifest(project: Path) -> Manifest:
    """Read data/training/manifest.json.

    Raises:
        Unavailable: the features stage has not run.
        InvalidInput: the file is not what that stage writes.
    """
    file = project / FOLDER / "manifest.json"
    try:
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Manifest(
            features=tuple(values["features"]),
            categorical=tuple(values["categorical"]),
            feature_service={key: str(value) for key, value in values["feature_service"].items()},
            rows={key: int(value) for key, value in values["rows"].items()},
        )
    except FileNotFoundError as err:
        raise MissingFile(str(FOLDER / file.name), "Run: dvc repro features.") from err
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise InvalidInput(
            str(FOLDER / file.name), f"it is not a training manifest ({err!r})", "Run: dvc repro --force features."
        ) from err


def read_rows(project: Path, split: Split, manifest: Manifest, case: UseCase) -> Rows:
    """Read one split as float64 numbers and text categories; a missing value is NaN.

    Raises:
        Unavailable: the features stage has not run.
        InvalidInput: a column is missing or empty, rows are fewer than the manifest says, a label does not fit its
            kind, or all are equal.
    """
    name = str(FOLDER / f"{split}.parquet")
    try:
        frame = pl.read_parquet(project / name)
    except FileNotFoundError as err:
        raise MissingFile(name, "Run: dvc repro features.") from err
    except pl.exceptions.PolarsError as err:
        problem = str(err).splitlines()[0]
        raise InvalidInput(name, f"it cannot be read ({problem})", "Run: dvc repro --force features.") from err
    needed = (case.subject.column, case.cluster, *manifest.features, case.label.column)
    if missing := [column for column in needed if column not in frame.columns]:
        raise InvalidInput(name, f"column {missing[0]!r} is missing", "Run: dvc repro --force features.")
    if frame.height != manifest.rows.get(split):
        problem = f"{frame.height} rows where the manifest says {manifest.rows}"
        raise InvalidInput(name, problem, "Run: dvc repro --force features.")
    label = read_labels(name, frame[case.label.column], case.label)
    _require_variety(name, label, case, split)
    numbers = [pl.col(column).cast(pl.Float64) for column in manifest.numeric]
    _require_values(name, frame, manifest)
    inputs = frame.with_columns(numbers).select(manifest.features).to_pandas()
    texts = list(manifest.categorical)
    # scikit-learn takes None for one more category and only NaN for a missing one.
    inputs[texts] = inputs[texts].where(inputs[texts].notna(), np.nan)
    return Rows(
        inputs=inputs,
        label=label,
        cluster=cluster_codes(frame[case.cluster]),
        subjects=frame,
    )


def read_labels(name: str, column: pl.Series, label: Label) -> np.ndarray:
    """Return the labels (n,) as their kind is computed with; `name` is the file that messages name.

    Raises:
        InvalidInput: one is missing or does not fit its kind.
    """
    if missing := column.null_count():
        raise InvalidInput(name, f"{missing} rows have no {label.column!r}", "Run: dvc repro --force features.")
    if label.classes is not None and column.dtype == pl.String:
        codes = {text: code for code, text in enumerate(label.classes)}
        column = column.replace_strict(codes, default=None, return_dtype=pl.Int64)
    values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    if not (fits := _fitting(values, label)).all():
        # The text of a class is lost in the codes, and what it was is the better message.
        place = int(np.flatnonzero(~fits)[0])
        problem = f"row {place + 1} has a {label.column!r} that is not {_expected(label)}"
        raise InvalidInput(name, problem, f"Correct flows/steps/data, or label in {FILE.as_posix()}.")
    whole = {"binary": np.int8, "multiclass": np.int64}
    return values.astype(whole[label.kind]) if label.kind in whole else values


def _fitting(values: np.ndarray, label: Label) -> np.ndarray:
    """Say of each value whether a label of this kind can be it."""
    if label.kind == "binary":
        return np.isin(values, (0.0, 1.0))
    if label.kind == "multiclass":
        return np.isin(values, np.arange(len(label.classes or ())))
    finite: np.ndarray = np.isfinite(values)
    return finite & (values >= 0) & (np.floor(values) == values) if label.kind == "count" else finite


def _expected(label: Label) -> str:
    kinds = {"binary": "0 or 1", "regression": "a finite number", "count": "a whole number from 0 on"}
    return kinds.get(label.kind, f"one of {', '.join(label.classes or ())}")


def cluster_codes(column: pl.Series) -> np.ndarray:
    """Return codes 0..clusters-1 (n,) of what is drawn together; rows without a value are one cluster."""
    codes: np.ndarray = column.cast(pl.String).fill_null("").rank("dense").cast(pl.Int64).to_numpy() - 1
    return codes


def _require_variety(name: str, label: np.ndarray, case: UseCase, split: Split) -> None:
    """Refuse labels that teach or judge nothing: all equal, or without a class that a model has to learn."""
    remedy = "Choose a longer window in params.yaml."
    found = np.unique(label)
    if len(found) < 2 and case.label.kind == "binary":
        raise InvalidInput(name, f"{len(label)} rows, {int(label.sum())} of them {case.label.positive}", remedy)
    if len(found) < 2:
        raise InvalidInput(name, f"{len(label)} rows with the same {case.label.column!r}", remedy)
    classes = case.label.classes or ()
    if split == "train" and (never := [text for code, text in enumerate(classes) if code not in found]):
        problem = f"class {never[0]!r} never happens, so no model can learn it"
        raise InvalidInput(name, problem, f"{remedy[:-1]}, or leave it out of label.classes in {FILE.as_posix()}.")


def _require_values(name: str, frame: pl.DataFrame, manifest: Manifest) -> None:
    """Refuse a feature without a single value: trees cannot be grown over it."""
    counts = frame.select(pl.col(column).is_not_null().sum() for column in manifest.features).row(0, named=True)
    if empty := [column for column, count in counts.items() if not count]:
        remedy = "Choose a longer window, or leave the feature out of the feature service."
        raise InvalidInput(name, f"feature {empty[0]!r} has no value in any row", remedy)


def md5_of(file: Path) -> str:
    """Return the md5 that DVC knows a single file by."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
