"""A serving process without its server."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from feature_repo.online import online
from feature_repo.store import apply, open_feature_store, service_identity
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.delivery import BuiltFor
from handrail.entrypoints.bentoml.features import FeatureRepo
from handrail.entrypoints.bentoml.worker import NO_MODEL, STARTING, Worker
from handrail.refs import BentoTag
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree, write_tree

TAG = BentoTag("flights", "v1")


def reasons(settings: Settings, root: Path) -> list[str | None]:
    """Start and stop a worker over what lies below `root`; return why it was not ready before and after."""
    repo = FeatureRepo(open_feature_store, apply, service_identity, online)
    worker = Worker(open_platform(settings), root, read_use_case(settings.project), repo)

    async def live() -> list[str | None]:
        before = worker.not_ready()
        await worker.start(TAG)
        after = worker.not_ready()
        await worker.stop()
        return [before, after]

    return asyncio.run(live())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=Path(__file__).parents[2], home=tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    root = tmp_path / "bento"
    tree = write_tree(root / "model")
    shutil.copy(permit_tree(settings, tree), root / "permit.json")
    (root / "use.json").write_bytes(BuiltFor(USE, open_permit_verifier(settings).key_id).to_bytes())
    return root


def test_without_a_model_it_says_so(settings: Settings, tmp_path: Path) -> None:
    assert reasons(settings, tmp_path / "empty") == [STARTING, NO_MODEL]


def test_bytes_that_changed_after_the_start_are_not_loaded(settings: Settings, root: Path) -> None:
    (root / "model" / "scoring.json").write_text("{}")

    _, reason = reasons(settings, root)

    assert reason is not None
    assert "scoring.json" in reason


def test_a_model_whose_features_nobody_registered_is_not_served(settings: Settings, root: Path) -> None:
    _, reason = reasons(settings, root)

    assert reason is not None
    assert "flights_v1" in reason
