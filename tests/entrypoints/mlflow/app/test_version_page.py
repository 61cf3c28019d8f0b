"""What MLflow's own page of a model version asks the server for."""

from __future__ import annotations

PAGE_ASKS = "/model-versions/get-artifact"
API = "/api/2.0/mlflow"


def test_a_version_that_names_the_place_of_its_files_shows_them(server, made):
    with server.person("ada") as http:
        place = http.get(f"{API}/runs/get", params={"run_id": made.run_id}).json()["run"]["info"]["artifact_uri"]
        body = {"name": made.name, "source": f"{place}/model", "run_id": made.run_id}
        version = http.post(f"{API}/model-versions/create", json=body).json()["model_version"]["version"]

        shown = http.get(PAGE_ASKS, params={"name": made.name, "version": version, "path": "MLmodel"})

    assert (shown.status_code, shown.content) == (200, b"flavors: sklearn\n")
