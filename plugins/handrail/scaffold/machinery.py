"""Which files of the reference project every project holds, byte for byte: all that reads a use case and names none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

WHOLE = (
    "feature_repo/__init__.py",
    "feature_repo/feature_store.yaml",
    "feature_repo/offline.py",
    "feature_repo/online.py",
    "feature_repo/online_place.py",
    "feature_repo/project_store.py",
    "feature_repo/registered.py",
    "feature_repo/store.py",
    "flows/*.py",
    "flows/steps/*.py",
    "flows/steps/data/__init__.py",
    "flows/steps/data/cleaning.py",
    "flows/steps/data/gx_checkpoint.py",
    "flows/steps/data/proposing.py",
    "flows/steps/data/rules.py",
    "flows/steps/data/snapshots.py",
    "flows/steps/data/training_rows.py",
    "flows/steps/data/validate.py",
    "flows/steps/modelling/*.py",
    "flows/steps/monitoring/*.py",
    "flows/steps/project/*.py",
    "flows/steps/release/*.py",
    "flows/steps/replay/*.py",
    "flows/steps/retraining/*.py",
    "infra/Procfile",
    "infra/__init__.py",
    "infra/demo/*.py",
    "infra/servers/*.py",
)
"""Patterns below the reference project's root."""

LOCK = "infra/requirements.lock"
"""What was tested together: a project holds its versions in constraints.txt, not the file."""

USE_CASE = ("flows/steps/modelling/candidates.py",)
"""What the patterns find and a project has of its own."""


def machinery(root: Path) -> Iterator[str]:
    """Yield each file's path below the root of the reference project, in order."""
    found = {file.relative_to(root).as_posix() for pattern in WHOLE for file in root.glob(pattern)}
    yield from sorted(found - set(USE_CASE))
