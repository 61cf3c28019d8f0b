"""What later steps need and no earlier one gives: made while the demo waits for stages and servers to start."""

from __future__ import annotations

from flows.steps.data.live import open_live
from flows.steps.release.history import open_history
from flows.steps.release.served_model import open_model
from flows.steps.replay.bulk import score_months
from handrail.settings import Settings


def prepare_production(settings: Settings) -> None:
    """Make the world that is replayed, and load Feast and Evidently: each takes seconds to load."""
    import evidently.ui.workspace  # noqa: F401 - found in memory by the monitoring

    open_history(settings, open_live(settings).features)


def score_live_rows(settings: Settings, deployment: str) -> None:
    """Score each row after go-live as that deployment would have, if the replay will need it and it is not done."""
    score_months(settings, open_live(settings), open_model(settings, deployment))
