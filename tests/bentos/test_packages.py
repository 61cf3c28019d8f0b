"""Packages written from the deployed bento: a device answers the same rows as the bento does, bit for bit."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from bentos.flights.messages import flight_of
from feature_repo.online import online
from feature_repo.store import apply, open_feature_store, service_identity
from handrail.bootstrap import open_platform
from handrail.delivery import Deployed
from handrail.entrypoints.bentoml.features import FeatureRepo, OnlineFeatures
from handrail.entrypoints.cli import build
from handrail.entrypoints.http.serving_token import serving_token
from handrail.lineage.adapters.bento_store import bento_digest
from handrail.settings import Settings
from handrail.use_case import read_use_case
from infra.servers.supervisor import Servers, address_of
from tests.bentos.test_served_bento import eventually
from tests.fakes.bare_python import bare_packages, run
from tests.fakes.bento_project import NOON, flight

ASKED = [
    flight(9_501, distance=2500),
    flight(9_502, distance=100),
    flight(9_503, tailnum=None),
    flight(9_504, carrier="ZZ", flight_id="2013-08-01:ZZ:9504:1015:EWR"),
]
"""Flights that no other test asks this bento about: what was answered once stays recorded as it was."""


@pytest.fixture
def package(project: Settings, deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Package what is deployed for a device, by the command, and return what it said."""
    for name in ("project", "home"):
        monkeypatch.setenv(f"HANDRAIL_{name.upper()}", str(getattr(project, name)))
    done = CliRunner().invoke(build(), ["delivery", "package", "edge", "--to", str(tmp_path / "edge.tar"), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def columns_of(project: Settings, bodies: list[dict[str, Any]], scoring: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the features that the bento looks up for these requests at noon, as columns."""
    case, repo = read_use_case(project.project), FeatureRepo(open_feature_store, apply, service_identity, online)
    look_up = OnlineFeatures(project, case, repo, scoring["feature_service"])
    items = [vars(flight_of(case).model_validate_json(json.dumps(body))) for body in bodies]
    return {
        name: [getattr(v, "item", lambda v=v: v)() for v in values]
        for name, values in look_up(items, NOON).columns.items()
    }


def test_a_device_answers_as_the_bento_does(
    served: Servers, project: Settings, package: dict[str, Any], tmp_path: Path
) -> None:
    with tarfile.open(package["file"]) as archive:
        archive.extractall(tmp_path / "device", filter="data")
    scoring = json.loads((tmp_path / "device" / "model" / "scoring.json").read_text())
    headers = {"Authorization": f"Bearer {serving_token(project)}"}
    with open_platform(project) as platform:
        platform.event_clock.set(NOON)
        url = address_of(served.settings, "bento") + "/predict"
        bento = httpx.post(url, json={"flights": ASKED}, headers=headers, timeout=60, trust_env=False).json()
        recorded = [
            eventually(lambda p=p: platform.feedback.find_prediction(p["prediction_id"])) for p in bento["predictions"]
        ]
    columns = columns_of(project, ASKED, scoring)
    rows = [
        {"subject": body["flight_id"], **{name: columns[name][place] for name in scoring["features"]}}
        for place, body in enumerate(ASKED)
    ]

    done = run(
        bare_packages(tmp_path / "packages"),
        *(str(tmp_path / "device" / "edge.py"), "--use", package["use"], "--key-id", package["key_id"]),
        sent="".join(json.dumps(row) + "\n" for row in rows),
    )

    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["subject"] for one in answers] == [one["flight_id"] for one in bento["predictions"]]
    assert [one["features_digest"] for one in answers] == [one.features_digest for one in recorded]
    assert [one["score"] for one in answers] == pytest.approx([one.score for one in recorded], rel=1e-6)
    assert [one["label"] for one in answers] == [one.label for one in recorded]
    assert package["model_version"] == bento["model_version"]


def test_an_image_and_manifests_are_written_of_what_is_deployed(
    package: dict[str, Any], deployed: Deployed, tmp_path: Path
) -> None:
    digest = "sha256:" + "0" * 64
    image, manifests = tmp_path / "image", tmp_path / "manifests.yaml"
    commands = [
        ["container", "--base", f"localhost/python@{digest}", "--to", str(image)],
        ["kubernetes", "--image", f"localhost/bento@{digest}", "--to", str(manifests)],
    ]

    done = [CliRunner().invoke(build(), ["delivery", "package", *command]) for command in commands]

    assert [one.exit_code for one in done] == [0, 0], [(one.output, one.exception) for one in done]
    documents = list(yaml.safe_load_all(manifests.read_text()))
    assert [kubernetes_validate.validate(one, "1.34", strict=True) for one in documents]
    (pod,) = [one["spec"]["template"] for one in documents if one["kind"] == "Deployment"]
    assert pod["metadata"]["annotations"]["handrail/model-version"] == deployed.model_version
    locked = (image / "requirements.lock").read_text()
    assert {"bentoml", "onnxruntime", "feast", "psycopg"} <= {line.partition("==")[0] for line in locked.splitlines()}
    assert "./handrail-" in locked
    assert (image / "bento" / "src" / "permit.json").is_file()
    # A replica records the bento that it serves by its digest.
    assert bento_digest(image / "bento") == deployed.bento_digest
    again = CliRunner().invoke(build(), ["delivery", "package", *commands[0]])
    assert "It is not empty" in str(again.exception)
