"""A toy project whose model lineage knows, and the command that reproduces it."""

import os

import pytest

from tests.fakes import reproducible_project as toy
from tests.fakes.command import handrail_command


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    project = toy.make_project(tmp_path_factory.mktemp("toy") / "project")
    toy.tell_lineage(project)
    return project


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("HANDRAIL_", "MLFLOW_", "DVC_")):
            monkeypatch.delenv(name)
    copy = toy.copy_project(made, tmp_path / "toy")
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def reproduce(project, command):
    return command


@pytest.fixture
def command(monkeypatch, capsys):
    """The command, wherever the test is."""
    return handrail_command(monkeypatch, capsys, "reproduce")
