"""The pages about what aliases pointed at: the list of them, and one with the answer for a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handrail.clock import system_time
from handrail.entrypoints.console.moments import read_span
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.timeline import Asked, Urgent, names_page, timeline_page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.pages.emergencies import emergency_about
from handrail.entrypoints.mlflow.app.pages.ways import ways_of
from handrail.entrypoints.mlflow.app.rights import account, may, require_model


def timelines(desk: PageDesk) -> Page:
    """Return every alias that the gate has moved, of the models that the account may read."""
    read_query()
    rows = desk.opened.gate.records.aliases()
    names = {(row.model, row.alias): row.version for row in rows if may(row.model, "can_read")}
    return names_page([(model, alias, version) for (model, alias), version in sorted(names.items())])


def timeline(desk: PageDesk, model: str, alias: str) -> Page:
    """Return every move of an alias; with `at`, also what it pointed at then, as it was logged."""
    query = read_query("at", "said")
    require_model(model, "can_read", "Reading what its aliases pointed at")
    return page_of(desk, model, alias, query)


def page_of(
    desk: PageDesk, model: str, alias: str, query: Mapping[str, str], kept: Mapping[str, str] | None = None
) -> Page:
    """Return the page of an alias; `query` has `at` and `said`, `kept` what a form sent that was not recorded."""
    asked, said = query.get("at", "").strip(), query.get("said", "")
    now, records = system_time(), desk.opened.gate.records
    asking = Asked(asked, span=read_span(asked, "at", now), now=now) if asked else Asked()
    moves = records.moves(model, alias)
    if asking.read_as and moves and moves[0].since <= asking.read_as[1]:
        # Loaded again, and held against the log, because it is the answer.
        asking = replace(asking, answer=moves.index(records.at(model, alias, asking.read_as[1])))
    views = records.views([tenure.history for tenure in moves])
    ways, emergency = ways_of(desk, model, alias, moves), emergency_about(desk, model, alias)
    done = said == "break-glass" and emergency is not None and emergency["account"] == account()
    urgent = Urgent(emergency, ways.facts if ways else None, ways.tokens if ways else {}, dict(kept or {}), done=done)
    rows = [(each.to_json(), view) for each, view in zip(moves, views, strict=True)]
    return timeline_page(model, alias, rows, asking, urgent, desk.opened.reviewing.names())
