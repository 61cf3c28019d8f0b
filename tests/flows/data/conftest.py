"""The real tables, read once a session, and a project of two weeks whose data stages ran once."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from flows.steps.data import acquire, features, validate
from flows.steps.data.source_tables import COLUMNS
from flows.steps.data.sources.package import open_package
from tests.fakes.flights_project import write_project


@pytest.fixture(scope="session")
def published() -> dict[str, pl.DataFrame]:
    """The five tables of the whole year as their publisher ships them."""
    source = open_package()
    return {table: source.read(table) for table in COLUMNS}


@pytest.fixture(scope="session")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as of 15 January whose first three stages ran. Read it only."""
    project = write_project(tmp_path_factory.mktemp("fortnight"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(project / ".handrail"))
        for stage in (acquire, validate, features):
            stage.run(project)
    return project


@pytest.fixture
def project(fortnight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `fortnight` that a test may break."""
    own = tmp_path / "project"
    shutil.copytree(fortnight, own, ignore=shutil.ignore_patterns(".handrail"))
    monkeypatch.setenv("HANDRAIL_PROJECT", str(own))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return own
