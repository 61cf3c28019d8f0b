from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.steps.data.flight_times import with_times
from flows.steps.data.labels import read_labels
from flows.steps.project.params import LabelsSnapshot
from handrail.errors import InvalidInput
from handrail.files import sha256_of
from handrail.use_case import read_use_case
from tests.fakes.flights_project import ROOT

USE_CASE = read_use_case(ROOT)
GO_LIVE = datetime(2013, 1, 10, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def timed(published: dict[str, pl.DataFrame]) -> pl.DataFrame:
    january = published["flights"].filter((pl.col("month") == 1) & (pl.col("day") < 20))
    return with_times(january, published["airports"])


def _export(project: Path, rows: dict[str, list[Any]]) -> LabelsSnapshot:
    file = project / "data" / "labels" / "snapshot.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows).write_parquet(file)
    return LabelsSnapshot("data/labels/snapshot.parquet", sha256_of(file))


def test_outcomes_of_subjects_that_the_table_lacks_are_reported_with_the_remedy(
    timed: pl.DataFrame, tmp_path: Path
) -> None:
    later = timed.filter(pl.col("event_timestamp") > GO_LIVE).head(1).get_column("flight_id").to_list()
    snapshot = _export(tmp_path, {"flight_id": [*later, "gone", "lost"], "late": [1, 0, 1]})

    labels = read_labels(timed, GO_LIVE, tmp_path, snapshot, USE_CASE)

    assert labels.unmatched == 2
    assert labels.sentence(USE_CASE) == (
        "The labels snapshot has the outcome of 2 flights that the table lacks. "
        "They train nothing: add those rows to data/source."
    )
    assert "of 1 flight that" in replace(labels, unmatched=1).sentence(USE_CASE)


def test_no_raw_outcome_after_go_live_becomes_a_label(timed: pl.DataFrame, tmp_path: Path) -> None:
    labels = read_labels(timed, GO_LIVE, tmp_path, None, USE_CASE)

    known = timed.join(labels.rows, on="flight_id")
    assert known.height > 7_000
    assert known.select((pl.col("arr_known_ts") <= GO_LIVE).all()).item()
    assert timed.filter(pl.col("arr_known_ts") <= GO_LIVE).height == known.height


def test_changing_raw_outcomes_after_go_live_changes_no_label(timed: pl.DataFrame, tmp_path: Path) -> None:
    after = pl.col("arr_known_ts") > GO_LIVE
    turned = timed.with_columns(arr_delay=pl.when(after).then(-pl.col("arr_delay") + 30).otherwise(pl.col("arr_delay")))

    assert read_labels(turned, GO_LIVE, tmp_path, None, USE_CASE).rows.equals(
        read_labels(timed, GO_LIVE, tmp_path, None, USE_CASE).rows
    )


def test_later_labels_come_from_the_snapshot_alone_even_against_the_raw_table(
    timed: pl.DataFrame, tmp_path: Path
) -> None:
    later = timed.filter(pl.col("event_timestamp") > GO_LIVE).head(3)
    opposite = [1 - int(delay > 15) for delay in later.get_column("arr_delay")]
    ids = later.get_column("flight_id").to_list()
    snapshot = _export(tmp_path, {"flight_id": ids, "late": opposite})

    labels = read_labels(timed, GO_LIVE, tmp_path, snapshot, USE_CASE)

    given = labels.rows.filter(pl.col("source") == "snapshot").sort("flight_id")
    assert dict(given.select("flight_id", "late").iter_rows()) == dict(zip(ids, opposite, strict=True))
    assert labels.digest == f"sha256:{snapshot.digest}"


def test_a_label_known_before_go_live_stands_against_the_snapshot(timed: pl.DataFrame, tmp_path: Path) -> None:
    first = timed.filter(pl.col("arr_delay") > 15).row(0, named=True)
    snapshot = _export(tmp_path, {"flight_id": [first["flight_id"]], "late": [0]})

    labels = read_labels(timed, GO_LIVE, tmp_path, snapshot, USE_CASE)

    assert labels.rows.filter(pl.col("flight_id") == first["flight_id"]).get_column("late").to_list() == [1]


def test_a_flight_of_the_snapshot_that_the_data_lacks_is_counted(timed: pl.DataFrame, tmp_path: Path) -> None:
    snapshot = _export(tmp_path, {"flight_id": ["2013-09-01:UA:1:0700:EWR"], "late": [1]})

    labels = read_labels(timed, GO_LIVE, tmp_path, snapshot, USE_CASE)

    assert labels.unmatched == 1
    assert labels.rows.filter(pl.col("source") == "snapshot").is_empty()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"flight_id": ["a"], "delay": [1]}, "it is not a parquet file with flight_id and late"),
        ({"flight_id": ["a"], "late": [7]}, "it holds a label other than 0 and 1"),
        ({"flight_id": ["a", "a"], "late": [1, 0]}, "it holds a flight twice"),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused(
    timed: pl.DataFrame, tmp_path: Path, rows: dict[str, list[Any]], sentence: str
) -> None:
    snapshot = _export(tmp_path, rows)

    with pytest.raises(InvalidInput, match=f"data/labels/snapshot.parquet: {sentence}"):
        read_labels(timed, GO_LIVE, tmp_path, snapshot, USE_CASE)


def test_a_missing_or_altered_snapshot_is_refused_by_name(timed: pl.DataFrame, tmp_path: Path) -> None:
    snapshot = _export(tmp_path, {"flight_id": ["a"], "late": [1]})

    with pytest.raises(InvalidInput, match=r"its sha256 is .*, params.yaml says 00"):
        read_labels(timed, GO_LIVE, tmp_path, LabelsSnapshot(snapshot.path, "00"), USE_CASE)
    with pytest.raises(InvalidInput, match=r"data/labels/none.parquet: the labels snapshot is missing"):
        read_labels(timed, GO_LIVE, tmp_path, LabelsSnapshot("data/labels/none.parquet", "00"), USE_CASE)
