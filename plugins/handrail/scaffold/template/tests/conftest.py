"""This project on its own table, in a temporary folder: what the first three stages make of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the configuration and the table, whose stages acquire, validate and features ran. Read it only."""
    from flows.steps.data import acquire, features, validate
    from flows.steps.data.table import SOURCE

    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / SOURCE).parent.mkdir(parents=True)
    shutil.copy(ROOT / SOURCE, folder / SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(folder))
        patch.setenv("HANDRAIL_HOME", str(folder / ".handrail"))
        for stage in (acquire, validate, features):
            stage.run(folder)
        yield folder
