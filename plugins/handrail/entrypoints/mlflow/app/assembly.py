"""Puts the server together. The order matters: guards before logins, routes before validators, checks at the end."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import (
    GateHost,
    open_gate,
    prepare_mlflow,
    server_name,
)
from handrail.bootstrap.lineage import find_repository_addresses
from handrail.bootstrap.mlflow_server import open_agents, open_trees
from handrail.clock import system_time
from handrail.entrypoints.console.tokens import Forms
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.http.github_app import GithubApp
from handrail.entrypoints.mlflow.app.evaluating import EvaluatingThreads
from handrail.entrypoints.mlflow.app.noticing import keep_writing
from handrail.entrypoints.mlflow.app.trusted_header import HeaderDoor, Trust, read_trust
from handrail.entrypoints.mlflow.app.watching import Looks, keep_watch
from handrail.entrypoints.mlflow.collect import Naming
from handrail.errors import HandrailError, Misconfigured
from handrail.settings import Settings, load_settings
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.approvals import Gate
    from handrail.bootstrap.approvals import OpenGate
    from handrail.entrypoints.mlflow.app.foreign_calls import ForeignRoute
    from handrail.entrypoints.mlflow.app.logins import Logins
    from handrail.entrypoints.mlflow.app.recorded_stores import Recorder
    from handrail.entrypoints.mlflow.app.refusals import Refusals

PATIENCE_S = 0.7
"""How long a request that MLflow has carried out is delayed, at most, because lineage's store is locked."""

_log = logging.getLogger("handrail.approvals")


def assemble(app: Any) -> Any:
    """Return the guarded server; on a mistake that people made, print one sentence and end the process."""
    try:
        return _assemble(app)
    except HandrailError as err:
        sys.stderr.write(f"error: {err}\n")
        raise SystemExit(1) from err


def _assemble(app: Any) -> Any:
    require("mlflow", "mlflow")
    settings = load_settings()
    # Before mlflow.server.auth is imported: it reads its file and its secret at import.
    for name, value in prepare_mlflow(settings).items():
        os.environ.setdefault(name, value)
    from mlflow import environment_variables, server
    from mlflow.server import handlers

    _refuse_workspaces()
    from handrail.entrypoints.mlflow.app.artifact_guard import guard_artifacts
    from handrail.entrypoints.mlflow.app.asking import remember_refusals
    from handrail.entrypoints.mlflow.app.foreign_calls import let_in
    from handrail.entrypoints.mlflow.app.inner_app import open_inner_app, refuse_open_app
    from handrail.entrypoints.mlflow.app.refusals import Refusals
    from handrail.entrypoints.mlflow.app.routes import Desks, add_routes, answering
    from handrail.entrypoints.mlflow.app.store_guards import guard_stores

    app = server.app if app is None else app
    trust = read_trust(settings.mlflow_trusted_proxies, settings.mlflow_user_header)
    interface: Any = environment_variables._MLFLOW_SGI_NAME
    asgi = interface.get() == "uvicorn"
    platform = open_platform(settings)
    stores = handlers._get_model_registry_store, handlers._get_tracking_store
    host = GateHost(*stores, _artifacts_folder(), handlers._add_static_prefix(""))
    evaluating = EvaluatingThreads(lambda: opened.evaluations)
    opened = open_gate(settings, lambda: platform.approvals_store, lambda: platform.lineage, host, evaluating.begin)
    gate, guard = opened.gate, opened.guard
    # MLflow has what is recorded here too, so a call need not wait for the disk a second time.
    recording = open_platform(settings, PATIENCE_S, synced=False)
    refusals, looks = Refusals(opened.outside.attempts), Looks()
    remember_refusals(refusals)
    guard_stores(guard, _recorder(recording, host))
    guard_artifacts(guard)
    outside = _outside(settings, opened, refusals, looks)
    desks = Desks(gate, opened.snapshots, opened.predictions, opened.rules, opened.differences, outside, refusals)
    add_routes(app, desks)
    _add_pages(app, opened, platform, refusals)
    inner, logins = open_inner_app(app, settings, by_header=trust is not None, asgi=asgi)
    let_in(app, outside, refusals, partial(answering, refusals))
    _begin(opened, evaluating, looks, recording)
    served = _behind_doors(app, inner, settings, logins, trust)
    refuse_open_app(served, settings)
    return served


def _begin(opened: OpenGate, evaluating: EvaluatingThreads, looks: Looks, recording: Platform) -> None:
    _report_interrupted(opened.gate, evaluating)
    keep_watch(opened, looks)
    keep_writing(opened.notices)
    _open_lineage(recording)


def _add_pages(app: Any, opened: OpenGate, platform: Platform, refusals: Refusals) -> None:
    from handrail.entrypoints.mlflow.app.cursors import open_cursors
    from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
    from handrail.entrypoints.mlflow.app.pages.routes import add_pages

    # Every process of the server has the same secret, so a form of one passes in another.
    forms = Forms(os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"].encode())
    desk = PageDesk(opened, platform, forms, server_name(platform.settings), open_cursors())
    add_pages(app, desk, refusals)


def _behind_doors(app: Any, inner: Any, settings: Settings, logins: Logins, trust: Trust | None) -> Any:
    """Let only open routes reach the server, as the tables of this installed MLflow list them now."""
    from mlflow.server import handlers

    from handrail.entrypoints.mlflow.app.door import Door, WsgiDoor
    from handrail.entrypoints.mlflow.app.logins import WithLogins, WsgiWithLogins
    from handrail.entrypoints.mlflow.app.pages.routes import page_lines
    from handrail.entrypoints.mlflow.app.route_tables import known_routes, routes_of_asgi, routes_of_flask
    from handrail.entrypoints.mlflow.app.surface import RouteLine, Surface

    prefix = handlers._add_static_prefix("")
    own = {RouteLine(route.method, route.path) for route in Route} | page_lines()
    installed = {*routes_of_flask(app), *(routes_of_asgi(inner) if inner is not app else ())}
    surface = Surface(installed, known_routes() | own, settings.mlflow_routes, prefix)
    if inner is not app:
        known = WithLogins(inner, logins)
        return Door(HeaderDoor(known, trust) if trust else known, surface)
    app.wsgi_app = WsgiDoor(WsgiWithLogins(app.wsgi_app, logins), surface)
    return app


def _recorder(platform: Platform, host: GateHost) -> Recorder:
    from handrail.entrypoints.mlflow.app.logins import current_account
    from handrail.entrypoints.mlflow.app.recorded_stores import Recorder

    settings, agent_of = platform.settings, open_agents(platform.settings)

    def agent() -> str | None:
        account = current_account()
        return agent_of(account) if account else None

    addresses = find_repository_addresses(settings)
    naming = Naming(server_name(settings), settings.repository, settings.environment, addresses)
    return Recorder(lambda: platform.lineage, naming, agent, open_trees(host), system_time)


def _open_lineage(platform: Platform) -> None:
    """Bring lineage's tables up to date now, not within somebody's request; without them the gate still works."""
    try:
        platform.lineage  # noqa: B018 - opened at its first use
    except HandrailError as err:
        _log.warning("Lineage cannot be opened; it will be tried again at the next thing that it should know. %s", err)


def _report_interrupted(gate: Gate, evaluating: EvaluatingThreads) -> None:
    """Finish moves and evaluations that a stop interrupted; if the stores are not there, the guards still hold."""
    try:
        for sentence in gate.finish_moves():
            _log.warning(sentence)
        evaluating.resume()
    except HandrailError as err:
        _log.error("An interrupted move could not be finished; it will be tried at the next start. %s", err)


def _outside(settings: Settings, opened: OpenGate, refusals: Refusals, looks: Looks) -> dict[Route, ForeignRoute]:
    """Open what others than accounts may call, with the secrets of the settings."""
    from handrail.entrypoints.mlflow.app.confirmation_routes import ConfirmationDesk
    from handrail.entrypoints.mlflow.app.foreign_calls import ForeignRoute
    from handrail.entrypoints.mlflow.app.metrics_routes import MetricsDesk

    asked = settings.confirmations
    github = None
    if asked.github_app and asked.github_key:
        github = GithubApp(asked.github_app, settings.project / asked.github_key, asked.github_hosts)
    desk = ConfirmationDesk(opened.outside.confirmations, asked, server_name(settings), settings.environment, github)
    metrics = MetricsDesk(opened.outside.figures, refusals, lambda: looks.last, system_time, settings.metrics_token)
    return {
        route: ForeignRoute(found.is_foreign, found.why_unknown, found.answer)
        for route, found in ((Route.CONFIRM, desk), (Route.METRICS, metrics))
    }


def _refuse_workspaces() -> None:
    from mlflow import environment_variables

    workspaces: Any = environment_variables.MLFLOW_ENABLE_WORKSPACES
    if workspaces.get():
        raise Misconfigured(
            "MLFLOW_ENABLE_WORKSPACES", "permits do not name a workspace yet", "Leave workspaces off on this server."
        )


def _artifacts_folder() -> Path:
    from mlflow.server.constants import ARTIFACTS_DESTINATION_ENV_VAR, SERVE_ARTIFACTS_ENV_VAR

    destination = os.environ.get(ARTIFACTS_DESTINATION_ENV_VAR, "")
    parsed = urlparse(destination)
    served = os.environ.get(SERVE_ARTIFACTS_ENV_VAR) == "true"
    if not destination or not served or parsed.scheme not in ("", "file"):
        raise Misconfigured(
            "--artifacts-destination",
            f"{destination!r} is not a folder that this server serves artifacts from",
            "Give a local folder and leave artifact serving on: the gate freezes files there.",
        )
    return Path(unquote(parsed.path)).resolve()
