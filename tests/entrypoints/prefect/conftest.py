"""One Prefect server for all tests, and a project of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.clock import system_time
from handrail.settings import load_settings
from infra.servers.supervisor import Servers, with_free_ports
from tests.fakes.prefect_runs import talking_to

DEADLINE_S = 120


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server, started once a session."""
    folder = tmp_path_factory.mktemp("prefect-server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(folder))
        patch.setenv("HANDRAIL_HOME", str(folder / "home"))
        settings = with_free_ports(load_settings())
    # Not within: tests of other files run while the server does, and must not see its project.
    with Servers(settings) as servers:
        url = servers.start("prefect")
        servers.wait_ready("prefect", DEADLINE_S)
        yield url


@pytest.fixture
def project(tmp_path: Path, prefect_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with one data file, the current folder, whose flows talk to the server."""
    from prefect import settings

    folder = tmp_path / "project"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("repository: shop\n")
    (folder / "orders.csv").write_text("a,1\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HANDRAIL_PROJECT", raising=False)
    monkeypatch.delenv("HANDRAIL_HOME", raising=False)
    monkeypatch.setenv("HANDRAIL_PREFECT_URL", prefect_url)
    with talking_to(prefect_url, {settings.PREFECT_HOME: tmp_path / "prefect"}):
        yield folder


@pytest.fixture
def began(project: Path) -> str:
    """The moment from which a test's own runs count: the server keeps those of all tests."""
    return system_time().isoformat()
