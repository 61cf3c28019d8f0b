from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.steps.modelling.training_set import md5_of, read_manifest, read_rows
from handrail.errors import InvalidInput, Unavailable
from handrail.use_case import read_use_case

FLIGHTS = read_use_case(Path(__file__).parents[3])


def test_rows_come_in_the_manifest_order_with_missing_values_kept(project: Path) -> None:
    manifest = read_manifest(project)

    rows = read_rows(project, "train", manifest, FLIGHTS)

    assert tuple(rows.inputs.columns) == manifest.features
    assert rows.inputs["wind_gust"].isna().mean() > 0.5
    assert not any(value is None for value in rows.inputs["carrier"])
    assert rows.inputs[list(manifest.numeric)].dtypes.eq(np.float64).all()
    assert set(np.unique(rows.cluster)) == set(range(20))


def test_a_missing_file_names_the_stage_to_run(project: Path) -> None:
    manifest = read_manifest(project)
    (project / "data" / "training" / "train.parquet").unlink()

    with pytest.raises(Unavailable, match="dvc repro features"):
        read_rows(project, "train", manifest, FLIGHTS)


@pytest.mark.parametrize("damage", [b"PAR1 and no more", b""])
def test_a_truncated_file_is_named(project: Path, damage: bytes) -> None:
    (project / "data" / "training" / "train.parquet").write_bytes(damage)

    with pytest.raises(InvalidInput, match=r"data/training/train\.parquet"):
        read_rows(project, "train", read_manifest(project), FLIGHTS)


def test_fewer_rows_than_the_manifest_says_are_refused(project: Path) -> None:
    file = project / "data" / "training" / "train.parquet"
    pl.read_parquet(file).head(100).write_parquet(file)

    with pytest.raises(InvalidInput, match="100 rows"):
        read_rows(project, "train", read_manifest(project), FLIGHTS)


def test_a_month_in_which_nobody_was_late_is_refused(project: Path) -> None:
    file = project / "data" / "training" / "validate.parquet"
    pl.read_parquet(file).with_columns(late=pl.lit(0, pl.Int8)).write_parquet(file)

    with pytest.raises(InvalidInput, match="0 of them late"):
        read_rows(project, "validate", read_manifest(project), FLIGHTS)


def test_a_feature_without_any_value_is_named(project: Path) -> None:
    file = project / "data" / "training" / "train.parquet"
    pl.read_parquet(file).with_columns(temp=pl.lit(None, pl.Float64)).write_parquet(file)

    with pytest.raises(InvalidInput, match="feature 'temp' has no value in any row"):
        read_rows(project, "train", read_manifest(project), FLIGHTS)


def test_a_column_that_went_missing_is_named(project: Path) -> None:
    file = project / "data" / "training" / "train.parquet"
    pl.read_parquet(file).drop("temp").write_parquet(file)

    with pytest.raises(InvalidInput, match="temp"):
        read_rows(project, "train", read_manifest(project), FLIGHTS)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"features": ["a"]})])
def test_a_damaged_manifest_is_named(project: Path, content: str) -> None:
    (project / "data" / "training" / "manifest.json").write_text(content)

    with pytest.raises(InvalidInput, match="training manifest"):
        read_manifest(project)


def test_the_digest_of_a_file_is_the_one_that_dvc_writes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"flights")

    assert md5_of(tmp_path / "file") == hashlib.md5(b"flights", usedforsecurity=False).hexdigest()
