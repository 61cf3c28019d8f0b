"""What answers now, how well, and what really happened: for whoever MLflow lets read the model behind it."""

from __future__ import annotations

from collections.abc import Callable

from handrail.entrypoints.console.deployments_page import deployments_page, model_of
from handrail.entrypoints.console.feedback_page import feedback_page
from handrail.entrypoints.console.health_page import health_page
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import may


def deployments(desk: PageDesk) -> Page:
    """Return what each slot points at, of the models of this server that the account may read."""
    service = read_query("service").get("service", "").strip()
    return deployments_page(desk.platform, desk.platform.lineage, service, _reads(desk), desk.opened.reviewing.names())


def health(desk: PageDesk) -> Page:
    """Return how services did lately, of the models of this server that the account may read."""
    asked = read_query("service", "over")
    return health_page(desk.platform, asked.get("service", "").strip(), asked.get("over", ""), _reads(desk))


def feedback(desk: PageDesk) -> Page:
    """Return what really happened, of the models of this server that the account may read."""
    asked = read_query("model", "kind", "as_of", "rows")
    model, kind, as_of = (asked.get(name, "").strip() for name in ("model", "kind", "as_of"))
    return feedback_page(desk.platform, model, kind, as_of, _reads(desk), rows=asked.get("rows", ""))


def _reads(desk: PageDesk) -> Callable[[str], bool]:
    def reads(version: str) -> bool:
        named = model_of(version)
        return named is not None and named[0] in ("", desk.server) and may(named[1], "can_read")

    return reads
