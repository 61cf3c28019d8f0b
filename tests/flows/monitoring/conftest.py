from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.steps.data.live import open_live
from handrail.bootstrap import Platform, open_platform
from handrail.settings import Settings
from tests.fakes.monitored import N

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What replay and reports keep below `home/live`: the feature tables of the year, which take seconds to make."""
    home = tmp_path_factory.mktemp("live")
    open_live(Settings(project=ROOT, home=home))
    return home / "live"


@pytest.fixture
def settings(tmp_path: Path, live: Path) -> Settings:
    os.environ["DO_NOT_TRACK"] = "1"
    shutil.copytree(live, tmp_path / "home" / "live")
    project = tmp_path / "project"
    shutil.copytree(ROOT / "config", project / "config")
    training = project / "data" / "training"
    training.mkdir(parents=True)
    random = np.random.default_rng(1)
    pl.DataFrame({"carrier": ["AA"] * N, "distance_miles": random.beta(2, 6, N)}).write_parquet(
        training / "train.parquet"
    )
    (training / "manifest.json").write_text('{"feature_service": {"name": "flights_v1"}}')
    return Settings(project=project, home=tmp_path / "home", replay=True)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with open_platform(settings) as opened:
        opened.event_clock.set(datetime(2013, 10, 3, tzinfo=UTC))
        yield opened
