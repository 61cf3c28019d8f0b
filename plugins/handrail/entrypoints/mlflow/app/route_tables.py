"""The routes of the installed MLflow, as its own tables list them, and those that Handrail was made for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from flask import Flask

from handrail.entrypoints.mlflow.app.surface import RouteLine


def routes_of_flask(app: Flask) -> Iterator[RouteLine]:
    """Yield the routes of a Flask app."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield RouteLine.of(method, str(rule))


def routes_of_asgi(app: Any) -> Iterator[RouteLine]:
    """Yield the routes of a FastAPI or Starlette app that it serves itself; what is mounted in it is left out."""
    for route in _flat(app.routes):
        for method in set(getattr(route, "methods", None) or ()) - {"HEAD", "OPTIONS"}:
            yield RouteLine.of(method, str(route.path))


def known_routes() -> frozenset[RouteLine]:
    """Return the routes of MLflow that change something and end in what the gate guards, or touch nothing of it."""
    text = files(__package__).joinpath("known_routes.txt").read_text(encoding="utf-8")
    return frozenset(RouteLine(*line.split(" ", 1)) for line in text.splitlines() if line)


def _flat(routes: Iterable[Any]) -> Iterable[Any]:
    from fastapi import routing

    # FastAPI from 0.150 on lists a router that it includes as one entry.
    flatten = getattr(routing, "iter_route_contexts", None)
    return flatten(routes) if flatten else routes
