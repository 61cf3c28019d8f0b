"""The repository applied once for the tests that only read it."""

import pytest

from tests.entrypoints.feast.offline_store.repository import applied


@pytest.fixture(scope="package")
def ours(tmp_path_factory):
    """Return a FeatureStore with this offline store; for reading."""
    return applied(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="package")
def theirs(tmp_path_factory):
    """Return a FeatureStore with Feast's DuckDB store over the same rows; for reading."""
    return applied(tmp_path_factory.mktemp("theirs"), "duckdb")
