"""The rows of a retrieval reach the MLflow run that they train, with nothing to write."""

import json

import mlflow
import pytest

from handrail.entrypoints.feast.provider import rows_of
from tests.entrypoints.feast.provider.shop import asked, open_shop

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", uri)
        yield


@pytest.fixture
def read(tracked, project):
    shop = open_shop(project / "features")
    return shop.get_historical_features(entity_df=asked(), features=shop.get_feature_service("checkout"))


def inputs_of(run):
    return [json.loads(each.dataset.source) for each in mlflow.get_run(run.info.run_id).inputs.dataset_inputs]


def test_a_run_that_is_active_used_the_rows(read, told):
    with mlflow.start_run() as run:
        frame = read.to_df()

    (uri,) = told.lineage._ports.graph.find("mlflow://", 10)
    assert uri.endswith(f"/run/{run.info.run_id}")
    assert told.causes(uri)["feature-rows"][0].uri == rows_of(frame).uri


def test_rows_that_were_read_before_the_run_are_named_where_they_are_logged(read):
    frame = read.to_df()

    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, targets="amount", name="train"), context="training")

    assert [source["uri"] for source in inputs_of(run)] == [rows_of(frame).uri]


def test_what_the_caller_names_as_the_source_stays(read):
    frame = read.to_df()

    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, "s3://lake/x.csv"))
        mlflow.log_input(mlflow.data.from_pandas(frame, source="s3://lake/y.csv", name="y"))

    assert sorted(source["uri"] for source in inputs_of(run)) == ["s3://lake/x.csv", "s3://lake/y.csv"]


def test_a_frame_that_feast_did_not_return_has_mlflows_own_source(read):
    frame = read.to_df()

    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame.copy(), name="copy"))

    assert [source.get("uri") for source in inputs_of(run)] == [None]
    assert mlflow.data.from_pandas.__name__ == "from_pandas"
