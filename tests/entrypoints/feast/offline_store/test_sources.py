"""Where rows are read from: files, folders, partitions, globs, URLs, and files that do not agree."""

from datetime import timedelta, timezone

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.entrypoints.feast.offline_store import HandrailOfflineStore
from handrail.errors import InvalidInput, Misconfigured
from tests.entrypoints.feast.offline_store.made import NO_ON_DEMAND_VIEWS, config, hour, view

ONE = {"k": [1], "t": [hour(0)], "v": [0]}


@pytest.fixture
def weather(tmp_path):
    return view(tmp_path, "weather", ONE)


def _values(folder, weather, path=None, features=("v",)):
    if path is not None:
        weather.batch_source.file_options.uri = str(path)
    asked = pd.DataFrame({"k": [1, 1], "event_timestamp": pd.to_datetime([hour(0), hour(2)])})
    refs = [f"weather:{name}" for name in features]
    job = HandrailOfflineStore.get_historical_features(
        config(folder), [weather], refs, asked, NO_ON_DEMAND_VIEWS, "made"
    )
    return [job.to_arrow().column(name).to_pylist() for name in features]


def _write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(ONE | columns).write_parquet(path)


def test_partitions_in_folder_names_are_columns(tmp_path, weather):
    for year, at in ((2019, 0), (2020, 1)):
        _write(tmp_path / "h" / f"year={year}" / "a.parquet", t=[hour(at)], v=[at])

    assert _values(tmp_path, weather, tmp_path / "h", ("v", "year")) == [[0, 1], [2019, 2020]]


def test_a_folder_above_the_source_is_no_partition(tmp_path, weather):
    _write(tmp_path / "v=9" / "many" / "a.parquet", v=[5])

    assert _values(tmp_path, weather, tmp_path / "v=9" / "many") == [[5, 5]]


@pytest.mark.parametrize("path", ["w[eather] *?/a.parquet", "w[eather] *?"])
def test_signs_of_a_pattern_in_a_name_are_taken_as_they_are(tmp_path, weather, path):
    _write(tmp_path / "w[eather] *?" / "a.parquet", v=[5])

    assert _values(tmp_path, weather, tmp_path / path) == [[5, 5]]


@pytest.mark.parametrize("pattern", ["?.parquet", "[ab].parquet", "*.parquet"])
def test_a_pattern_reads_what_it_matches(tmp_path, weather, pattern):
    _write(tmp_path / "many" / "a.parquet", v=[5])

    assert _values(tmp_path, weather, tmp_path / "many" / pattern) == [[5, 5]]


def test_a_file_url_is_a_path(tmp_path, weather):
    _write(tmp_path / "a b.parquet", v=[5])

    assert _values(tmp_path, weather, f"file://{tmp_path}/a%20b.parquet") == [[5, 5]]


@pytest.mark.parametrize("url", ["http://host/a.parquet", "abfs://box/a.parquet"])
def test_another_store_of_objects_is_refused_with_its_scheme(tmp_path, weather, url):
    with pytest.raises(Misconfigured, match=rf"'weather'.*{url.split(':')[0]}://"):
        _values(tmp_path, weather, url)


def test_a_source_of_no_kind_is_refused(tmp_path, weather):
    weather.batch_source = None

    with pytest.raises(Misconfigured, match="'weather'.*FileSource"):
        _values(tmp_path, weather)


@pytest.mark.parametrize("pattern", ["none/*.parquet", "empty"])
def test_a_source_without_files_is_refused_with_the_view(tmp_path, weather, pattern):
    (tmp_path / "empty").mkdir()

    with pytest.raises(InvalidInput, match="'weather'"):
        _values(tmp_path, weather, tmp_path / pattern)


def test_a_broken_file_is_refused_with_the_view(tmp_path, weather):
    (tmp_path / "weather.parquet").write_bytes(b"PAR1 and nothing else PAR1")

    with pytest.raises(InvalidInput, match="'weather'.*cannot be read"):
        _values(tmp_path, weather)


def test_a_later_file_may_have_more_columns_in_another_order(tmp_path, weather):
    _write(tmp_path / "many" / "a.parquet")
    pl.DataFrame({"new": [1], "v": [2], "t": [hour(1)], "k": [1]}).write_parquet(tmp_path / "many" / "b.parquet")

    assert _values(tmp_path, weather, tmp_path / "many") == [[0, 2]]


def test_a_source_whose_zone_is_an_offset_is_refused_with_the_remedy(tmp_path, weather):
    times = pa.array([hour(0)], pa.timestamp("us", "+05:30"))
    pq.write_table(pa.table({"k": [1], "t": times, "v": [1]}), tmp_path / "weather.parquet")

    with pytest.raises(InvalidInput, match=r"'weather'.*offset.*UTC"):
        _values(tmp_path, weather)


def test_rows_at_an_offset_are_compared_as_moments_and_come_back_as_they_were(tmp_path, weather):
    zone = timezone(timedelta(hours=5, minutes=30))
    asked = pd.DataFrame({"k": [1, 1], "event_timestamp": pd.to_datetime([hour(n).astimezone(zone) for n in (-1, 1)])})

    job = HandrailOfflineStore.get_historical_features(
        config(tmp_path), [weather], ["weather:v"], asked, NO_ON_DEMAND_VIEWS, "made"
    )

    assert job.to_arrow().column("v").to_pylist() == [None, 0]
    assert str(job.to_arrow().schema.field("event_timestamp").type) == "timestamp[ns, tz=+05:30]"
    assert job.to_polars()["v"].to_list() == [None, 0]


def test_column_names_may_hold_quotes_and_spaces(tmp_path):
    odd = view(tmp_path, "weather", {"the \"k'": [1], "t": [hour(0)], 'a "v" b': [5]}, ("the \"k'",), ('a "v" b',))
    sql = 'select 1 as "the ""k\'", timestamptz \'2020-01-01 01:00:00+00\' as "at ""it"'

    job = HandrailOfflineStore.get_historical_features(
        config(tmp_path), [odd], ['weather:a "v" b'], sql, NO_ON_DEMAND_VIEWS, "made"
    )

    assert job.to_arrow().column('a "v" b').to_pylist() == [5]


def test_partitions_below_a_folder_named_like_one_are_columns(tmp_path, weather):
    _write(tmp_path / "v=9" / "h" / "year=2020" / "a.parquet", v=[5])

    assert _values(tmp_path, weather, tmp_path / "v=9" / "h", ("v", "year")) == [[5, 5], [2020, 2020]]
