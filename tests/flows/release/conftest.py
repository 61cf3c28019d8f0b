"""A small trained project, and a real MLflow server with the Handrail app where an author and two approvers work."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import yaml

from flows.steps.project.accounts import read_account
from flows.steps.release.desk import open_desk
from flows.steps.stages import run_stage
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


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A trained project and a running MLflow server with an author and two approvers.

    The environment names the project only while they are made: this fixture outlives the tests of this folder.
    """
    folder = tmp_path_factory.mktemp("promote")
    project = write_project(folder / "project", rows=600)
    _write_config(project / "config")
    with ExitStack() as running:
        with pytest.MonkeyPatch.context() as patch:
            _name_project(patch, project, folder / "home")
            servers = running.enter_context(Servers(with_free_ports(load_settings())))
            servers.start("mlflow")
            for stage in ("train", "evaluate", "package"):
                run_stage(stage, project)
            servers.wait_ready("mlflow", 240)
            _make_accounts(servers.settings)
        yield servers.settings


def _name_project(patch, project, home):
    patch.setenv("HANDRAIL_PROJECT", str(project))
    patch.setenv("HANDRAIL_HOME", str(home))
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def settings(served, monkeypatch):
    """The settings of the running server, and its project named by the environment."""
    _name_project(monkeypatch, served.project, served.home)
    return served


@pytest.fixture
def desk(settings):
    """The author's desk."""
    with open_desk(settings, "author") as desk:
        yield desk
