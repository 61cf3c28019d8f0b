"""Promotion step by step against a real MLflow server with the Handrail app, on a small trained project."""

import json
import shutil
from pathlib import Path

import httpx
import pytest
import yaml

from flows.steps.project.accounts import read_account, tracking_environment
from flows.steps.release import promote
from flows.steps.stages import run_stage
from handrail.bootstrap.approvals import open_permit_verifier, tree_digest
from handrail.entrypoints.http.gate_client import GateClient
from handrail.errors import Misconfigured, Refused, Unavailable
from handrail.settings import load_settings
from infra.servers.supervisor import Servers, with_free_ports
from tests.fakes.training_project import write_project

ROOT = Path(__file__).resolve().parents[3]
ACCOUNTS = {"author": "ada", "engineer": "ben", "business": "cleo"}
PERSONS = {
    "Ada": {"accounts": ["ada"], "roles": ["data-scientist"]},
    "Ben": {"accounts": ["ben"], "roles": ["ml-engineer"]},
    "Cleo": {"accounts": ["cleo"], "roles": ["business-stakeholder"]},
}
POLICY = {
    "version": 1,
    "alias": "champion",
    "quorum": {"ml-engineer": 1, "business-stakeholder": 1},
    "rules": [
        {"measure": "parity.max_difference", "at_most": 1.0e-5, "because": "served bytes score alike"},
        {"measure": "evaluation.roc_auc", "at_least": 0.5, "because": "better than a coin"},
    ],
}
REASON = "trained by a test"


def _write_config(config):
    (config / "policies").mkdir(parents=True, exist_ok=True)
    (config / "policies" / "champion.yaml").write_text(yaml.safe_dump(POLICY))
    (config / "roles.yaml").write_text(yaml.safe_dump({"version": 1, "persons": PERSONS}))
    shutil.copy(ROOT / "config" / "feedback.yaml", config)


def _make_accounts(settings):
    admin = read_account(settings, "mlflow-admin")
    for file, account in ACCOUNTS.items():
        login = {"username": account, "password": f"{account}-{'x' * 14}"}
        (settings.credentials / f"{file}.json").write_text(json.dumps(login))
        made = httpx.post(
            f"{settings.url('mlflow')}/api/2.0/mlflow/users/create",
            json=login,
            auth=(admin.username, admin.password),
            timeout=60,
        )
        assert made.status_code == 200, made.text


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A trained project and a running MLflow server with an author and two approvers."""
    folder = tmp_path_factory.mktemp("promote")
    project = write_project(folder / "project", rows=600)
    _write_config(project / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(folder / "home"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with Servers(with_free_ports(load_settings())) as servers:
            servers.start("mlflow")
            for stage in ("train", "evaluate", "package"):
                run_stage(stage, project)
            servers.wait_ready("mlflow", 240)
            _make_accounts(servers.settings)
            yield servers.settings


def _ask(settings, registered, comparison=None):
    evidence = promote.read_evidence(settings.project, comparison)
    return promote.open_request(settings, registered, "author", "champion", (REASON, evidence))


def _approve(settings, request, file):
    login = read_account(settings, file)
    with GateClient(settings.url("mlflow"), login.username, login.password) as gate:
        return gate.decide(request["request_id"], "approve", "looked at it")


def test_a_tree_becomes_one_version_is_asked_for_signed_off_and_permitted(settings):
    registered = promote.register(settings, settings.project, "author")
    again = promote.register(settings, settings.project, "author")

    request = _ask(settings, registered)
    same = _ask(settings, registered)
    still_open = promote.wait_for_decision(settings, "author", request["request_id"], within_s=0)
    _approve(settings, request, "engineer")
    _approve(settings, request, "business")
    decided = promote.wait_for_decision(settings, "author", request["request_id"], within_s=60)
    permit = promote.fetch_permit(settings, "author", decided)
    permit.unlink()
    fetched = promote.fetch_permit(settings, "author", decided)

    assert registered == again
    assert registered.version == 1
    assert registered.tree_digest == tree_digest(settings.project / promote.TREE) == request["tree_digest"]
    assert same["request_id"] == request["request_id"]
    assert promote.is_open(still_open)
    assert decided["verdict"] == "promoted"
    assert open_permit_verifier(settings).read(fetched).tree_digest == registered.tree_digest


def test_an_open_request_has_no_permit_and_says_what_is_missing(settings):
    registered = promote.register(settings, settings.project, "author", model="undecided")
    request = _ask(settings, registered)

    with pytest.raises(Refused, match="Promoting undecided version 1 is refused"):
        promote.fetch_permit(settings, "author", request)


def test_the_comparison_reaches_those_who_decide(settings):
    evidence = promote.read_evidence(settings.project, {"ci_low": -0.001})

    assert set(evidence) == {"evaluation", "parity", "comparison"}
    assert evidence["comparison"] == {"ci_low": -0.001}


def test_another_tree_than_the_packaged_one_is_refused(settings):
    registered = promote.register(settings, settings.project, "author", model="swapped")
    other = promote.Registered(registered.model, registered.version, registered.run_id, f"sha256:{'0' * 64}")

    with pytest.raises(Refused, match="The server holds sha256:"):
        _ask(settings, other)


def test_without_a_packaged_tree_the_remedy_is_named(settings, tmp_path):
    with pytest.raises(Unavailable, match="no packaged model.*dvc repro"):
        promote.register(settings, tmp_path, "author")
    with pytest.raises(Unavailable, match=r"evaluate\.json: this evidence is missing"):
        promote.read_evidence(tmp_path)


def test_an_account_file_is_needed_and_named(settings):
    with pytest.raises(Misconfigured, match=r"nobody\.json: there is no such account file"):
        read_account(settings, "nobody")
    with pytest.raises(Misconfigured, match="no name of a credentials file"):
        read_account(settings, "../roles")


def test_without_an_account_stages_keep_their_local_store(settings):
    assert tracking_environment(settings, None) == {}


def test_a_password_never_shows(settings):
    assert "xxxx" not in repr(read_account(settings, "author"))
