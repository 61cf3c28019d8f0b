"""A historical read through Feast is in lineage, with the bytes of every source before and after."""

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob

from handrail.entrypoints.feast.identity import spec_hash
from handrail.entrypoints.feast.offline_store.job import HandrailRetrievalJob
from handrail.entrypoints.feast.provider import record_file, retrieval_of, rows_of, same_rows
from handrail.errors import InvalidInput
from tests.entrypoints.feast.provider.shop import asked, open_shop, write_orders

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")


def sha256(file):
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def plan(shop, features="checkout", **options):
    features = shop.get_feature_service(features) if isinstance(features, str) else features
    return shop.get_historical_features(entity_df=asked(), features=features, **options)


def test_a_read_names_its_views_its_service_and_the_bytes_of_its_sources(shop, told):
    frame = plan(shop).to_df()

    uri = retrieval_of(frame)
    causes = told.causes(uri)
    orders = shop.repo_path / "orders.parquet"
    assert [node.digest for node in causes["dvc-data"]] == [sha256(orders)]
    md5 = hashlib.md5(orders.read_bytes()).hexdigest()
    assert causes["dvc-data"][0].uri == f"dvc://shop/features/orders.parquet@{md5}"
    hashes = {spec_hash(shop.get_feature_view("orders")), spec_hash(shop.get_on_demand_feature_view("share"))}
    assert {node.uri.partition("@")[2] for node in causes["feature-view"]} == hashes
    assert causes["feature-service"][0].uri.startswith("feast://shop/feature_service/checkout@")
    node = told.node(uri)
    expected = {"rows": "3", "entity_rows": "3", "features": "orders:amount,share:share", "outcome": "complete"}
    assert expected.items() <= node.attributes.items()
    assert node.started <= node.ended


def test_what_apply_registered_is_proven_to_be_what_was_read(shop, told):
    uri = retrieval_of(plan(shop, ["orders:amount"]).to_df())

    view = told.causes(uri)["feature-view"][0].uri

    assert told.proven(uri, view)
    assert list(told.causes(view)) == ["feature-apply"]


def test_nothing_is_recorded_before_the_read_runs_and_once_each_time_it_does(shop, told):
    before = len(told.uris("retrieval"))
    job = plan(shop)
    planned = len(told.uris("retrieval"))

    first, second = job.to_df(), job.to_df()

    assert planned == before
    assert len(told.uris("retrieval")) == before + 4, "two reads and their rows"
    assert retrieval_of(first) != retrieval_of(second)
    assert told.node(rows_of(first).uri).digest == told.node(rows_of(second).uri).digest


def test_the_users_frame_is_as_without_the_provider(shop, tmp_path):
    plain = FeatureStore(repo_path=str(shop.repo_path))
    plain.config.provider = "local"

    ours, theirs = plan(shop).to_df(), plan(plain).to_df()

    pd.testing.assert_frame_equal(ours, theirs)
    assert ours.attrs == {}, "pandas writes attrs into every parquet file, whose bytes would differ from run to run"
    ours.to_parquet(tmp_path / "ours.parquet")
    theirs.to_parquet(tmp_path / "theirs.parquet")
    assert sha256(tmp_path / "ours.parquet") == sha256(tmp_path / "theirs.parquet")


@pytest.mark.parametrize("way", ["to_df", "to_arrow", "to_feast_df", "to_polars"])
def test_every_way_to_run_a_job_is_recorded_once(shop, told, way):
    before = len(told.uris("retrieval"))
    job = plan(shop)

    result = getattr(job, way)()

    assert len(told.uris("retrieval")) == before + 2
    assert result is not None


def test_a_job_is_what_its_store_made(shop):
    job = plan(shop)

    assert isinstance(job, RetrievalJob)
    assert isinstance(job, HandrailRetrievalJob)
    assert job.metadata.features == ["orders:amount", "share:share"]
    assert job.full_feature_names is False
    assert [view.name for view in job.on_demand_feature_views] == ["share"]


def test_equal_rows_have_one_digest_however_they_come(shop, told):
    frame, table = plan(shop).to_df(), plan(shop).to_arrow()

    assert isinstance(table, pa.Table)
    digests = {told.node(rows_of(result).uri).digest for result in (frame, table)}
    assert len(digests) == 1
    assert digests.pop().startswith("sha256:")


@pytest.mark.parametrize("service", ["checkout", "shares", "orders_alone"])
def test_the_service_that_was_asked_for_is_distinguished_from_those_with_some_of_its_features(shop, told, service):
    frame = plan(shop, service).to_df()

    (found,) = told.causes(retrieval_of(frame))["feature-service"]
    assert found.uri.startswith(f"feast://shop/feature_service/{service}@")


def test_features_of_no_service_name_none(shop, told):
    frame = plan(shop, ["share:share", "clicks:clicks"]).to_df()

    causes = told.causes(retrieval_of(frame))
    assert "feature-service" not in causes
    assert len(causes["feature-view"]) == 3, "one of them because the share is computed from it"


def test_a_failing_read_raises_as_ever_and_is_recorded(project, told):
    shop = open_shop(project / "features")
    job = plan(shop, ["orders:amount"])
    (project / "features" / "orders.parquet").unlink()

    with pytest.raises(InvalidInput, match=r"orders\.parquet") as caught:
        job.to_df()

    (uri,) = told.uris("retrieval")
    node = told.node(uri)
    assert node.attributes["outcome"] == "failed"
    assert node.attributes["error"] == caught.type.__name__


class _Changing:
    """A store's job during which a source changes."""

    def __init__(self, job, change):
        self._job, self._change = job, change

    def to_arrow(self, **options):
        self._change()
        return self._job.to_arrow(**options)

    def __getattr__(self, name):
        return getattr(self._job, name)


def test_a_source_that_changes_during_the_read_is_there_twice_and_said(project, told, caplog):
    shop = open_shop(project / "features")
    orders = project / "features" / "orders.parquet"
    before, job = sha256(orders), plan(shop, ["orders:amount"])
    object.__setattr__(job, "_job", _Changing(job._job, lambda: write_orders(orders.parent, first=9.0)))

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        table = job.to_arrow()

    uri = retrieval_of(table)
    assert {node.digest for node in told.causes(uri)["dvc-data"]} == {before, sha256(orders)}
    assert told.node(uri).attributes["changed_sources"].startswith("dvc://shop/features/orders.parquet@")
    assert "orders.parquet" in caplog.text
    assert "changed while" in caplog.text


def test_a_source_that_changes_between_two_reads_is_distinguished(project, told):
    shop = open_shop(project / "features")
    first = retrieval_of(table := plan(shop, ["orders:amount"]).to_arrow())
    write_orders(project / "features", first=9.0)

    second = retrieval_of(again := plan(shop, ["orders:amount"]).to_arrow())

    assert told.causes(first)["dvc-data"][0].uri != told.causes(second)["dvc-data"][0].uri
    assert "changed_sources" not in told.node(second).attributes
    assert table is not again


def test_files_that_a_read_is_written_to_are_what_it_generated(shop, told, tmp_path):
    saved = shop.repo_path / "saved.parquet"
    plan(shop).persist(SavedDatasetFileStorage(path=str(saved)))
    rows = plan(shop).to_parquet(tmp_path / "elsewhere.parquet")

    md5 = hashlib.md5(saved.read_bytes()).hexdigest()
    made = told.causes(f"dvc://shop/features/saved.parquet@{md5}")
    assert list(made) == ["feature-retrieval"]
    digest = sha256(tmp_path / "elsewhere.parquet").removeprefix("sha256:")
    elsewhere = told.causes(f"feast://shop/data_source/elsewhere.parquet@{digest}")
    assert elsewhere["feature-retrieval"][0].attributes["rows"] == str(rows) == "3"


def test_a_file_of_the_users_own_making_leads_to_the_read(shop, told):
    frame = plan(shop).to_df()
    mine = same_rows(frame.drop(columns="basket"), of=frame)
    file = shop.repo_path / "mine.csv"
    mine.to_csv(file)

    record_file(file, mine)
    record_file(file, frame.copy())

    md5 = hashlib.md5(file.read_bytes()).hexdigest()
    causes = told.causes(f"dvc://shop/features/mine.csv@{md5}")
    assert [node.uri for node in causes["feature-rows"]] == [rows_of(frame).uri]
    assert retrieval_of(frame.copy()) is None, "Handrail cannot know what a frame was made of unless it is told"


def test_a_saved_dataset_is_made_as_ever(shop):
    saved = shop.create_saved_dataset(
        plan(shop), "kept", SavedDatasetFileStorage(path=str(shop.repo_path / "kept.parquet")), allow_overwrite=True
    )

    assert len(saved.to_df()) == 3


def test_feasts_duckdb_store_is_recorded_alike(project, told):
    shop = open_shop(project / "features", store="duckdb")

    frame = plan(shop).to_df()

    causes = told.causes(retrieval_of(frame))
    assert [node.digest for node in causes["dvc-data"]] == [sha256(project / "features" / "orders.parquet")]
    assert told.node(rows_of(frame).uri).attributes == {"rows": "3"}


def test_a_store_of_lineage_that_is_broken_breaks_no_read(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    shop = open_shop(tmp_path)
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "sqlite:////proc/nowhere/handrail.db")
    broken = FeatureStore(repo_path=str(tmp_path))

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        frame = plan(broken).to_df()
        broken.get_online_features(features=["orders:amount"], entity_rows=[{"customer": 1}])

    assert len(frame) == 3
    assert "Lineage does not know of feast://shop/retrieval/" in caplog.text
    assert len(plan(shop).to_df()) == 3


READ_ONCE = """
import sys
from pathlib import Path
from tests.entrypoints.feast.provider.shop import asked, open_shop
shop = open_shop(Path.cwd())
shop.get_historical_features(entity_df=asked(), features=["orders:amount"]).to_df()
print("loaded:", *{"mlflow", "prefect", "bentoml", "great_expectations", "evidently", "dvc"} & set(sys.modules))
"""


def test_the_provider_loads_no_other_tool(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}

    done = subprocess.run(
        [sys.executable, "-c", READ_ONCE], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
