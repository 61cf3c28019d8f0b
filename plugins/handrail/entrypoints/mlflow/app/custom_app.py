"""An inner app of somebody else: a function that puts logins around MLflow, and two that answer for them."""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from flask import Flask

from handrail.entrypoints.mlflow.app.logins import Identity, Kind, Level, Logins, Rights
from handrail.errors import Misconfigured

SETTING = "mlflow_inner_app"
IDENTITY, MAY = "handrail_identity", "handrail_may"

_log = logging.getLogger("handrail.approvals")


def open_custom_app(name: str, app: Flask, *, asgi: bool) -> tuple[Any, Logins]:
    """Return what the function `module:function` makes of MLflow's Flask app, and what its module says of people.

    `asgi` says that the server runs ASGI apps, as MLflow's does unless it runs gunicorn or waitress.

    Raises:
        Misconfigured: the module cannot be imported, it lacks a function, or what the function returns has no routes.
    """
    module_name, _, function = name.partition(":")
    module = _imported(module_name)
    factory = _function(module, function, 1, "takes MLflow's Flask app and returns it with logins")
    identify = _function(module, IDENTITY, 1, "takes a call and returns its account, or None")
    may: Callable[..., Any] | None = None
    if hasattr(module, MAY):
        may = _function(module, MAY, 4, "takes account, kind, name and level and returns True or False")
    else:
        _log.warning("%s has no %s, so nobody may do anything at the gate; see SERVER.md.", module_name, MAY)
    served = factory(app)
    if asgi and not (callable(served) and hasattr(served, "routes")):
        problem = f"{name!r} returned {type(served).__name__!r}, not a FastAPI or Starlette app"
        remedy = "Return mlflow.server.fastapi_app.create_fastapi_app(app) with your login as its middleware."
        raise Misconfigured(SETTING, problem, remedy)
    if not asgi and served is not app:
        problem = f"{name!r} returned {type(served).__name__!r}, not MLflow's Flask app"
        raise Misconfigured(SETTING, problem, "Return the app that it was given, or run the server with uvicorn.")
    return served, Logins(ModuleIdentity(identify), ModuleRights(may))


class ModuleIdentity(Identity):
    """The account that the module's `handrail_identity` returns for a call."""

    def __init__(self, identify: Callable[[Mapping[str, Any]], Any]) -> None:
        self._identify = identify

    def account(self, call: Mapping[str, Any]) -> str | None:
        """Return its answer, which has to be text or None."""
        found = self._identify(call)
        if found is None:
            return None
        if type(found) is not str or not found or not found.isprintable():
            raise Misconfigured(IDENTITY, f"it returned {found!r:.80}", "Return the name of an account, or None.")
        return found


class ModuleRights(Rights):
    """What the module's `handrail_may` says; without it nobody may do anything."""

    def __init__(self, may: Callable[[str, Kind, str, Level], Any] | None) -> None:
        self._may = may

    def may(self, account: str, kind: Kind, name: str, level: Level) -> bool:
        """Return its answer, which has to be True or False: an object that only counts as true is neither."""
        found = self._may(account, kind, name, level) if self._may else False
        if type(found) is not bool:
            raise Misconfigured(MAY, f"it returned {found!r:.80}", "Return True or False.")
        return found


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (ImportError, SyntaxError) as err:
        remedy = "Install it where the server runs, or put its folder in PYTHONPATH."
        raise Misconfigured(SETTING, f"{name!r} cannot be imported: {err}", remedy) from err


def _function(module: ModuleType, name: str, count: int, does: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    remedy = f"Define a function there that {does}."
    if not callable(found):
        problem = "is no function" if hasattr(module, name) else "is not there"
        raise Misconfigured(SETTING, f"{module.__name__}:{name} {problem}", remedy)
    try:
        inspect.signature(found).bind(*[None] * count)
    except TypeError as err:
        raise Misconfigured(SETTING, f"{module.__name__}:{name} does not take {count} arguments", remedy) from err
    return found
