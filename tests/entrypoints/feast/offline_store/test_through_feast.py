"""Retrieval through a real FeatureStore equals Feast's DuckDB store, value by value and row by row."""

import pandas as pd
import pytest

from handrail.errors import InvalidInput, Misconfigured, UnknownReference
from tests.entrypoints.feast.offline_store.made import hour
from tests.entrypoints.feast.offline_store.repository import frame

pytestmark = pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature:RuntimeWarning")

ROWS = ((1, 3), (2, 1), (1, -1), (7, 2), (1, 3), (1, 5), (1, 6))
ASKED = frame(*ROWS, c=list("aabbaaa"), extra=list(range(7)))
ROUTES = pd.DataFrame({"origin": [1, 2], "dest": [2, 1], "event_timestamp": pd.to_datetime([hour(2)] * 2)})


def _rows(store, asked, features, **options):
    """Return the columns' names, and the rows with missing values as None."""
    if isinstance(features, str):
        features = store.get_feature_service(features)
    table = store.get_historical_features(asked.copy(), features, **options).to_arrow()
    return table.column_names, table.to_pylist()


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "features",
    [
        ["weather:v", "weather:gust"],
        ["everywhere:level"],
        ["everywhere:level", "pairs:delay", "weather:v"],
        ["in_pandas:total"],
        ["in_python:both", "weather:gust"],
        ["of_request:twice"],
        ["of_lists:thrice", "weather:v"],
        ["in_pandas:total", "in_python:both", "of_request:twice", "pairs:delay"],
    ],
)
def test_retrieval_equals_the_duckdb_store(ours, theirs, features, full):
    asked = ASKED.assign(row=range(len(ASKED)))

    names, rows = _rows(ours, asked, features, full_feature_names=full)

    their_names, their_rows = _rows(theirs, asked, features, full_feature_names=full)
    assert names == their_names
    assert rows == sorted(their_rows, key=lambda row: row["row"])


def test_a_service_with_aliases_and_join_key_maps_equals_the_duckdb_store(ours, theirs):
    names, rows = _rows(ours, ROUTES, "route", full_feature_names=True)

    their_names, their_rows = _rows(theirs, ROUTES, "route", full_feature_names=True)
    assert names == their_names
    assert rows == sorted(their_rows, key=lambda row: row["origin"])
    assert [(row["here__v"], row["there__v"]) for row in rows] == [(12, 21), (21, 12)]


def test_values_created_later_are_hidden_as_in_the_duckdb_store(ours, theirs):
    asked = frame((1, 3), (2, 1), (3, 1))

    _, rows = _rows(ours, asked, ["weather:v", "weather:gust"], filter_by_created_timestamp=True)

    _, their_rows = _rows(theirs, asked, ["weather:v", "weather:gust"], filter_by_created_timestamp=True)
    assert rows == sorted(their_rows, key=lambda row: row["k"])
    assert [row["gust"] for row in rows] == [1.0, None, 4.0]


def test_a_range_of_time_asks_through_feast(ours):
    job = ours.get_historical_features(None, ["weather:v", "weather:gust"], start_date=hour(1), end_date=hour(2))

    assert job.to_arrow().to_pydict() == {
        "event_timestamp": [hour(1), hour(1), hour(2)],
        "k": [2, 3, 1],
        "v": [21, None, 12],
        "gust": [3.0, 4.0, 2.0],
    }


def test_a_view_without_entities_answers_for_a_range_of_time(ours):
    job = ours.get_historical_features(None, ["everywhere:level"], start_date=hour(0), end_date=hour(1))

    assert job.to_arrow().column("level").to_pylist() == [100]


def test_a_range_of_time_needs_a_view_with_a_source(ours):
    with pytest.raises(Misconfigured, match="no feature view with a source"):
        ours.get_historical_features(None, ["of_request:twice"], start_date=hour(0), end_date=hour(1))


def test_an_sql_query_asks_through_feast(ours):
    sql = "select 1 as k, timestamptz '2020-01-01 03:00:00+00' as event_timestamp, 5 as extra -- of one airport"

    job = ours.get_historical_features(sql, ["in_pandas:total"])

    assert job.to_arrow().column("total").to_pylist() == [17]


def test_a_missing_key_column_is_named_with_the_view(ours):
    with pytest.raises(UnknownReference, match=r"'c'.*'pairs'"):
        ours.get_historical_features(frame((1, 3)), ["pairs:delay"])


def test_a_key_of_another_type_is_named_with_the_view(ours):
    with pytest.raises(InvalidInput, match=r"weather:k.*Int64.*String"):
        ours.get_historical_features(frame(("1", 3)), ["weather:v"])


def test_a_versioned_reference_is_called_by_the_views_name(ours):
    view = ours.get_feature_view("weather")
    view.projection.version_tag = 0

    job = ours._get_provider().get_historical_features(
        ours.config, [view], ["weather@v0:v"], frame((1, 3)), ours.registry, ours.project, True
    )

    assert job.to_arrow().column("weather__v").to_pylist() == [12]
