"""What MLflow writes beside a model that it downloads by `models:/`: exactly these bytes, and never any others."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from handrail.approvals.domain.permit import Permit
from handrail.manifest import Manifest

ADDED_BY_MLFLOW = "registered_model_meta"


def additions(permit: Permit) -> Mapping[str, frozenset[bytes]]:
    """Return the file that MLflow adds to the version of a permit, with each content that it may have."""
    contents = (
        yaml.safe_dump(
            {"model_name": permit.model, "model_version": version}, default_flow_style=False, allow_unicode=True
        ).encode("utf-8")
        for version in (str(permit.version), permit.version)
    )
    return {ADDED_BY_MLFLOW: frozenset(contents)}


def without_additions(manifest: Manifest) -> Manifest:
    """Return the list of a downloaded tree's files as it was in the registry, if it was not part of it there.

    Raises:
        ValueError: nothing is left.
    """
    return Manifest.of([entry for entry in manifest.files if entry.path != ADDED_BY_MLFLOW])
