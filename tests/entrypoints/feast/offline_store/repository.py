"""A feature repository over small parquet files, applied to a real FeatureStore with either offline store."""

from datetime import timedelta

import pandas as pd
import polars as pl
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RequestSource
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int32, Int64, String
from feast.value_type import ValueType

from tests.entrypoints.feast.offline_store.made import STORE, config, hour

AIRPORT = Entity(name="airport", join_keys=["k"], value_type=ValueType.INT64)
CARRIER = Entity(name="carrier", join_keys=["c"], value_type=ValueType.STRING)


def write_sources(folder):
    """Write what the repository's views read; `raw` and `key` are renamed by a field mapping."""
    weather = {
        "key": [2, 1, 1, 3],
        "t": [hour(n) for n in (1, 2, 0, 1)],
        "made": [hour(9), hour(8), hour(0), hour(1)],
        "raw": [21, 12, 10, None],
        "gust": [3.0, 2.0, 1.0, 4.0],
    }
    pl.DataFrame(weather).write_parquet(folder / "weather.parquet")
    pl.DataFrame({"t": [hour(0), hour(2)], "level": [100, 102]}).write_parquet(folder / "everywhere.parquet")
    pl.DataFrame({"k": [1, 1, 2], "c": ["a", "b", "a"], "t": [hour(0)] * 3, "delay": [1, 2, 3]}).write_parquet(
        folder / "pairs.parquet"
    )
    (folder / "pushed").mkdir()
    nanoseconds = pl.Series([hour(0)]).dt.cast_time_unit("ns")
    pushed = pl.DataFrame({"k": [1], "t": nanoseconds, "count": pl.Series([1], dtype=pl.Int32)})
    pushed.write_parquet(folder / "pushed" / "first.parquet")


def _file(folder, name, **source):
    return FileSource(name=name, path=str(folder / name), timestamp_field="t", **source)


def objects(folder):
    """Return the repository's objects: several entities, no entity, a push source, on-demand views, services."""
    weather = FeatureView(
        name="weather",
        entities=[AIRPORT],
        ttl=timedelta(hours=3),
        schema=[Field(name="k", dtype=Int64), Field(name="v", dtype=Int64), Field(name="gust", dtype=Float64)],
        source=_file(
            folder, "weather.parquet", created_timestamp_column="made", field_mapping={"key": "k", "raw": "v"}
        ),
    )
    everywhere = FeatureView(
        name="everywhere", schema=[Field(name="level", dtype=Int64)], source=_file(folder, "everywhere.parquet")
    )
    pairs = FeatureView(
        name="pairs",
        entities=[AIRPORT, CARRIER],
        schema=[Field(name="k", dtype=Int64), Field(name="c", dtype=String), Field(name="delay", dtype=Int64)],
        source=_file(folder, "pairs.parquet"),
    )
    source = PushSource(name="pushes", batch_source=_file(folder, "pushed"))
    pushed = FeatureView(
        name="pushed",
        entities=[AIRPORT],
        schema=[Field(name="k", dtype=Int64), Field(name="count", dtype=Int32)],
        source=source,
    )
    views = [weather, everywhere, pairs, pushed]
    return [AIRPORT, CARRIER, *views, source, *_on_demand(weather), *_services(folder, weather, everywhere)]


def _on_demand(weather):
    request = RequestSource(name="request", schema=[Field(name="extra", dtype=Int64)])

    @on_demand_feature_view(sources=[weather, request], schema=[Field(name="total", dtype=Int64)], mode="pandas")
    def in_pandas(rows):
        return pd.DataFrame({"total": rows["v"] + rows["extra"]})

    @on_demand_feature_view(sources=[weather, request], schema=[Field(name="both", dtype=Int64)], mode="python")
    def in_python(rows):
        return {"both": [None if v is None else v + e for v, e in zip(rows["v"], rows["extra"], strict=True)]}

    @on_demand_feature_view(sources=[request], schema=[Field(name="twice", dtype=Int64)], mode="pandas")
    def of_request(rows):
        return pd.DataFrame({"twice": rows["extra"] * 2})

    @on_demand_feature_view(sources=[request], schema=[Field(name="thrice", dtype=Int64)], mode="python")
    def of_lists(rows):
        return {"thrice": [extra * 3 for extra in rows["extra"]]}

    return in_pandas, in_python, of_request, of_lists


def _services(folder, weather, everywhere):
    here = weather[["v"]].with_name("here").with_join_key_map({"k": "origin"})
    there = weather[["v", "gust"]].with_name("there").with_join_key_map({"k": "dest"})
    log = LoggingConfig(destination=FileLoggingDestination(path=str(folder / "log")))
    return FeatureService(name="route", features=[here, there]), FeatureService(
        name="served", features=[weather, everywhere], logging_config=log
    )


def applied(folder, kind=STORE):
    """Return a FeatureStore over sources of its own in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sources(folder)
    store = FeatureStore(config=config(folder, kind))
    store.apply(objects(folder))
    return store


def frame(*rows, **columns):
    """Return an entity frame: rows of key and hour, and further columns."""
    times = pd.to_datetime([hour(at) for _, at in rows], utc=True)
    return pd.DataFrame({"k": [key for key, _ in rows], "event_timestamp": times, **columns})
