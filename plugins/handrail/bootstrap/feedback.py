"""Opens the feedback plugin, and gives flows and serving its values."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.bootstrap.feedback_subjects import open_erasures, open_subjects, open_texts
from handrail.feedback.service import Compaction, FeedbackLog, FeedbackStores, Mirror
from handrail.feedback.service.sources import LabelSources
from handrail.settings import Settings, make_home
from handrail.storage import Store, migrate
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.feedback.adapters.spool import PredictionSpool
    from handrail.feedback.domain.subjects import Subjects
    from handrail.feedback.domain.values import Prediction
    from handrail.feedback.ports import LabelReader, LogReader
    from handrail.feedback.snapshot_ports import OrderedRows

__all__ = [
    "feedback_stores",
    "open_compaction",
    "open_feedback",
    "open_mirror",
    "open_sources",
    "open_spool",
    "version_behind",
]


def open_feedback(settings: Settings, store: Store) -> FeedbackLog:
    """Open the log in `store` with the kinds of config/feedback.yaml, bringing its tables up to date.

    Raises:
        Misconfigured: config/feedback.yaml or the key of subjects cannot be used, or a newer release wrote the tables.
    """
    from handrail.feedback.adapters.keyed_stores import keyed
    from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
    from handrail.feedback.adapters.sealing_stores import sealing
    from handrail.feedback.adapters.sql_exports import NotedLabels, SqlExports
    from handrail.feedback.adapters.sql_subject_key import require_key
    from handrail.feedback.adapters.yaml_kinds import read_kinds

    kinds = read_kinds(settings.config / "feedback.yaml")
    stores, subjects = feedback_stores(store, _parts(settings)), open_subjects(settings)
    require_key(store, None if subjects is None else subjects.key_id)
    erased = sealing(with_erasures(stores, settings, store), open_texts(settings, store))
    writer = NotedLabels(PyarrowLabels(), SqlExports(store))
    return FeedbackLog(erased if subjects is None else keyed(erased, subjects), writer, kinds)


def with_erasures(stores: FeedbackStores, settings: Settings, store: Store) -> FeedbackStores:
    """Return stores whose snapshots and damages say what was erased."""
    from handrail.feedback.adapters.erased_books import ErasedAuditor, ErasedSnapshots

    book = open_erasures(settings, store)
    return replace(
        stores, snapshots=ErasedSnapshots(stores.snapshots, book), auditor=ErasedAuditor(stores.auditor, book)
    )


def feedback_stores(store: Store, parts: Path | None = None) -> FeedbackStores:
    """Return the SQL adapter of each port, with the tables of `store` brought up to date.

    `parts` is the folder of the files that a compaction writes; None: there are none.

    Raises:
        Misconfigured: a newer release wrote the tables.
    """
    from handrail.feedback.adapters.sql_auditor import SqlAuditor
    from handrail.feedback.adapters.sql_deployments import SqlDeployments
    from handrail.feedback.adapters.sql_events import SqlEvents
    from handrail.feedback.adapters.sql_intake import SqlIntake
    from handrail.feedback.adapters.sql_log_reader import SqlLogReader
    from handrail.feedback.adapters.sql_predictions import SqlPredictions
    from handrail.feedback.adapters.sql_pulse import SqlPulse
    from handrail.feedback.adapters.sql_quarantine import SqlQuarantine
    from handrail.feedback.adapters.sql_sampler import SqlSampler
    from handrail.feedback.adapters.sql_snapshots import SqlSnapshots
    from handrail.feedback.adapters.sql_tables import MIGRATIONS

    migrate(store, "feedback", MIGRATIONS)
    intake = SqlIntake(store)
    reader = SqlLogReader(store)
    labels, rows = _by_columns(store, reader, parts)
    return FeedbackStores(
        intake=intake,
        deployments=SqlDeployments(store),
        predictions=SqlPredictions(store, intake),
        events=SqlEvents(store, intake),
        reader=reader,
        snapshots=SqlSnapshots(store),
        auditor=SqlAuditor(store),
        sampler=SqlSampler(store),
        quarantine=SqlQuarantine(store),
        labels=labels,
        pulse=SqlPulse(store),
        rows=rows,
    )


def _by_columns(store: Store, reader: LogReader, parts: Path | None) -> tuple[LabelReader, OrderedRows]:
    """Return what reads cohorts and the rows of snapshots: from the files below `parts` where there are some."""
    from handrail.feedback.adapters.duckdb_labels import DuckdbLabels
    from handrail.feedback.adapters.duckdb_reading import Parts
    from handrail.feedback.adapters.duckdb_rows import DuckdbRows
    from handrail.feedback.adapters.pyarrow_cohorts import PlainLabels
    from handrail.feedback.adapters.sql_ordered_rows import SqlOrderedRows
    from handrail.feedback.adapters.sql_parts import SqlParts, SqlPartSource

    labels, rows = PlainLabels(reader), SqlOrderedRows(store)
    if parts is None:
        return labels, rows
    files = Parts(SqlPartSource(store), SqlParts(store), parts)
    return DuckdbLabels(files, labels), DuckdbRows(files, rows)


def open_compaction(settings: Settings, store: Store) -> Compaction:
    """Open what copies the log in `store` into parts under settings.home.

    Raises:
        Misconfigured: a newer release wrote the tables.
    """
    from handrail.feedback.adapters.pyarrow_parts import PyarrowParts
    from handrail.feedback.adapters.sql_parts import SqlParts, SqlPartSource

    stores = feedback_stores(store)
    return Compaction(stores.reader, SqlPartSource(store), SqlParts(store), PyarrowParts(_parts(settings)))


def open_sources(store: Store) -> LabelSources:
    """Open what reads which source said the labels of a snapshot."""
    from handrail.feedback.adapters.sql_log_reader import SqlLogReader
    from handrail.feedback.adapters.sql_sources import SqlSources

    return LabelSources(SqlLogReader(store), SqlSources(store))


def version_behind(log: FeedbackLog, deployment: str) -> tuple[str, int] | None:
    """Return the registered model and version that a deployment serves, None if nobody recorded it."""
    from handrail.feedback.domain.production import served_by

    served = served_by(log.deployments())
    return next(((each.name, each.version) for each, uris in served.items() if deployment in uris), None)


def open_mirror(log: FeedbackLog, server: str | None = None) -> Mirror:
    """Open what shows on model versions how they do, in the MLflow at an address; as MLflow's environment says if None.

    Raises:
        MissingTool: MLflow is not installed.
    """
    from handrail.feedback.adapters.mlflow_production import MlflowProduction

    require("mlflow", "mlflow")

    def client() -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=server, registry_uri=server)

    return Mirror(log, MlflowProduction(client))


def _parts(settings: Settings) -> Path:
    return settings.home / "feedback"


def open_spool(settings: Settings) -> PredictionSpool:
    """Open the spool under settings.home, for a process that answers predictions or one that drains them."""
    from handrail.feedback.adapters.spool import PredictionSpool

    @cache
    def subjects() -> Subjects | None:
        return open_subjects(settings)

    def named(row: Prediction) -> Prediction:
        known = subjects()
        return row if known is None else known.named(row)

    return PredictionSpool(make_home(settings) / "spool", named=named)
