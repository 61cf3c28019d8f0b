"""Where the tables come from is chosen in config/tables.yaml; the stage makes the same of the same rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from flows.steps.data import acquire
from flows.steps.data.raw_files import read_manifest
from flows.steps.data.source_tables import COLUMNS
from flows.steps.data.sources.acquired import ORDER, AcquiredFiles
from flows.steps.data.sources.choice import FILE, open_source
from flows.steps.data.sources.package import PackageFiles
from handrail.errors import InvalidInput, Misconfigured, Unavailable


def _write(published: dict[str, pl.DataFrame], folder: Path) -> None:
    folder.mkdir(parents=True)
    for table, frame in published.items():
        # Acquired rows are in the order of keys, as texts.
        rows = (
            frame.with_row_index(ORDER).with_columns(pl.col(ORDER).cast(pl.Int64)).sort(pl.col(ORDER).cast(pl.String))
        )
        rows.write_parquet(folder / f"{table}.parquet")


def _choose(project: Path, reads: str) -> None:
    (project / FILE).write_text(f"reads: {reads}\n", encoding="utf-8")


def test_acquired_tables_give_the_same_files_as_the_package(project: Path, published: dict[str, pl.DataFrame]) -> None:
    before = read_manifest(project / "data" / "raw")
    _write(published, project / "data" / "acquired")
    _choose(project, "data/acquired")

    acquire.run(project)

    assert read_manifest(project / "data" / "raw") == before
    assert isinstance(open_source(project), AcquiredFiles)
    assert open_source(project).identity().keys() == COLUMNS.keys()


def test_without_a_choice_it_is_the_package(project: Path) -> None:
    (project / FILE).unlink()

    assert isinstance(open_source(project), PackageFiles)


@pytest.mark.parametrize("reads", ["data/elsewhere", "..", "/tmp", "flows/steps/data/sources/acquired.py"])
def test_a_choice_that_is_no_source_is_one_sentence(project: Path, reads: str) -> None:
    _choose(project, reads)

    with pytest.raises(Misconfigured, match="no folder of the project"):
        open_source(project)


def test_a_misspelt_key_is_one_sentence(project: Path) -> None:
    (project / FILE).write_text("read: data/acquired\n", encoding="utf-8")

    with pytest.raises(Misconfigured, match="read"):
        open_source(project)


def test_a_file_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    source = AcquiredFiles(tmp_path)
    with pytest.raises(Unavailable, match=r"airlines.parquet.*handrail acquire airlines --to"):
        source.read("airlines")
    (tmp_path / "airlines.parquet").write_text("carrier,name")
    with pytest.raises(InvalidInput, match="no Parquet file"):
        source.read("airlines")
    pl.DataFrame({"carrier": ["AA"]}).write_parquet(tmp_path / "airlines.parquet")
    with pytest.raises(InvalidInput, match="it has no name"):
        source.read("airlines")
    pl.DataFrame(
        {"tailnum": ["N1"], **{name: ["many"] for name in COLUMNS["planes"] if name != "tailnum"}}
    ).write_parquet(tmp_path / "planes.parquet")
    with pytest.raises(InvalidInput, match="another type"):
        source.read("planes")
