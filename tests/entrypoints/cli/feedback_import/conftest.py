"""A project for imports, and the command as a user types it."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build

CONFIG = Path(__file__).resolve().parents[4] / "config"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    shutil.copy(CONFIG / "feedback.yaml", tmp_path / "config")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def run(project):
    """Import with these words; an error that is no exit is raised."""

    def call(*words, stdin=None):
        result = CliRunner().invoke(build(), ["feedback", "import", *map(str, words)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def about(project):
    """Return what is recorded about a subject or a prediction: values and moments, by id."""

    def call(*names):
        with open_platform() as platform:
            found = {name: platform.feedback.feedback_about(name) for name in names}
        return {name: [(each.value, each.occurred_at.isoformat()) for each in events] for name, events in found.items()}

    return call
