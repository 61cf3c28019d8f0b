"""Historical features equal the definition and Feast's DuckDB store, and every row asked for comes back."""

from datetime import timedelta

import pandas as pd
import polars as pl
import pytest
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view
from tests.unit.point_in_time import oracle

MOMENT = pl.Datetime("us", "UTC")
FEATURES = {"k": pl.Int64, "t": MOMENT, "c": MOMENT, "v": pl.Int64}
hours = st.integers(0, 8).map(hour)
# DuckDB leaves ties to chance: key, time and created together name one row here.
rows = st.lists(
    st.fixed_dictionaries({"k": st.integers(0, 2), "t": hours, "c": st.none() | hours, "v": st.integers(0, 99)}),
    max_size=20,
    unique_by=lambda row: (row["k"], row["t"], row["c"]),
)
asked = st.lists(
    st.fixed_dictionaries({"k": st.integers(0, 3), "event_timestamp": hours, "note": st.integers(0, 9)}),
    min_size=1,
    max_size=20,
)
ttls = st.sampled_from([None, timedelta(hours=1), timedelta(hours=3)])


def retrieve(folder, views, entity_df, refs=None, store=HandrailOfflineStore, **options):
    kind = "duckdb" if store is DuckDBOfflineStore else None
    settled = config(folder, kind) if kind else config(folder)
    refs = refs or [f"{one.name}:v" for one in views]
    return store.get_historical_features(settled, views, refs, entity_df, NO_ON_DEMAND_VIEWS, "made", **options)


def _frame(rows):
    return pd.DataFrame(rows).assign(event_timestamp=lambda frame: pd.to_datetime(frame["event_timestamp"], utc=True))


def _values(table, column):
    return table.column(column).to_pylist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked, rows, rows, ttls, ttls, st.booleans())
def test_history_equals_the_definition_and_the_duckdb_store(tmp_path, asked, one, two, ttl_one, ttl_two, hide):
    views = [
        view(tmp_path, "one", pl.DataFrame(one, schema=FEATURES), ttl=ttl_one, created="c"),
        view(tmp_path, "two", pl.DataFrame(two, schema=FEATURES), ttl=ttl_two, created="c"),
    ]
    options = {"full_feature_names": True, "filter_by_created_timestamp": hide}

    ours = retrieve(tmp_path, views, _frame(asked), **options).to_arrow()
    theirs = retrieve(tmp_path, views, _frame(asked), store=DuckDBOfflineStore, **options).to_arrow()

    expected = oracle.join(
        asked,
        "event_timestamp",
        [
            {
                "rows": r,
                "event_time": "t",
                "created": "c",
                "keys": {"k": "k"},
                "ttl": ttl,
                "hide": hide,
                "columns": {"v": name},
            }
            for r, ttl, name in ((one, ttl_one, "one__v"), (two, ttl_two, "two__v"))
        ],
    )
    assert ours.to_pylist() == expected
    assert _sorted(ours) == _sorted(theirs.select(ours.column_names))


def _sorted(table):
    return sorted(pl.from_arrow(table).with_columns(pl.col("event_timestamp").cast(MOMENT)).rows(), key=repr)


@pytest.fixture
def weather(tmp_path):
    return view(tmp_path, "weather", {"k": [1, 1], "t": [hour(0), hour(2)], "v": [10, 12]})


def test_duplicate_rows_are_kept_in_their_order(tmp_path, weather):
    frame = _frame([{"k": key, "event_timestamp": hour(at)} for key, at in ((1, 3), (2, 3), (1, 3), (1, 1), (1, 3))])

    table = retrieve(tmp_path, [weather], frame).to_arrow()

    assert _values(table, "v") == [12, None, 12, 10, 12]


def test_the_callers_frame_is_left_alone(tmp_path, weather):
    frame = pd.DataFrame({"k": [1], "event_timestamp": ["2020-01-01T05:00:00+00:00"]}, index=[7])
    before = frame.copy(deep=True)

    retrieve(tmp_path, [weather], frame).to_df()

    pd.testing.assert_frame_equal(frame, before)


def test_a_join_key_map_looks_up_the_same_view_twice(tmp_path, weather):
    there = weather.with_name("there").with_join_key_map({"k": "dest"})
    here = weather.with_name("here").with_join_key_map({"k": "origin"})
    there.entity_columns = here.entity_columns = weather.entity_columns
    frame = _frame([{"origin": 1, "dest": 2, "event_timestamp": hour(3)}])

    table = retrieve(tmp_path, [here, there], frame, ["here:v", "there:v"], full_feature_names=True).to_arrow()

    assert table.select(["here__v", "there__v"]).to_pylist() == [{"here__v": 12, "there__v": None}]


def test_a_field_mapping_renames_before_anything_else(tmp_path):
    mapped = view(
        tmp_path,
        "mapped",
        {"key": [1], "when": [hour(0)], "raw": [5]},
        field_mapping={"key": "k", "when": "t", "raw": "v"},
    )

    assert _values(retrieve(tmp_path, [mapped], _frame([{"k": 1, "event_timestamp": hour(1)}])).to_arrow(), "v") == [5]


def test_a_relative_path_counts_from_the_repository(tmp_path):
    relative = view(tmp_path, "relative", {"k": [1], "t": [hour(0)], "v": [5]})
    relative.batch_source.file_options.uri = "relative.parquet"

    assert _values(retrieve(tmp_path, [relative], _frame([{"k": 1, "event_timestamp": hour(1)}])).to_arrow(), "v") == [
        5
    ]


def test_a_folder_of_files_is_one_source(tmp_path, weather):
    folder = tmp_path / "many"
    folder.mkdir()
    for at in (0, 2):
        pl.DataFrame({"k": [1], "t": [hour(at)], "v": [10 + at]}).write_parquet(folder / f"{at}.parquet")
    weather.batch_source.file_options.uri = str(folder)

    assert _values(retrieve(tmp_path, [weather], _frame([{"k": 1, "event_timestamp": hour(1)}])).to_arrow(), "v") == [
        10
    ]


def test_an_sql_query_can_ask(tmp_path, weather):
    pl.DataFrame({"k": [1, 2], "at": [hour(3), hour(3)]}).write_parquet(tmp_path / "asked.parquet")

    job = retrieve(tmp_path, [weather], f"select * from read_parquet('{tmp_path}/asked.parquet') order by k;")

    assert job.to_arrow().to_pydict() == {"k": [1, 2], "at": [hour(3), hour(3)], "v": [12, None]}
    assert job.metadata.min_event_timestamp == hour(3)


def test_a_range_of_time_asks_for_each_key_when_something_happened(tmp_path):
    one = view(tmp_path, "one", {"k": [1, 2, 1], "t": [hour(1), hour(2), hour(9)], "v": [1, 2, 9]})
    two = view(tmp_path, "two", {"k": [1, 1], "t": [hour(0), hour(3)], "v": [10, 13]}, ttl=timedelta(hours=2))

    job = retrieve(tmp_path, [one, two], None, full_feature_names=True, start_date=hour(1), end_date=hour(4))

    assert job.to_arrow().to_pydict() == {
        "event_timestamp": [hour(1), hour(2), hour(3)],
        "k": [1, 2, 1],
        "one__v": [1, 2, 1],
        "two__v": [10, None, 13],
    }


def test_a_range_of_time_over_different_entities_is_refused(tmp_path, weather):
    other = view(tmp_path, "other", {"k2": [1], "t": [hour(0)], "v": [1]}, keys=("k2",))

    with pytest.raises(Misconfigured, match="same entities"):
        retrieve(tmp_path, [weather, other], None, start_date=hour(0), end_date=hour(4))


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ([hour(1).isoformat(), "2020-01-01T00:00:00"], "some times have a zone and some have none"),
        (["noon", "later"], "not a time"),
    ],
)
def test_times_that_cannot_be_compared_are_refused(tmp_path, weather, times, reason):
    with pytest.raises(InvalidInput, match=reason):
        retrieve(tmp_path, [weather], pd.DataFrame({"k": [1, 1], "event_timestamp": times}))


def test_times_of_several_zones_are_compared_as_moments(tmp_path, weather):
    frame = pd.DataFrame({"k": [1, 1], "event_timestamp": ["2020-01-01T01:30:00+00:00", "2019-12-31T21:30:00-05:00"]})

    assert _values(retrieve(tmp_path, [weather], frame).to_arrow(), "v") == [10, 12]


def test_a_frame_without_times_is_refused(tmp_path, weather):
    with pytest.raises(InvalidInput, match="no column of times"):
        retrieve(tmp_path, [weather], pd.DataFrame({"k": [1]}))


def test_a_key_of_another_type_is_refused_with_view_and_column(tmp_path, weather):
    with pytest.raises(InvalidInput, match=r"weather:k"):
        retrieve(tmp_path, [weather], _frame([{"k": "1", "event_timestamp": hour(1)}]))


def test_a_missing_file_is_refused_with_the_view(tmp_path, weather):
    (tmp_path / "weather.parquet").unlink()

    with pytest.raises(InvalidInput, match=r"'weather'.*does not exist"):
        retrieve(tmp_path, [weather], _frame([{"k": 1, "event_timestamp": hour(1)}]))


def test_an_empty_frame_gives_an_empty_answer_with_all_columns(tmp_path, weather):
    empty = _frame([{"k": 1, "event_timestamp": hour(1)}]).iloc[:0]

    frame = retrieve(tmp_path, [weather], empty).to_df()

    assert list(frame.columns) == ["k", "event_timestamp", "v"]
    assert frame.empty


def test_a_column_that_the_frame_has_already_is_refused(tmp_path, weather):
    with pytest.raises(InvalidInput, match="full names"):
        retrieve(tmp_path, [weather], _frame([{"k": 1, "v": 1, "event_timestamp": hour(1)}]))


def test_columns_that_are_no_keys_pass_through_unchanged(tmp_path, weather):
    frame = _frame([{"k": 1, "event_timestamp": hour(1), "tags": ["a", "b"], "text": "x"}])

    assert retrieve(tmp_path, [weather], frame).to_arrow().to_pylist()[0]["tags"] == ["a", "b"]


def test_missing_integer_keys_that_pandas_made_floats_find_nothing_but_stay(tmp_path, weather):
    frame = pd.DataFrame({"k": [1.0, None], "event_timestamp": pd.to_datetime([hour(3)] * 2)})

    assert _values(retrieve(tmp_path, [weather], frame).to_arrow(), "v") == [12, None]
