"""What MLflow knows, told to lineage: by the server app as things happen, or by `collect` afterwards, with one voice.

Nothing here imports MLflow: its entities are read by their attributes.
"""

from __future__ import annotations

from handrail.entrypoints.mlflow.collect.runs import is_told_tag, told_of_model, told_of_run
from handrail.entrypoints.mlflow.collect.telling import ActivityTold, DerivationTold, Place, PointerTold, Told
from handrail.entrypoints.mlflow.collect.versions import Registered, told_of_alias, told_of_version

__all__ = [
    "ActivityTold",
    "DerivationTold",
    "Place",
    "PointerTold",
    "Registered",
    "Told",
    "is_told_tag",
    "told_of_alias",
    "told_of_model",
    "told_of_run",
    "told_of_version",
]
