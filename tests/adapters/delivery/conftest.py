"""A project with permitted trees, the command that packages them, and a Python without Handrail."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build
from handrail.settings import Settings
from tests.fakes.bare_python import bare_packages
from tests.fakes.permitted_tree import permit_tree, write_tree

KINDS = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class Project:
    """What was permitted and packaged: `said` is what the command printed, by target and kind."""

    settings: Settings
    folder: Path
    said: dict[tuple[str, str], dict[str, str]]

    def unpacked(self, into: Path, target: str = "edge", kind: str = "binary") -> Path:
        """Unpack a package into a new folder and return it."""
        with tarfile.open(self.said[target, kind]["file"]) as opened:
            opened.extractall(into, filter="data")
        return into


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_packages(tmp_path_factory.mktemp("bare") / "packages")


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one permitted tree a kind, each packaged; tests may not change it."""
    folder = tmp_path_factory.mktemp("packaged")
    project = folder / "project"
    (project / "config").mkdir(parents=True)
    (project / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: flights\n")
    settings = Settings(project=project, home=folder / "home")
    with open_platform(settings) as platform:
        assert platform.feedback.deployments() == ()
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        at_home(patch, settings)
        for target, kind in (*(("edge", kind) for kind in KINDS), ("function", "binary")):
            tree = folder / kind
            if not tree.exists():
                permit_tree(settings, write_tree(tree, kind=kind))
            to = folder / f"{target}-{kind}.tar"
            command = ["delivery", "package", target, "--tree", str(tree), "--to", str(to), "--json"]
            done = CliRunner().invoke(build(), command)
            assert done.exit_code == 0, (done.output, done.exception)
            said[target, kind] = json.loads(done.stdout)
    return Project(settings, folder, said)


@pytest.fixture
def own(packaged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the project that a test may change, which commands find."""
    folder = tmp_path / "own"
    shutil.copytree(packaged.folder, folder)
    settings = Settings(project=folder / "project", home=folder / "home")
    at_home(monkeypatch, settings)
    return Project(settings, folder, packaged.said)


def at_home(patch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Let commands find a project."""
    for name, value in (("PROJECT", settings.project), ("HOME", settings.home)):
        patch.setenv(f"HANDRAIL_{name}", os.fspath(value))
