"""A project whose store holds the story of one model, and the `handrail lineage` command in it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.feedback import Prediction
from tests.fakes.command import handrail_command
from tests.fakes.lineage import DEPLOYMENT, PERMIT, VERSION
from tests.fakes.lineage_store import story_in

ALIAS = "mlflow alias flights@champion"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONFIG = Path(__file__).resolve().parents[4] / "config"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project whose store holds the story of one model and three of its predictions."""
    shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    platform = open_platform()
    lineage = story_in(platform, tmp_path)
    lineage.point(ALIAS, VERSION, NOON, by=PERMIT.uri)
    platform.feedback.record_predictions(
        [Prediction(f"p{n}", DEPLOYMENT.uri, f"flight-{n}", NOON, 0.5, 1) for n in range(3)]
    )
    yield lineage
    platform.close()


@pytest.fixture
def handrail(home, monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "lineage")
