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
    """Labelled flights: `inputs` (n, f) by feature name, `label` (n,) int8, `cluster` (n,) codes 0..clusters-1.

    `subjects` (n rows) holds the identity columns flight_id, carrier and origin.
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


def read_rows(project: Path, split: Split, manifest: Manifest) -> Rows:
    """Read one split as float64 numbers and text categories; a missing value is NaN.

    Raises:
        Unavailable: the features stage has not run.
        InvalidInput: a column is missing or empty, rows are fewer than the manifest says, or one outcome never
            happens.
    """
    name = str(FOLDER / f"{split}.parquet")
    needed = ["flight_id", "day", "carrier", "origin", *manifest.features, "late"]
    try:
        frame = pl.read_parquet(project / name)
        frame = frame.select(list(dict.fromkeys(needed)))
    except FileNotFoundError as err:
        raise MissingFile(name, "Run: dvc repro features.") from err
    except pl.exceptions.PolarsError as err:
        problem = str(err).splitlines()[0]
        raise InvalidInput(name, f"it cannot be read ({problem})", "Run: dvc repro --force features.") from err
    late = frame["late"].to_numpy().astype(np.int8)
    if frame.height != manifest.rows.get(split) or len(np.unique(late)) != 2:
        problem = f"{frame.height} rows, {int(late.sum())} of them late, where the manifest says {manifest.rows}"
        raise InvalidInput(name, problem, "Run: dvc repro --force features, or choose a longer window.")
    numbers = [pl.col(column).cast(pl.Float64) for column in manifest.numeric]
    _require_values(name, frame, manifest)
    inputs = frame.with_columns(numbers).select(manifest.features).to_pandas()
    texts = list(manifest.categorical)
    # scikit-learn takes None for one more category and only NaN for a missing one.
    inputs[texts] = inputs[texts].where(inputs[texts].notna(), np.nan)
    return Rows(
        inputs=inputs,
        label=late,
        cluster=np.unique(frame["day"].to_numpy(), return_inverse=True)[1],
        subjects=frame.select("flight_id", "carrier", "origin"),
    )


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
