"""What reads online rows directly, beside Feast's own `get_online_features`: equal values, over every store."""

from __future__ import annotations

import math
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import pandas as pd
import pytest
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    RepoConfig,
    RequestSource,
)
from feast.types import Bool, Float64, Int64, String
from feast.value_type import ValueType

from feature_repo.online_place import online_section
from handrail.entrypoints.feast.online.any_rows import AnyRows
from handrail.entrypoints.feast.online.reader import OnlineReader, open_online_reader
from handrail.readings import Why

REDIS = os.environ.get("HANDRAIL_TEST_REDIS_URL")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WITHIN_S = 5.0
KINDS = ["sqlite", "any", *(["redis"] if REDIS else [])]


def double(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"twice": inputs["amount"] * 2, "whole": inputs["count"].astype("float64") + 1})


def thrice(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"thrice": [None if each is None or each != each else each * 3 for each in inputs["amount"]]}


@dataclass(frozen=True)
class Shop:
    """A feature store of drivers and of drivers in towns, and what reads it directly."""

    store: FeatureStore
    reader: OnlineReader

    def write(self, view: str, known: datetime, **values: Any) -> None:
        frame = pd.DataFrame({"at": [known], **{name: [value] for name, value in values.items()}})
        self.store.write_to_online_store(view, df=frame)

    def feast(self, asked: dict[str, list[Any]]) -> dict[str, list[Any]]:
        service = self.store.get_feature_service("all_v1")
        answer = self.store.get_online_features(service, entity_rows=asked).to_dict()
        return {name: values for name, values in answer.items() if name not in asked}


def objects(folder: Path) -> list[Any]:
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    town = Entity(name="town", join_keys=["town"], value_type=ValueType.STRING)

    def view(name: str, entities: list[Entity], *fields: Field, **more: Any) -> FeatureView:
        source = FileSource(name=f"{name}_table", path=str(folder / f"{name}.parquet"), timestamp_field="at")
        keys = [
            Field(name=each.join_key, dtype=Int64 if each.value_type == ValueType.INT64 else String)
            for each in entities
        ]
        return FeatureView(name=name, entities=entities, schema=[*keys, *fields], source=source, **more)

    rating = view(
        "rating",
        [driver],
        Field(name="stars", dtype=Float64, tags={"handrail.default": "3.5"}),
        Field(name="trips", dtype=Int64),
        Field(name="vip", dtype=Bool),
        Field(name="tier", dtype=String, tags={"handrail.default": "plain"}),
        ttl=timedelta(hours=6),
        tags={"handrail.expected": "true"},
    )
    streets = view(
        "streets",
        [driver, town],
        Field(name="known_streets", dtype=Int64),
        ttl=timedelta(days=3),
        tags={"handrail.fresh_s": "7200"},
    )
    home = view("home", [driver], Field(name="postcode", dtype=String), ttl=timedelta(0))
    fields = [Field(name="amount", dtype=Float64), Field(name="count", dtype=Int64)]
    request = RequestSource(name="order", schema=fields)
    twice = [Field(name="twice", dtype=Float64), Field(name="whole", dtype=Float64)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        on_demand = [
            OnDemandFeatureView(
                name="doubled",
                sources=[request],
                schema=twice,
                mode="pandas",
                udf=cast(FunctionType, double),
                udf_string="double",
            ),
            OnDemandFeatureView(
                name="tripled",
                sources=[request],
                schema=[Field(name="thrice", dtype=Float64)],
                mode="python",
                udf=cast(FunctionType, thrice),
                udf_string="thrice",
            ),
        ]
    every = FeatureService(name="all_v1", features=[rating, streets, home, *on_demand])
    return [driver, town, rating, streets, home, *on_demand, every]


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    url = REDIS if request.param == "redis" else None
    config = RepoConfig(
        project="shop",
        provider="local",
        registry=str(tmp_path / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store=online_section(url, tmp_path),
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store.apply(objects(tmp_path))
    opened = open_online_reader(store, "all_v1", WITHIN_S)
    assert opened is not None
    if request.param == "any":
        opened = OnlineReader(opened.plan, AnyRows(store, store._get_provider().online_store, WITHIN_S))
    yield Shop(store, opened)
    engine = store._get_provider().online_store
    engine.teardown(store.config, store.list_feature_views(), store.list_entities())


ASKED: dict[str, list[Any]] = {
    "driver_id": [1, 2, 9, 1],
    "town": ["bonn", "köln", "bonn", "köln"],
    "amount": [1.5, 2.0, float("nan"), 4.0],
    "count": [1, 2, 3, 4],
}


def fill(shop: Shop) -> None:
    shop.write("rating", NOW - timedelta(hours=1), driver_id=1, stars=4.5, trips=7, vip=True, tier="gold")
    shop.write("rating", NOW - timedelta(minutes=1), driver_id=2, stars=float("nan"), trips=0, vip=False, tier="")
    shop.write("streets", NOW - timedelta(hours=1), driver_id=1, town="bonn", known_streets=120)
    shop.write("streets", NOW - timedelta(minutes=30), driver_id=2, town="köln", known_streets=-3)
    shop.write("home", NOW - timedelta(days=500), driver_id=1, postcode="53111")


def plain(columns: Any) -> dict[str, list[Any]]:
    return {
        name: [None if isinstance(value, float) and math.isnan(value) else value for value in values]
        for name, values in columns.items()
    }


def known(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out the driver whom the store does not know: Feast has no defaults."""
    return {name: [*values[:2], values[3]] for name, values in columns.items()}


def test_a_direct_reading_equals_what_feast_answers(shop: Shop) -> None:
    fill(shop)

    reading = shop.reader.read(ASKED, NOW)

    assert known(plain(reading.columns)) == known(plain(shop.feast(ASKED)))
    assert reading.columns["trips"] == [7, 0, None, 7]
    assert [type(value) for value in reading.columns["vip"]] == [bool, bool, type(None), bool]


def test_what_is_written_later_is_read_at_once(shop: Shop) -> None:
    fill(shop)
    before = shop.reader.read(ASKED, NOW).columns["stars"]

    shop.write("rating", NOW - timedelta(seconds=5), driver_id=1, stars=1.0, trips=8, vip=True, tier="gold")

    assert (before[0], shop.reader.read(ASKED, NOW).columns["stars"][0]) == (4.5, 1.0)
    assert known(plain(shop.reader.read(ASKED, NOW).columns)) == known(plain(shop.feast(ASKED)))


def test_a_row_past_the_limit_of_its_view_is_stale(shop: Shop) -> None:
    fill(shop)
    later = NOW + timedelta(hours=5, minutes=30)

    reading = shop.reader.read(ASKED, later)

    assert reading.columns["known_streets"] == [None] * 4
    assert reading.columns["postcode"] == ["53111", None, None, "53111"]
    assert [(lack.view, lack.why, lack.defaulted) for lack in reading.lacks[0]] == [
        ("rating", Why.STALE, ("stars", "tier"))
    ]
    assert (reading.columns["stars"][:2], reading.columns["tier"][0], reading.columns["trips"][0]) == (
        [3.5, None],
        "plain",
        None,
    )


def test_an_expected_row_that_is_not_there_is_missing_and_another_view_lacks_nothing(shop: Shop) -> None:
    fill(shop)

    lacks = shop.reader.read(ASKED, NOW).lacks

    assert {place: [(lack.view, lack.why) for lack in of] for place, of in lacks.items()} == {
        2: [("rating", Why.MISSING)]
    }


def test_a_value_from_the_future_is_not_known_yet(shop: Shop) -> None:
    fill(shop)

    reading = shop.reader.read(ASKED, NOW - timedelta(hours=2))

    assert reading.columns["trips"] == [None] * 4
    assert reading.columns["twice"][0] == 3.0


def test_no_rows_read_nothing(shop: Shop) -> None:
    reading = shop.reader.read({name: [] for name in ASKED}, NOW)

    assert all(len(values) == 0 for values in reading.columns.values())


@pytest.mark.parametrize("shop", ["sqlite", "any"], indirect=True)
def test_a_value_of_another_type_counts_as_unknown_and_is_named(shop: Shop) -> None:
    fill(shop)
    with closing(sqlite3.connect(shop.store.config.online_store.path)) as other, other:
        # "abc" as text, where a number belongs; and bytes that are no value at all.
        other.execute("update shop_rating set value = ? where feature_name = 'stars'", (b"\x12\x03abc",))
        other.execute("update shop_rating set value = ? where feature_name = 'trips'", (b"\xff\xff\xff",))

    reading = shop.reader.read(ASKED, NOW)

    if reading.lacks[0][0].why is not Why.AWAY:  # Feast itself raises over bytes that it cannot decode
        assert [(lack.why, lack.features, lack.defaulted) for lack in reading.lacks[0]] == [
            (Why.WRONG_TYPE, ("stars", "trips"), ("stars",))
        ]
        assert (reading.columns["stars"][0], reading.columns["trips"][0], reading.columns["tier"][0]) == (
            3.5,
            None,
            "gold",
        )
    assert reading.columns["twice"][0] == 3.0
