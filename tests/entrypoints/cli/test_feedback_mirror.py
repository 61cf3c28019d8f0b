"""`handrail feedback mirror`, as a user types it."""

import json

from mlflow import MlflowClient

from handrail.bootstrap import open_platform
from tests.entrypoints.cli.test_feedback import OUTCOME, PREDICTION, project, run
from tests.fakes.mlflow_database import with_tables

__all__ = ["project"]


def test_a_version_shows_how_it_does_and_a_second_run_changes_nothing(project, tmp_path):
    uri = with_tables(tmp_path / "mlflow.db")
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_registered_model("flights")
    client.create_model_version("flights", str(tmp_path))
    run("import", "-", text=json.dumps(PREDICTION) + "\n" + json.dumps(OUTCOME))
    with open_platform() as platform:
        platform.feedback.register_deployment(PREDICTION["deployment"], None, "models:/flights/1")

    first = json.loads(run("mirror", "--tracking-uri", uri, "--as-of", "2013-09-05", "--json").stdout)
    shown = client.get_model_version("flights", "1").tags
    again = run("mirror", "--tracking-uri", uri, "--as-of", "2013-09-05").stdout

    assert [(each["name"], each["version"]) for each in first] == [("flights", 1)]
    assert shown["production.ground_truth.coverage"] == "1"
    assert again == f"flights/1: {first[0]['tags']} tags\n"
    assert client.get_model_version("flights", "1").tags == shown


def test_without_a_registered_version_nothing_is_written(project):
    run("import", "-", text=json.dumps(PREDICTION))

    assert "No deployment of a registered version has predictions." in run("mirror").stdout
