"""A project whose store holds the story of one model, and the `handrail lineage` command in it."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage import FeedbackPredictions
from handrail.entrypoints.cli import main
from handrail.feedback import Prediction
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import DEPLOYMENT, PERMIT, STAGES, VERSION, PipelineInMemory, story

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
    assert platform.lineage.findings() == ()
    graph = SqlGraph(platform.store)
    lineage = Lineage(
        LineagePorts(
            graph=graph,
            pointers=SqlPointers(platform.store),
            predictions=FeedbackPredictions(lambda: platform.feedback),
            pipelines=PipelineInMemory(STAGES),
            repository="shop",
            write_events=write_events,
        )
    )
    for call in story(tmp_path):
        call(lineage)
    lineage.point(ALIAS, VERSION, NOON, by=PERMIT.uri)
    platform.feedback.record_predictions(
        [Prediction(f"p{n}", DEPLOYMENT.uri, f"flight-{n}", NOON, 0.5, 1) for n in range(3)]
    )
    yield lineage
    platform.close()


@pytest.fixture
def handrail(home, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "lineage", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return stopped.value.code or 0, printed.out, printed.err

    return call
