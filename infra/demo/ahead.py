"""What later steps need and no earlier one gives: made while the demo waits for stages and servers to start."""

from __future__ import annotations

from flows.steps.replay.bulk import open_model, score_months
from flows.steps.replay.features import open_full_year
from flows.steps.replay.world import open_world
from handrail.settings import Settings


def prepare_production(settings: Settings) -> None:
    """Make the world that is replayed, and load Feast and Evidently: each takes seconds to load."""
    import evidently.ui.workspace  # noqa: F401 - found in memory by the monitoring

    open_full_year(settings, open_world(settings).features)


def score_flights(settings: Settings, deployment: str) -> None:
    """Score each flight after go-live as that deployment would have, if the replay will need it and it is not done."""
    score_months(settings, open_world(settings), open_model(settings, deployment))
