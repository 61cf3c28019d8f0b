"""What MLflow knows, recorded in lineage: by the server app as things happen, or by `collect` afterwards, alike.

Nothing here imports MLflow: its entities are read by their attributes.
"""

from __future__ import annotations

from handrail.entrypoints.mlflow.collect.first import keep_first, records_of_closing, versions_of_run
from handrail.entrypoints.mlflow.collect.records import ActivityRecord, DerivationRecord, Naming, PointerRecord, Record
from handrail.entrypoints.mlflow.collect.runs import is_recorded_tag, records_of_model, records_of_run
from handrail.entrypoints.mlflow.collect.versions import Registered, records_of_alias, records_of_version, versions_of

__all__ = [
    "ActivityRecord",
    "DerivationRecord",
    "Naming",
    "PointerRecord",
    "Registered",
    "Record",
    "is_recorded_tag",
    "keep_first",
    "records_of_alias",
    "records_of_closing",
    "records_of_model",
    "records_of_run",
    "records_of_version",
    "versions_of",
    "versions_of_run",
]
