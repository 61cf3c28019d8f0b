"""One side of `make bench-feast-lineage` in its own process: Feast with Handrail's provider or its own."""

from __future__ import annotations

import json
import statistics
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64, Int64
from feast.value_type import ValueType

PROVIDERS = {"handrail": "handrail.feast.HandrailProvider", "feast": "local"}
STORE = "handrail.feast.HandrailOfflineStore"
START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS, SOURCE_ROWS, VIEWS, FEATURES, KEYS = 336_776, 100_000, 6, 4, 500
YEAR_S = 365 * 86_400
READS, ONLINE_READS, PUSHES, PUSHED = 3, 300, 10, 1_000


def write_sources(folder: Path) -> None:
    """Write the parquet file of each view."""
    chance = np.random.default_rng(0)
    for view in range(VIEWS):
        columns = {f"v{view}_{number}": chance.random(SOURCE_ROWS) for number in range(FEATURES)}
        moments = pd.to_datetime(START) + pd.to_timedelta(chance.integers(0, YEAR_S, SOURCE_ROWS), unit="s")
        rows = {"k": chance.integers(0, KEYS, SOURCE_ROWS), "at": moments.as_unit("us"), **columns}
        pl.from_pandas(pd.DataFrame(rows)).write_parquet(folder / f"v{view}.parquet")


def open_store(side: str, folder: Path) -> FeatureStore:
    """Return a repository of its own over the shared sources, not applied."""
    place = folder / side
    place.mkdir(exist_ok=True)
    (place / "feature_store.yaml").write_text(
        f"project: bench\nprovider: {PROVIDERS[side]}\nregistry: registry.db\noffline_store: {{type: {STORE}}}\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n",
        encoding="utf-8",
    )
    return FeatureStore(repo_path=str(place))


def objects(folder: Path) -> list[Any]:
    """Return the entity, the views and a service of all of them."""
    key = Entity(name="k", join_keys=["k"], value_type=ValueType.INT64)
    views = [
        FeatureView(
            name=f"v{view}",
            entities=[key],
            ttl=timedelta(days=30),
            schema=[
                Field(name="k", dtype=Int64),
                *(Field(name=f"v{view}_{n}", dtype=Float64) for n in range(FEATURES)),
            ],
            source=FileSource(name=f"v{view}", path=str(folder / f"v{view}.parquet"), timestamp_field="at"),
        )
        for view in range(VIEWS)
    ]
    return [key, *views, FeatureService(name="all", features=[*views])]


def timed(work: Callable[[], object], times: int, clock: Callable[[], float] = perf_counter) -> list[float]:
    """Return how long each of `times` calls took, in seconds."""
    found = []
    for _ in range(times):
        begin = clock()
        work()
        found.append(clock() - begin)
    return found


def measure(side: str, folder: Path) -> dict[str, float]:
    """Return the seconds (CPU for historical reads) that each sort of work takes at the median."""
    store = open_store(side, folder)
    store.apply(objects(folder))
    service = store.get_feature_service("all")
    chance = np.random.default_rng(1)
    moments = pd.to_datetime(START) + pd.to_timedelta(chance.integers(0, YEAR_S, ROWS), unit="s")
    asked = pd.DataFrame({"k": chance.integers(0, KEYS, ROWS), "event_timestamp": moments})
    pushed = pd.DataFrame({"k": range(PUSHED), "at": pd.Timestamp(START), **{f"v0_{n}": 1.0 for n in range(FEATURES)}})

    def read() -> object:
        return store.get_historical_features(entity_df=asked, features=service).to_df()

    def serve() -> object:
        return store.get_online_features(features=service, entity_rows=[{"k": 1}])

    first = timed(read, 1, process_time)[0]
    later = statistics.median(timed(read, READS, process_time))
    pushes = timed(lambda: store.write_to_online_store("v0", df=pushed), PUSHES)
    serve()
    return {
        "first_read_cpu_s": first,
        "read_cpu_s": later,
        "push_ms": 1e3 * statistics.median(pushes),
        "online_read_us": 1e6 * statistics.median(timed(serve, ONLINE_READS)),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))  # noqa: T201 - read by the harness
