"""What MLflow knows, recorded in lineage: by the server app as things happen, or by `collect` afterwards, alike.

Nothing here imports MLflow: its entities are read by their attributes.
"""

from __future__ import annotations

from handrail.entrypoints.mlflow.collect.first import (
    keep_first,
    keep_first_of_versions,
    records_of_closing,
    versions_of_run,
)
from handrail.entrypoints.mlflow.collect.records import ActivityRecord, DerivationRecord, Naming, PointerRecord, Record
from handrail.entrypoints.mlflow.collect.runs import is_recorded_tag, records_of_model, records_of_run
from handrail.entrypoints.mlflow.collect.versions import (
    VERSION_TAGS,
    Registered,
    records_of_alias,
    records_of_version,
    versions_of,
)

__all__ = [
    "ActivityRecord",
    "DerivationRecord",
    "Naming",
    "PointerRecord",
    "Registered",
    "Record",
    "VERSION_TAGS",
    "is_recorded_tag",
    "keep_first",
    "keep_first_of_versions",
    "records_of_alias",
    "records_of_closing",
    "records_of_model",
    "records_of_run",
    "records_of_version",
    "versions_of",
    "versions_of_run",
]
