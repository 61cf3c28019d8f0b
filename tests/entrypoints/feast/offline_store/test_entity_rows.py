"""What may ask for features, and what is refused with a sentence before anything is read."""

import dask.dataframe as dd
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.errors import InvalidInput, UnknownReference
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view
from tests.entrypoints.feast.offline_store.repository import frame

NANOSECOND = pl.Series([1_577_836_800_000_000_001]).cast(pl.Datetime("ns", "UTC"))


@pytest.fixture
def weather(tmp_path):
    return view(tmp_path, "weather", {"k": [1, 1], "t": [hour(0), hour(2)], "v": [10, 12]})


def _retrieve(folder, views, asked, **options):
    refs = [f"{one.name}:v" for one in views]
    return HandrailOfflineStore.get_historical_features(
        config(folder), views, refs, asked, NO_ON_DEMAND_VIEWS, "made", **options
    ).to_arrow()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pl.from_pandas, "polars DataFrame"),
        (pa.Table.from_pandas, "pyarrow Table"),
        (lambda rows: dd.from_pandas(rows, npartitions=1), "dask"),
        (lambda rows: rows.to_dict("records"), "builtins list"),
    ],
)
def test_another_kind_of_frame_is_refused_by_its_name(tmp_path, weather, make, kind):
    with pytest.raises(InvalidInput, match=rf"{kind}.*Give a pandas frame"):
        _retrieve(tmp_path, [weather], make(frame((1, 3))))


@pytest.mark.parametrize("times", [[1_577_844_000], [1.5], [True]])
def test_numbers_are_no_times(tmp_path, weather, times):
    with pytest.raises(InvalidInput, match="event_timestamp.*numbers"):
        _retrieve(tmp_path, [weather], pd.DataFrame({"k": [1], "event_timestamp": times}))


def test_two_columns_of_one_name_are_refused(tmp_path, weather):
    with pytest.raises(InvalidInput, match="entity_df:k: two columns"):
        _retrieve(tmp_path, [weather], pd.concat([frame((1, 3)), frame((1, 3))], axis=1))


def test_a_frame_made_of_empty_lists_gives_an_empty_answer(tmp_path, weather):
    table = _retrieve(tmp_path, [weather], pd.DataFrame({"k": [], "event_timestamp": []}))

    assert (table.num_rows, table.column_names) == (0, ["k", "event_timestamp", "v"])


def test_a_row_without_a_time_stays_and_finds_nothing(tmp_path, weather):
    asked = pd.DataFrame({"k": [1, 1], "event_timestamp": pd.to_datetime([hour(3), None])})

    assert _retrieve(tmp_path, [weather], asked).column("v").to_pylist() == [12, None]


@pytest.mark.parametrize("dtype", ["category", "string[pyarrow]", "object"])
def test_text_of_any_pandas_kind_is_a_key(tmp_path, dtype):
    named = view(tmp_path, "weather", {"k": ["a", "b"], "t": [hour(0)] * 2, "v": [1, 2]})
    asked = frame((1, 3), (2, 3), (3, 3)).assign(k=pd.Series(["b", "z", None], dtype=dtype))

    assert _retrieve(tmp_path, [named], asked).column("v").to_pylist() == [2, None, None]


@pytest.mark.parametrize("end", ["", ";", " -- a remark", " -- a remark\n"])
def test_a_query_may_end_in_a_remark(tmp_path, weather, end):
    sql = f"select 1 as k, timestamptz '2020-01-01 03:00:00+00' as event_timestamp{end}"

    assert _retrieve(tmp_path, [weather], sql).column("v").to_pylist() == [12]


@pytest.mark.parametrize(
    "sql", ["drop table x", "select 1 as k", "select 1 as k, 2 as k", "select * from read_parquet('none.parquet')"]
)
def test_a_query_that_gives_no_rows_with_times_is_refused(tmp_path, weather, sql):
    with pytest.raises(InvalidInput, match="entity_df"):
        _retrieve(tmp_path, [weather], sql)


def test_a_range_of_time_sees_what_happened_within_a_microsecond(tmp_path):
    exact = view(tmp_path, "weather", {"k": [1], "t": NANOSECOND, "v": [7]})

    table = _retrieve(tmp_path, [exact], None, start_date=hour(0), end_date=hour(1))

    assert table.column("v").to_pylist() == [7]


def test_a_range_of_time_over_keys_of_two_types_is_refused(tmp_path, weather):
    other = view(tmp_path, "other", {"k": ["1"], "t": [hour(0)], "v": [1]})

    with pytest.raises(InvalidInput, match="other:k"):
        _retrieve(tmp_path, [weather, other], None, full_feature_names=True, start_date=hour(0), end_date=hour(1))


@pytest.mark.parametrize("lost", ["k", "t"])
def test_a_range_of_time_over_a_view_that_lacks_a_column_names_it(tmp_path, weather, lost):
    pl.read_parquet(tmp_path / "weather.parquet").drop(lost).write_parquet(tmp_path / "weather.parquet")

    with pytest.raises(UnknownReference, match=rf"'weather'.*'{lost}'"):
        _retrieve(tmp_path, [weather], None, start_date=hour(0), end_date=hour(1))


def test_a_range_of_time_in_which_nothing_happened_is_empty(tmp_path, weather):
    table = _retrieve(tmp_path, [weather], None, start_date=hour(5), end_date=hour(6))

    assert (table.num_rows, table.column_names) == (0, ["event_timestamp", "k", "v"])
