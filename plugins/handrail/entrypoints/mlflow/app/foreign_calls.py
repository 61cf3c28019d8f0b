"""Lets calls with a token or a signature in before MLflow's login, which knows accounts alone; on two routes only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from mlflow.server import handlers

from handrail.entrypoints.http.auth import unknown_caller
from handrail.entrypoints.http.gate_routes import Route

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.app.refusals import Refusals


Wrap = Callable[[Callable[[], Response]], Callable[[], Response]]


@dataclass(frozen=True, slots=True)
class ForeignRoute:
    """A route that others than accounts may call: whether a call is such a one, why it may not, and its answer."""

    is_foreign: Callable[[], bool]
    why_unknown: Callable[[], str | None]
    answer: Callable[[], Response]


def let_in(app: Flask, routes: dict[Route, ForeignRoute], refusals: Refusals, wrap: Wrap) -> None:
    """Answer foreign calls of these routes before anything else of the app; `wrap` makes answers of errors."""
    by_place = {(handlers._add_static_prefix(route.path), route.method): found for route, found in routes.items()}

    def first() -> Response | None:
        found = by_place.get((request.path, request.method))
        if found is None or not found.is_foreign():
            return None
        return wrap(lambda: _known(found, refusals))()

    app.before_request_funcs.setdefault(None, []).insert(0, first)


def carries_no_login() -> bool:
    """Whether the call being answered has an `Authorization` that is not an account's name and password."""
    scheme = request.headers.get("Authorization", "basic").partition(" ")[0]
    return scheme.lower() != "basic"


def _known(route: ForeignRoute, refusals: Refusals) -> Response:
    if sentence := route.why_unknown():
        refusals.unknown_system(sentence, f"{request.method} {request.path}")
        raise unknown_caller(sentence)
    return route.answer()
