"""A project with features and a permitted model, and its bento, served once a session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.steps.release.deploy import deploy
from flows.steps.release.desk import Desk
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.delivery import Deployed
from handrail.settings import Settings
from infra.servers.supervisor import Servers, with_free_ports
from tests.fakes.bento_project import NOON, make_features, make_project
from tests.fakes.permitted_tree import permit_tree, write_tree


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A project whose model is permitted and whose features are online; nothing is deployed yet."""
    settings = make_project(tmp_path_factory.mktemp("serving"))
    package = write_tree(settings.project / "models" / "package", make_features(settings))
    permit_tree(settings, package)
    return settings


@pytest.fixture(scope="session")
def deployed(project: Settings) -> Deployed:
    """The project's model, deployed."""
    with open_platform(project) as platform:
        platform.event_clock.set(NOON)
        return deploy(Desk(platform, "mlflow-admin"), tree_digest(project.project / "models" / "package"))


@pytest.fixture(scope="session")
def served(project: Settings, deployed: Deployed) -> Iterator[Servers]:
    """The deployed bento, answering on a free port. Tests may not stop it."""
    with Servers(with_free_ports(project)) as servers:
        servers.start("bento")
        servers.wait_ready("bento", 180, "/readyz")
        yield servers


@pytest.fixture
def own_project(project: Settings, deployed: Deployed, tmp_path: Path) -> Settings:
    """A copy of the deployed project's run-time state, for tests that break it."""
    home = tmp_path / "home"
    shutil.copytree(project.home, home, ignore=shutil.ignore_patterns("logs", "run", "spool", "prometheus*"))
    return project.model_copy(update={"home": home})
