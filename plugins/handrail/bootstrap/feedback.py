"""Opens the feedback plugin, and gives flows and serving its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.feedback.service import FeedbackLog, FeedbackStores
from handrail.settings import Settings, make_home
from handrail.storage import Store, migrate

if TYPE_CHECKING:
    from handrail.feedback.adapters.spool import PredictionSpool

__all__ = [
    "feedback_stores",
    "open_feedback",
    "open_spool",
]


def open_feedback(settings: Settings, store: Store) -> FeedbackLog:
    """Open the log in `store` with the kinds of config/feedback.yaml, bringing its tables up to date.

    Raises:
        Misconfigured: config/feedback.yaml cannot be used, or a newer release wrote the tables.
    """
    from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
    from handrail.feedback.adapters.yaml_kinds import read_kinds

    kinds = read_kinds(settings.config / "feedback.yaml")
    return FeedbackLog(feedback_stores(store), PyarrowLabels(), kinds)


def feedback_stores(store: Store) -> FeedbackStores:
    """Return the SQL adapter of each port, with the tables of `store` brought up to date.

    Raises:
        Misconfigured: a newer release wrote the tables.
    """
    from handrail.feedback.adapters.sql_auditor import SqlAuditor
    from handrail.feedback.adapters.sql_deployments import SqlDeployments
    from handrail.feedback.adapters.sql_events import SqlEvents
    from handrail.feedback.adapters.sql_intake import SqlIntake
    from handrail.feedback.adapters.sql_log_reader import SqlLogReader
    from handrail.feedback.adapters.sql_predictions import SqlPredictions
    from handrail.feedback.adapters.sql_quarantine import SqlQuarantine
    from handrail.feedback.adapters.sql_sampler import SqlSampler
    from handrail.feedback.adapters.sql_snapshots import SqlSnapshots
    from handrail.feedback.adapters.sql_tables import MIGRATIONS

    migrate(store, "feedback", MIGRATIONS)
    intake = SqlIntake(store)
    return FeedbackStores(
        intake=intake,
        deployments=SqlDeployments(store),
        predictions=SqlPredictions(store, intake),
        events=SqlEvents(store, intake),
        reader=SqlLogReader(store),
        snapshots=SqlSnapshots(store),
        auditor=SqlAuditor(store),
        sampler=SqlSampler(store),
        quarantine=SqlQuarantine(store),
    )


def open_spool(settings: Settings) -> PredictionSpool:
    """Open the spool under settings.home, for a process that answers predictions or one that drains them."""
    from handrail.feedback.adapters.spool import PredictionSpool

    return PredictionSpool(make_home(settings) / "spool")
