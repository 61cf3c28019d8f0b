"""Times of every unit and age are compared exactly, also where nanoseconds end."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.point_in_time import FeatureTable, Join
from tests.unit.point_in_time import oracle

MICROSECOND = timedelta(microseconds=1)
START = datetime(2020, 1, 1, tzinfo=UTC)
near = st.integers(0, 4).map(lambda n: START + n * MICROSECOND)
# Sentinels that people write, and the ends of what 64 bits of nanoseconds hold.
far = st.sampled_from([datetime(year, 6, 1, tzinfo=UTC) for year in (1, 2, 1600, 1678, 2262, 2263, 9998, 9999)])
feature_rows = st.lists(
    st.fixed_dictionaries(
        {"k": st.just(1), "t": near | far, "c": st.none() | near | far, "v": st.integers(0, 99)},
    ),
    max_size=12,
)
ttls = st.sampled_from([None, timedelta(0), MICROSECOND, timedelta(days=365 * 300), timedelta(days=365 * 9000)])
entity_rows = st.lists(st.fixed_dictionaries({"id": st.just(1), "ts": near}), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(entity_rows, feature_rows, ttls, st.sampled_from(["us", "ns"]), st.booleans())
def test_far_times_equal_the_definition_in_either_unit(rows, features, ttl, unit, hide):
    entities = pl.DataFrame(rows).with_columns(pl.col("ts").cast(pl.Datetime(unit, "UTC")))
    moment = pl.Datetime("us", "UTC")
    frame = pl.LazyFrame(features, schema={"k": pl.Int64, "t": moment, "c": moment, "v": pl.Int64})
    table = FeatureTable("f", frame, "t", {"k": "id"}, {"v": "v"}, "c", ttl, hide)
    known = [row["ts"] for row in rows]

    result = Join(entities.schema, "ts", [table], min(known), max(known)).run(entities)

    definition = {"rows": features, "event_time": "t", "created": "c", "keys": {"k": "id"}, "ttl": ttl, "hide": hide}
    expected = oracle.join(rows, "ts", [definition | {"columns": {"v": "v"}}])
    assert result["v"].to_list() == [row["v"] for row in expected]


def _nanoseconds(*numbers):
    return pl.Series("t", [1_577_836_800_000_000_000 + number for number in numbers]).cast(pl.Datetime("ns", "UTC"))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 4000), min_size=1, max_size=8),
    st.lists(st.integers(0, 4000), max_size=8),
    st.none() | st.integers(0, 3),
)
def test_nanoseconds_equal_the_definition_and_bounds_in_microseconds_lose_none(asked, known, ttl):
    entities = pl.DataFrame({"id": [1] * len(asked), "ts": _nanoseconds(*asked)})
    frame = pl.LazyFrame(
        {"k": [1] * len(known), "t": _nanoseconds(*known), "v": known}, schema_overrides={"v": pl.Int64}
    )
    age = None if ttl is None else timedelta(microseconds=ttl)
    since, until = (START + timedelta(microseconds=number // 1000) for number in (min(asked), max(asked)))

    table = FeatureTable("f", frame, "t", {"k": "id"}, {"v": "v"}, ttl=age)
    found = Join(entities.schema, "ts", [table], since, until).run(entities)["v"].to_list()

    def definition(at):
        return max((t for t in known if t <= at and (ttl is None or at - t <= ttl * 1000)), default=None)

    assert found == [definition(at) for at in asked]


def test_a_time_that_nanoseconds_cannot_represent_is_refused_beside_a_table_in_nanoseconds():
    entities = pl.DataFrame({"id": [1], "ts": [datetime(9999, 1, 1, tzinfo=UTC)]})
    frame = pl.LazyFrame({"k": [1], "t": _nanoseconds(0), "v": [7]})
    join = Join(entities.schema, "ts", [FeatureTable("f", frame, "t", {"k": "id"}, {"v": "v"})])

    with pytest.raises(InvalidInput, match="1677 to 2262"):
        join.run(entities)
