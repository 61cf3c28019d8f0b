"""The join equals its definition on made-up frames, and refuses what it cannot do."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import InvalidInput, UnknownReference
from handrail.point_in_time import FeatureTable, Join
from tests.unit.point_in_time import oracle

START = datetime(2020, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
# Few keys and few moments make ties, duplicates and exact hits of the ttl frequent.
moments = st.integers(0, 8).map(lambda hours: START + timedelta(hours=hours))
keys = st.one_of(st.none(), st.integers(0, 2))
feature_rows = st.lists(
    st.fixed_dictionaries(
        {
            "k": keys,
            "k2": keys,
            "t": st.one_of(st.none(), moments),
            "c": st.one_of(st.none(), moments),
            "v": st.integers(0, 99),
        }
    ),
    max_size=25,
)
entity_rows = st.lists(
    st.fixed_dictionaries({"id": keys, "other": keys, "ts": st.one_of(st.none(), moments), "note": st.integers(0, 3)}),
    max_size=25,
)
options = st.fixed_dictionaries(
    {
        "ttl": st.one_of(st.none(), st.integers(0, 5).map(lambda hours: timedelta(hours=hours))),
        "created": st.sampled_from([None, "c"]),
        "keys": st.sampled_from([{"k": "id"}, {"k": "other"}, {"k": "id", "k2": "other"}, {}]),
    }
)
FEATURES = {"k": pl.Int64, "k2": pl.Int64, "t": MOMENT, "c": MOMENT, "v": pl.Int64}
ENTITIES = {"id": pl.Int64, "other": pl.Int64, "ts": MOMENT, "note": pl.Int64}


def _tables(views, hide):
    for i, (rows, option) in enumerate(views):
        name = f"view{i}"
        hidden = hide and option["created"] is not None
        yield (
            FeatureTable(
                name,
                pl.LazyFrame(rows, schema=FEATURES),
                "t",
                option["keys"],
                {"v": f"{name}__v"},
                created=option["created"],
                ttl=option["ttl"],
                hide_created_later=hidden,
            ),
            {"rows": rows, "event_time": "t", "columns": {"v": f"{name}__v"}, "hide": hidden, **option},
        )


@settings(max_examples=200, deadline=None)
@given(entity_rows, st.lists(st.tuples(feature_rows, options), min_size=1, max_size=3), st.booleans())
def test_the_join_equals_its_definition(rows, views, hide):
    entities = pl.DataFrame(rows, schema=ENTITIES)
    pairs = list(_tables(views, hide))
    join = Join(entities.schema, "ts", [table for table, _ in pairs])

    result = join.run(entities)

    join.check()
    assert result.to_dicts() == oracle.join(rows, "ts", [table for _, table in pairs])


@settings(max_examples=60, deadline=None)
@given(entity_rows, feature_rows, options, st.integers(1, 7))
def test_batches_and_bounds_change_nothing(rows, features, option, size):
    entities = pl.DataFrame(rows, schema=ENTITIES)
    table, _ = next(_tables([(features, option)], hide=False))
    whole = Join(entities.schema, "ts", [table]).run(entities)
    known = [row["ts"] for row in rows if row["ts"] is not None]
    bounded = Join(entities.schema, "ts", [table], since=min(known, default=None), until=max(known, default=None))

    parts = [bounded.run(part) for part in entities.iter_slices(size)]

    assert pl.concat(parts).equals(whole) if parts else whole.is_empty()


@settings(max_examples=60, deadline=None)
@given(entity_rows, feature_rows, options, st.randoms(use_true_random=False))
def test_shuffled_entity_rows_give_shuffled_results(rows, features, option, random):
    table, _ = next(_tables([(features, option)], hide=False))
    order = list(range(len(rows)))
    random.shuffle(order)
    entities = pl.DataFrame(rows, schema=ENTITIES)
    join = Join(entities.schema, "ts", [table])

    shuffled = join.run(entities[order])

    assert shuffled.equals(join.run(entities)[order])


def _features(**columns):
    base = {"k": [1], "t": [START], "v": [7]}
    return pl.LazyFrame(base | columns)


def _join(entities, table):
    return Join(entities.schema, "ts", [table])


ONE = pl.DataFrame({"id": [1], "ts": [START + timedelta(hours=1)]})


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_of_any_unit_and_zone_are_compared_as_moments(unit, zone):
    times = pl.Series("t", [START]).dt.cast_time_unit(unit)
    times = times.dt.replace_time_zone(None) if zone is None else times.dt.convert_time_zone(zone)
    table = FeatureTable("f", _features(t=times), "t", {"k": "id"}, {"v": "v"}, ttl=timedelta(hours=1))

    assert _join(ONE, table).run(ONE)["v"].to_list() == [7]


def test_a_nanosecond_before_is_before():
    late = pl.Series("t", [1_577_836_800_000_000_001]).cast(pl.Datetime("ns", "UTC"))
    entities = pl.DataFrame({"id": [1], "ts": pl.Series([START]).cast(pl.Datetime("ns", "UTC"))})
    table = FeatureTable("f", _features(t=late), "t", {"k": "id"}, {"v": "v"})

    assert _join(entities, table).run(entities)["v"].to_list() == [None]


def test_the_end_of_time_as_a_sentinel_does_not_overflow():
    table = FeatureTable(
        "f", _features(c=[datetime(9999, 12, 31, tzinfo=UTC)]), "t", {"k": "id"}, {"v": "v"}, created="c"
    )

    assert _join(ONE, table).run(ONE)["v"].to_list() == [7]


@pytest.mark.parametrize(
    ("own", "entity"),
    [
        (pl.Int32, pl.Int64),
        (pl.Int64, pl.Int8),
        (pl.UInt16, pl.Int64),
        (pl.Int64, pl.Float64),
        (pl.String, pl.Categorical),
        (pl.Binary, pl.Binary),
        (pl.Boolean, pl.Boolean),
    ],
)
def test_keys_of_one_family_are_equal(own, entity):
    one = (
        pl.Series([True])
        if own == pl.Boolean
        else pl.Series(["1"])
        if own in (pl.String, pl.Binary)
        else pl.Series([1])
    )
    entities = ONE.with_columns(id=one.cast(entity))
    table = FeatureTable("f", _features(k=one.cast(own)), "t", {"k": "id"}, {"v": "v"})
    join = _join(entities, table)

    join.check()

    assert join.run(entities)["v"].to_list() == [7]


@pytest.mark.parametrize(("own", "entity"), [(pl.Int64, pl.String), (pl.String, pl.Int64), (pl.String, pl.Float64)])
def test_keys_of_two_families_are_refused_with_view_and_column(own, entity):
    entities = ONE.with_columns(pl.col("id").cast(entity))
    table = FeatureTable("weather", _features(k=pl.Series([1]).cast(own)), "t", {"k": "id"}, {"v": "v"})

    with pytest.raises(InvalidInput, match=r"weather:k.*'id'"):
        _join(entities, table).check()


def test_a_key_with_a_fraction_is_refused_not_rounded():
    entities = ONE.with_columns(id=pl.lit(1.5))
    table = FeatureTable("f", _features(), "t", {"k": "id"}, {"v": "v"})

    with pytest.raises(InvalidInput, match="fraction"):
        _join(entities, table).run(entities)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"event_time": "when"}, "when"),
        ({"columns": {"x": "x"}}, "'x'"),
        ({"keys": {"kk": "id"}}, "kk"),
        ({"created": "c"}, "'c'"),
    ],
)
def test_a_missing_column_of_a_view_is_named_with_the_view(change, named):
    arguments = {"event_time": "t", "keys": {"k": "id"}, "columns": {"v": "v"}} | change

    with pytest.raises(UnknownReference, match=named) as caught:
        _join(ONE, FeatureTable("weather", _features(), **arguments)).check()

    assert "weather" in str(caught.value)


def test_a_missing_entity_column_is_named_with_the_view_that_needs_it():
    with pytest.raises(UnknownReference, match=r"'tail'.*'weather'"):
        _join(ONE, FeatureTable("weather", _features(), "t", {"k": "tail"}, {"v": "v"})).check()


def test_a_time_column_without_times_is_refused():
    with pytest.raises(InvalidInput, match="weather:t"):
        _join(ONE, FeatureTable("weather", _features(t=["noon"]), "t", {"k": "id"}, {"v": "v"})).check()


@pytest.mark.parametrize("frame", [ONE.drop("ts"), ONE.with_columns(ts=pl.lit("noon"))])
def test_an_entity_frame_without_times_is_refused(frame):
    with pytest.raises(InvalidInput, match="ts"):
        _join(frame, FeatureTable("f", _features(), "t", {"k": "id"}, {"v": "v"})).check()


def test_two_views_may_not_give_one_name():
    table = FeatureTable("f", _features(), "t", {"k": "id"}, {"v": "v"})

    with pytest.raises(InvalidInput, match="full names"):
        Join(ONE.schema, "ts", [table, table]).check()


def test_a_missing_file_is_refused_with_the_view(tmp_path):
    table = FeatureTable("weather", pl.scan_parquet(tmp_path / "gone.parquet"), "t", {"k": "id"}, {"v": "v"})

    with pytest.raises(InvalidInput, match="'weather'"):
        _join(ONE, table).check()


def test_an_empty_entity_frame_gives_an_empty_result_with_all_columns():
    table = FeatureTable("f", _features(), "t", {"k": "id"}, {"v": "f__v"})

    result = _join(ONE.clear(), table).run(ONE.clear())

    assert result.schema == {"id": pl.Int64, "ts": ONE.schema["ts"], "f__v": pl.Int64}
    assert result.is_empty()


def test_a_view_without_rows_gives_nulls():
    table = FeatureTable("f", _features().clear(), "t", {"k": "id"}, {"v": "v"})

    assert _join(ONE, table).run(ONE)["v"].to_list() == [None]
