"""What answers now, on the MLflow server: for whoever MLflow lets read the model behind it."""

from __future__ import annotations

from handrail.entrypoints.console.deployments_page import deployments_page, model_of
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import may


def deployments(desk: PageDesk) -> Page:
    """Return what each slot points at, of the models of this server that the account may read."""
    service = read_query("service").get("service", "").strip()

    def reads(version: str) -> bool:
        named = model_of(version)
        return named is not None and named[0] in ("", desk.server) and may(named[1], "can_read")

    return deployments_page(desk.platform, desk.platform.lineage, service, reads, links=True)
