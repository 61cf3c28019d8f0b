"""`feast://` as an MLflow dataset source: it names features; what they were read from is in lineage."""

import subprocess
import sys

import mlflow
import pandas as pd
import pytest
from mlflow.data.dataset_source_registry import get_dataset_source_from_json, resolve_dataset_source

from handrail.entrypoints.mlflow.feast_sources import FeastDatasetSource
from handrail.errors import InvalidInput, Unavailable
from handrail.refs import FeatureService

HASH = "5" * 64
SERVICE = FeatureService("my shop", "check/out", HASH).uri
RETRIEVAL = "feast://shop/retrieval/0123456789abcdef"


def test_a_service_is_named_by_its_specification():
    source = resolve_dataset_source(SERVICE)

    assert isinstance(source, FeastDatasetSource)
    assert source.to_dict() == {
        "uri": SERVICE,
        "project": "my shop",
        "service": "check/out",
        "spec_hash": HASH,
        "retrieval": None,
    }


@pytest.mark.parametrize("uri", [RETRIEVAL, f"{RETRIEVAL}/rows"])
def test_a_retrieval_is_named_by_its_rows(uri):
    source = resolve_dataset_source(uri)

    assert source.uri == f"{RETRIEVAL}/rows"
    assert (source.project, source.retrieval, source.service) == ("shop", "0123456789abcdef", None)


def test_the_rows_of_a_service_are_named_with_both():
    source = FeastDatasetSource("shop", "checkout", HASH, "0123456789abcdef")

    back = get_dataset_source_from_json(source.to_json(), source._get_source_type())

    assert back.to_dict() == source.to_dict()
    assert back.uri == f"{RETRIEVAL}/rows"
    assert back.service == "checkout"


def test_a_frame_is_logged_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    frame = pd.DataFrame({"amount": [1.0]})

    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, source=RETRIEVAL))

    (kept,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert kept.dataset.source_type == "feast"
    assert f'"{RETRIEVAL}/rows"' in kept.dataset.source


@pytest.mark.parametrize("uri", [SERVICE, RETRIEVAL])
def test_loading_says_how_to_read_again(uri):
    with pytest.raises(Unavailable, match="entity rows that it was read for are not kept") as caught:
        resolve_dataset_source(uri).load()

    assert "get_historical_features" in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    ["feast://", "feast://shop", "feast://shop/feature_service/checkout", f"feast://shop/feature_view/orders@{HASH}"],
)
def test_what_names_no_features_is_one_sentence(uri):
    with pytest.raises(InvalidInput, match="neither a feature service"):
        FeastDatasetSource._resolve(uri)
    with pytest.raises(InvalidInput, match="neither a feature service"):
        FeastDatasetSource.from_dict({"uri": uri})


def test_naming_features_loads_no_feast():
    code = f"import mlflow.data, sys; from mlflow.data.dataset_source_registry import resolve_dataset_source as r; \
r({SERVICE!r}).to_json(); print('feast' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
