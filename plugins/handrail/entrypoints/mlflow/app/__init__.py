"""The MLflow server app: `mlflow server --app-name handrail`. Importing this imports no tool."""

from __future__ import annotations

from typing import Any


def create_app(app: Any = None) -> Any:
    """Return MLflow's server with logins, the promotion gate and the guards around it.

    MLflow calls this once in each server process. A mistake in settings, policies or roles stops the process
    with one sentence.
    """
    from handrail.entrypoints.mlflow.app.assembly import assemble

    return assemble(app)
