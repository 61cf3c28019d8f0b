from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.steps.data import features
from flows.steps.data.flight_times import with_times
from flows.steps.data.snapshots import Labels
from flows.steps.data.training_rows import TrainingRows, sample_days
from flows.steps.project.params import read_params
from flows.steps.release.own_features import window_for
from handrail.bootstrap import open_platform
from handrail.errors import InvalidInput, UnknownReference
from handrail.files import sha256_of
from handrail.scoring import Scorer
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.flights_project import change_params
from tests.fakes.permitted_tree import write_tree

OUTCOMES = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "arr_known_ts", "dep_known_ts", "late"}


def _manifest(project: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((project / "data" / "training" / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _rows(project: Path, window: str) -> pl.DataFrame:
    return pl.read_parquet(project / "data" / "training" / f"{window}.parquet")


def test_every_labelled_flight_of_the_window_comes_back_once(
    fortnight: Path, published: dict[str, pl.DataFrame]
) -> None:
    raw = pl.read_parquet(fortnight / "data" / "validated" / "flights.parquet")
    timed = with_times(raw, published["airports"])
    known = timed.filter(pl.col("arr_known_ts") <= datetime(2013, 1, 15, 5, tzinfo=UTC))
    wanted = known.filter(pl.col("day") < 12).get_column("flight_id").sort()

    assert _rows(fortnight, "train").get_column("flight_id").sort().equals(wanted)


def test_a_window_is_read_again_with_any_feature_set(project: Path) -> None:
    trained = _rows(project, "validate")

    again, earlier = (features.read_window(project, "validate", f"flights_v{number}") for number in (2, 1))
    schedule = features.read_window(project, "validate", "flights_schedule_v2")

    assert again.equals(trained)
    assert earlier.select(trained.columns).equals(trained)
    assert schedule.get_column("flight_id").equals(trained.get_column("flight_id"))
    assert "temp" in trained.columns
    assert "temp" not in schedule.columns
    known = "flights_v2, flights_schedule_v2, flights_v1, flights_schedule_v1"
    with pytest.raises(UnknownReference, match=f"'flights_v0'.*are {known}"):
        features.read_window(project, "validate", "flights_v0")


def test_a_model_is_scored_with_its_own_features_after_the_set_was_changed(project: Path) -> None:
    trained = _rows(project, "validate")
    champion = Scorer.load(write_tree(project / "old"))
    change_params(project, {"feature_set": "schedule"})
    features.run(project)
    challenger = _rows(project, "validate")
    assert "temp" not in challenger.columns

    rows = window_for(project, "validate", champion, like=challenger)

    assert rows.equals(trained)


def test_a_window_whose_outcomes_are_of_rows_that_the_table_lacks_says_which_rows_to_add(project: Path) -> None:
    params, use_case = read_params(project), read_use_case(project)
    rows = TrainingRows(use_case, params, features.IDENTITY, features.CATEGORICAL, features.entity_rows)
    nothing = _rows(project, "train").clear().with_columns(source=pl.lit("raw"))

    with pytest.raises(InvalidInput, match="of 7 flights that the table lacks.*add those rows to data/source"):
        rows.choose(nothing, Labels(nothing, None, 7))
    with pytest.raises(InvalidInput, match=r"until 2013-01-\d+. Move the window, as_of or go_live"):
        rows.choose(nothing, Labels(nothing, None, 0))


def test_the_manifest_says_what_the_files_hold(fortnight: Path) -> None:
    manifest = _manifest(fortnight)
    train, held_out = _rows(fortnight, "train"), _rows(fortnight, "validate")

    assert manifest["rows"] == {"train": train.height, "validate": held_out.height}
    assert set(manifest["features"]) <= set(train.columns)
    assert train.columns == held_out.columns
    assert manifest["feature_service"]["name"] == "flights_v2"
    assert set(manifest["views"]) == {
        "weather",
        "origin_ops",
        "carrier_ops",
        "dest_ops",
        "tail_last",
        "plane",
        "schedule_v2",
    }
    assert manifest["labels"] == {
        "raw": train.height + held_out.height,
        "snapshot": 0,
        "snapshot_unmatched": 0,
        "digest": None,
    }


def test_lineage_knows_which_feature_tables_each_training_file_was_read_from(fortnight: Path) -> None:
    lineage = open_platform(Settings(project=fortnight, home=fortnight / ".handrail")).lineage
    tables = {f"sha256:{sha256_of(table)}" for table in (fortnight / "data" / "features").glob("*.parquet")}

    for window in ("train", "validate"):
        digest = sha256_of(fortnight / "data" / "training" / f"{window}.parquet")
        trace = lineage.trace(f"data/training/{window}.parquet")

        kinds = Counter(node.kind for node in trace.nodes)
        assert tables == {node.digest for node in trace.nodes if node.kind == "dvc-data"} - {f"sha256:{digest}"}
        assert (kinds["feature-retrieval"], kinds["feature-service"], kinds["feature-view"]) == (1, 1, 7)
        (read,) = (node for node in trace.nodes if node.kind == "feature-retrieval")
        assert read.attributes["rows"] == str(_rows(fortnight, window).height)
        assert _manifest(fortnight)["feature_service"]["spec_hash"] in read.attributes["feature_service"]


def test_no_outcome_and_no_aircraft_name_is_a_feature(fortnight: Path) -> None:
    names = set(_manifest(fortnight)["features"])

    assert not names & (OUTCOMES | {"tailnum", "flight_id", "day", "event_timestamp", "month"})


def test_a_flight_without_an_aircraft_looks_like_one_with_an_unknown_aircraft(fortnight: Path) -> None:
    from feature_repo.store import apply, historical, open_feature_store
    from handrail.settings import load_settings

    raw = pl.read_parquet(fortnight / "data" / "validated" / "flights.parquet")
    airports = pl.read_parquet(fortnight / "data" / "validated" / "airports.parquet")
    asked = features.entity_rows(with_times(raw.tail(1), airports))
    twice = pl.concat([asked.with_columns(tailnum=pl.lit(None, pl.String)), asked.with_columns(tailnum=pl.lit("N0"))])
    store = open_feature_store(load_settings(fortnight), fortnight / "data" / "features", fortnight / ".handrail" / "t")
    apply(store)

    answer = pl.from_pandas(historical(store, twice.to_pandas())).drop("tailnum")

    assert answer[0].equals(answer[1])


def test_training_comes_before_validation_and_whole_days_stay_together(fortnight: Path) -> None:
    train, held_out = _rows(fortnight, "train"), _rows(fortnight, "validate")

    for column in ("day", "event_timestamp"):
        assert max(train.get_column(column).to_list()) < min(held_out.get_column(column).to_list())


def test_weather_in_a_row_is_older_than_the_prediction(fortnight: Path) -> None:
    table = pl.read_parquet(fortnight / "data" / "features" / "weather.parquet")
    train = _rows(fortnight, "train").sort("event_timestamp")

    joined = train.select("flight_id", "origin", "event_timestamp", seen="temp").join_asof(
        table.select("origin", "event_timestamp", "temp", known="event_timestamp").sort("event_timestamp"),
        on="event_timestamp",
        by="origin",
        tolerance=timedelta(hours=3),
        check_sortedness=False,
    )

    assert joined.get_column("seen").equals(joined.get_column("temp").alias("seen"))
    assert joined.select((pl.col("known") <= pl.col("event_timestamp")).all()).item()


def test_the_stage_gives_the_same_bytes_in_another_place(project: Path, fortnight: Path) -> None:
    features.run(project)

    for file in sorted((fortnight / "data" / "training").iterdir()) + sorted(
        (fortnight / "data" / "features").iterdir()
    ):
        assert sha256_of(project / file.relative_to(fortnight)) == sha256_of(file), file.name
        assert str(project).encode() not in file.read_bytes()


def test_a_feature_set_that_nobody_defined_is_named(project: Path) -> None:
    change_params(project, {"feature_set": "some"})

    with pytest.raises(InvalidInput, match=r"'some'. Write one of all, schedule"):
        features.run(project)


def test_the_schedule_set_knows_the_ticket_alone(project: Path) -> None:
    change_params(project, {"feature_set": "schedule"})

    features.run(project)

    manifest = _manifest(project)
    assert manifest["feature_service"]["name"] == "flights_schedule_v2"
    assert manifest["features"] == [
        "carrier",
        "origin",
        "dest",
        "minute_of_day",
        "weekday",
        "scheduled_minutes",
        "distance_miles",
    ]


def test_retraining_takes_later_labels_from_the_snapshot(project: Path) -> None:
    held_out = _rows(project, "validate").filter(pl.col("day") == pl.date(2013, 1, 13))
    labels = project / "data" / "labels" / "s.parquet"
    labels.parent.mkdir()
    held_out.select("flight_id", late=1 - pl.col("late")).write_parquet(labels)
    change_params(
        project,
        {
            "go_live": "2013-01-12T05:00:00Z",
            "labels_snapshot": {"path": "data/labels/s.parquet", "digest": f"sha256:{sha256_of(labels)}"},
        },
    )

    features.run(project)

    again = _rows(project, "validate")
    both = held_out.join(again, on="flight_id", suffix="_now")
    assert again.height == both.height == held_out.height
    assert both.select((pl.col("late") == 1 - pl.col("late_now")).all()).item()
    assert _manifest(project)["labels"]["snapshot"] == held_out.height


@pytest.mark.parametrize(("share", "kept"), [(1.0, 8), (0.5, 4), (0.25, 2)])
def test_a_sample_keeps_every_kth_day_whole(share: float, kept: int) -> None:
    days = pl.date_range(datetime(2013, 1, 1), datetime(2013, 1, 8), eager=True)
    rows = pl.DataFrame({"day": days}).join(pl.DataFrame({"flight": range(5)}), how="cross")

    sample = sample_days(rows, share)

    assert sample.get_column("day").n_unique() == kept
    assert sample.group_by("day").len().get_column("len").unique().to_list() == [5]


def test_a_window_without_a_labelled_flight_is_refused_by_name(project: Path) -> None:
    change_params(project, {"validate": {"from": "2013-02-01", "until": "2013-02-08"}})

    with pytest.raises(InvalidInput, match="validate: no labelled flight from 2013-02-01 until 2013-02-08"):
        features.run(project)
