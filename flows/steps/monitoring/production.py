"""Shows on the pages of MLflow how each version does in production. Monitoring stands without it."""

from __future__ import annotations

from flows.steps.project.accounts import tracking_environment
from flows.steps.release.as_account import show_production
from handrail.errors import HandrailError
from handrail.settings import Settings

LATER = "The next run tries again; by hand: handrail feedback mirror."


def show_in_mlflow(settings: Settings, account: str) -> str:
    """Write figures from production as tags of the versions, as `account`; return a sentence that says what was done.

    An MLflow that is away, or does not let the account write, is said in that sentence and raises nothing.
    """
    try:
        shown = show_production(tracking_environment(settings, account), settings.project)
    except HandrailError as err:
        return f"MLflow shows no new figures from production. {err} {LATER}"
    if not shown:
        return "No registered version has predictions, so MLflow shows no figures from production."
    return f"MLflow shows figures from production on {', '.join(sorted(shown))}."
