"""The pages about what aliases pointed at: the list of them, and one with the answer for a moment."""

from __future__ import annotations

from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.timeline import names_page, read_moment, timeline_page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import may, require_model


def timelines(desk: PageDesk) -> Page:
    """Return every alias that the gate has moved, of the models that the account may read."""
    read_query()
    rows = desk.opened.gate.records.aliases()
    names = {(row.model, row.alias): row.version for row in rows if may(row.model, "can_read")}
    return names_page([(model, alias, version) for (model, alias), version in sorted(names.items())])


def timeline(desk: PageDesk, model: str, alias: str) -> Page:
    """Return every move of an alias; with `at`, also what it pointed at then, as it was logged."""
    asked = read_query("at").get("at", "").strip()
    require_model(model, "can_read", "Reading what its aliases pointed at")
    at, records = read_moment(asked) if asked else None, desk.opened.gate.records
    moves = records.moves(model, alias)
    answer = None
    if at is not None and moves and moves[0].since <= at:
        # Loaded again, and held against the log, because it is the answer.
        answer = moves.index(records.at(model, alias, at))
    views = records.views([tenure.history for tenure in moves])
    return timeline_page(
        model, alias, [(each.to_json(), view) for each, view in zip(moves, views, strict=True)], asked, answer
    )
