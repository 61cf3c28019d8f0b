from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data.acquire import KNOWN_AT_ARRIVAL, KNOWN_AT_DEPARTURE, known_at
from flows.steps.data.flight_times import with_times
from flows.steps.data.raw_files import read_raw
from flows.steps.data.source_tables import parse_csv
from flows.steps.data.sources.package import PackageFiles, open_package
from handrail.errors import InvalidInput, Unavailable

MOMENTS = (datetime(2013, 1, 2, 13, 7, tzinfo=UTC), datetime(2013, 8, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize("as_of", MOMENTS)
def test_no_outcome_is_kept_that_came_after_as_of(published: dict[str, pl.DataFrame], as_of: datetime) -> None:
    everything = with_times(published["flights"], published["airports"])

    kept = known_at(published, as_of)["flights"]

    seen = with_times(kept, published["airports"]).join(
        everything.select("flight_id", departs="dep_known_ts", lands="arr_known_ts"), on="flight_id"
    )
    departed = seen.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in KNOWN_AT_DEPARTURE))
    landed = seen.filter(pl.col("arr_delay").is_not_null())
    assert seen.height == kept.height
    assert departed.select((pl.col("departs") <= as_of).all()).item()
    assert landed.select((pl.col("lands") <= as_of).all()).item()
    assert seen.select((pl.col("event_timestamp") <= as_of).all()).item()


@pytest.mark.parametrize("as_of", MOMENTS)
def test_everything_that_was_known_at_as_of_is_kept(published: dict[str, pl.DataFrame], as_of: datetime) -> None:
    everything = with_times(published["flights"], published["airports"])
    known = everything.filter(pl.col("arr_known_ts") <= as_of).select(published["flights"].columns)

    kept = known_at(published, as_of)["flights"]

    assert kept.filter(pl.col("arr_delay").is_not_null()).equals(known)


def test_a_flight_in_the_air_has_departed_and_not_landed(published: dict[str, pl.DataFrame]) -> None:
    kept = known_at(published, MOMENTS[0])["flights"]

    flying = kept.filter(pl.col("dep_delay").is_not_null() & pl.col("arr_delay").is_null())

    assert flying.height > 50
    assert flying.select(pl.any_horizontal(pl.col(name).is_not_null() for name in KNOWN_AT_ARRIVAL).sum()).item() == 0


def test_weather_is_known_when_its_hour_is_over(published: dict[str, pl.DataFrame]) -> None:
    weather = known_at(published, MOMENTS[0])["weather"]

    assert weather.get_column("time_hour").max() == datetime(2013, 1, 2, 12, tzinfo=UTC)


def test_a_moment_before_the_first_flight_is_refused(published: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(InvalidInput, match="as_of: no flight"):
        known_at(published, datetime(2012, 1, 1, tzinfo=UTC))


def test_the_stage_writes_a_file_a_month_that_reads_back_as_it_was(
    fortnight: Path, published: dict[str, pl.DataFrame]
) -> None:
    raw = fortnight / "data" / "raw"

    back = read_raw(raw)

    assert [file.name for file in sorted((raw / "flights").iterdir())] == ["2013-01.csv"]
    wanted = known_at(published, datetime(2013, 1, 15, 5, tzinfo=UTC))
    assert all(back[name].equals(wanted[name]) for name in wanted)


def test_a_source_file_that_is_missing_or_cut_is_refused_by_name(tmp_path: Path) -> None:
    shutil.copy(open_package().folder / "planes.csv", tmp_path)
    with (tmp_path / "planes.csv").open("r+b") as file:
        file.truncate(100_000)

    with pytest.raises(Unavailable, match=r"planes.csv: its 100000 bytes are not the published ones"):
        PackageFiles(tmp_path).read("planes")
    with pytest.raises(Unavailable, match=r"weather.csv: it is not in the package"):
        PackageFiles(tmp_path).read("weather")


def test_another_order_of_columns_or_another_type_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"airlines.csv: its columns are name, carrier"):
        parse_csv(b"name,carrier\nx,y\n", "airlines", "airlines.csv")
    with pytest.raises(InvalidInput, match=r"planes.csv: it cannot be read"):
        parse_csv(
            b"tailnum,year,type,manufacturer,model,engines,seats,speed,engine\nN1,old,t,m,m,2,3,NA,e\n",
            "planes",
            "planes.csv",
        )
