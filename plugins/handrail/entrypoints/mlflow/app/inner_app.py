"""Chooses the app that this server wraps, and lets no server start whose logins let everybody in."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import httpx
from flask import Flask
from mlflow.server import handlers
from mlflow.server.security_utils import get_allowed_hosts_from_env

from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.mlflow.app.custom_app import SETTING, open_custom_app
from handrail.entrypoints.mlflow.app.logins import Logins
from handrail.errors import Misconfigured
from handrail.settings import Settings

BASIC_AUTH = "basic-auth"

_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
# A route of the gate, one of MLflow's Flask app, and one that MLflow serves without Flask where it can.
_READ_BY_NOBODY = (
    Route.REQUESTS.path,
    Route.REVOCATIONS.path,
    "/api/2.0/mlflow/registered-models/search",
    "/api/2.0/mlflow-artifacts/artifacts/nothing",
)


def open_inner_app(app: Flask, settings: Settings, *, by_header: bool, asgi: bool) -> tuple[Any, Logins]:
    """Return MLflow's server with logins around it, and what is asked of them.

    `by_header` says that a trusted proxy may name people; `asgi` that the server runs ASGI apps.

    Raises:
        Misconfigured: the settings do not fit one another, or the inner app cannot be used.
    """
    if settings.mlflow_inner_app != BASIC_AUTH:
        if by_header:
            problem = f"{settings.mlflow_inner_app!r} logs people in itself"
            raise Misconfigured("mlflow_user_header", problem, "Leave it and mlflow_trusted_proxies out.")
        return open_custom_app(settings.mlflow_inner_app, app, asgi=asgi)
    if by_header and not asgi:
        problem = "gunicorn and waitress do not show which peer sent a header in which spelling"
        raise Misconfigured("mlflow_user_header", problem, "Run MLflow's server with uvicorn, its default.")
    # MLflow reads its file of settings when this is imported, so another inner app does without it.
    from handrail.entrypoints.mlflow.app.basic_auth import open_basic_auth

    return open_basic_auth(app, by_header=by_header)


def refuse_open_app(served: Any, settings: Settings) -> None:
    """Ask the finished server for things without a login, as nobody may.

    Raises:
        Misconfigured: it answered one of them with anything but 401 or 403.
    """
    # uvicorn makes the app within a running event loop, in which no other can run.
    with ThreadPoolExecutor(1) as threads:
        answers = threads.submit(lambda: asyncio.run(_ask(served))).result()
    for path, status in answers.items():
        if status not in _CLOSED:
            problem = f"{settings.mlflow_inner_app!r} answers GET {path} with {status} to a call without a login"
            raise Misconfigured(SETTING, problem, "Wrap MLflow in an app that answers 401 to it, on every path.")


async def _ask(served: Any) -> dict[str, int]:
    hosts = get_allowed_hosts_from_env() or ["localhost"]
    # Refused for its host, a call would say nothing about logins.
    asking: dict[str, Any] = {"base_url": "http://localhost", "headers": {"Host": hosts[0].replace("*", "1")}}
    paths = [handlers._add_static_prefix(path) for path in _READ_BY_NOBODY]
    if isinstance(served, Flask):
        with httpx.Client(transport=httpx.WSGITransport(served, raise_app_exceptions=False), **asking) as client:
            return {path: client.get(path).status_code for path in paths}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served, raise_app_exceptions=False), **asking) as client:
        return {path: (await client.get(path)).status_code for path in paths}
