"""Zero skew: what the model gets in serving is, bit for bit, what it got in training for the same requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from feature_repo import store as feature_store
from feature_repo.online import reader, write_known
from flows.steps.data.features import entity_rows
from flows.steps.data.flight_times import with_times
from handrail.settings import Settings

HOURS = [datetime(2013, 1, day, hour, tzinfo=UTC) for day in (8, 10) for hour in (12, 20)]
ALONE = 8
"""How many of a batch are asked about in a request of their own too."""
SERVICES = ["flights_v1", "flights_schedule_v1", "flights_v2", "flights_schedule_v2"]


def _batch(project: Path, hour: datetime) -> pl.DataFrame:
    """Return flights that are asked about at a full hour; those of the next hour too, as if asked then."""
    validated = project / "data" / "validated"
    timed = with_times(pl.read_parquet(validated / "flights.parquet"), pl.read_parquet(validated / "airports.parquet"))
    near = timed.filter(pl.col("event_timestamp").is_between(hour, hour + timedelta(hours=1)))
    return near.with_columns(pl.lit(hour).alias("event_timestamp"))


def _bits(values: Any) -> list[Any]:
    """Return numbers as their bits, of which every missing one has the same."""
    numbers = [np.nan if value is None else value for value in values]
    return np.asarray(numbers, dtype=np.float64).view(np.int64).tolist()


@pytest.mark.parametrize("service", SERVICES)
def test_serving_computes_the_bits_that_training_saw(fortnight: Path, tmp_path: Path, service: str) -> None:
    settings = Settings(project=tmp_path, home=tmp_path / "home")
    store = feature_store.open_feature_store(settings, fortnight / "data" / "features")
    feature_store.apply(store)
    read = reader(store, service)
    for hour in HOURS:
        batch = _batch(fortnight, hour)
        write_known(store, None, hour)
        names = {"sched_dep": "sched_dep_ts", "sched_arr": "sched_arr_ts"}
        requests = batch.select("origin", "carrier", "dest", "tailnum", "distance", **names).to_dicts()

        one_by_one = [read([request], hour).columns for request in requests[:ALONE]]
        together = read(requests, hour).columns

        asked = entity_rows(batch)
        trained = pl.from_pandas(feature_store.historical(store, asked.to_pandas(), service)).drop(asked.columns)
        assert set(together) == set(trained.columns)
        assert len(requests) > 20
        for name in trained.columns:
            assert _bits(together[name]) == _bits(trained[name].to_list()), (hour, name)
            assert _bits([row[name][0] for row in one_by_one]) == _bits(together[name][:ALONE]), (hour, name)
