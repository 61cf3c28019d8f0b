"""MLflow's own basic-auth as the inner app: its accounts, its permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, has_request_context
from mlflow.exceptions import MlflowException
from mlflow.server import auth, handlers
from werkzeug.datastructures import Authorization

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.http.gate_routes import Route
from handrail.entrypoints.mlflow.app.logins import Identity, Kind, Level, Logins, Rights
from handrail.entrypoints.mlflow.app.trusted_header import vouched_account

_auth: Any = auth  # MLflow's own, without types


def open_basic_auth(app: Flask, *, by_header: bool) -> tuple[Any, Logins]:
    """Put MLflow's logins around the app; `by_header` says that a trusted proxy may name people too."""
    if by_header:
        name = f"{__name__}:{authorize.__name__}"
        _auth.auth_config = _auth.auth_config._replace(authorization_function=name)
    served = _auth.create_app(app)
    for route in Route:
        _auth.BEFORE_REQUEST_VALIDATORS[(handlers._add_static_prefix(route.path), route.method)] = lambda: True
    _auth.BEFORE_REQUEST_VALIDATORS = _WithPages(_auth.BEFORE_REQUEST_VALIDATORS)
    return served, Logins(BasicAuthIdentity(), BasicAuthRights())


class _WithPages(dict[tuple[str, str], Callable[[], bool]]):
    """MLflow's checks by exact path and method, and the pages, whose paths vary and which check rights themselves.

    Without a check of its own a route is closed to everybody but admins.
    """

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """Return the check of a route; that of a page of the console lets every account in."""
        found = super().get(key)
        return found or ((lambda: True) if _is_page(*key) else default)


def _is_page(path: str, method: str) -> bool:
    prefix = handlers._add_static_prefix("")
    # The address of a form may be opened too: it leads to the form's page.
    return path.startswith(prefix) and any(
        method in (each.method, "GET") and each.matches(path.removeprefix(prefix)) for each in Address
    )


def authorize() -> Authorization | Response:
    """Return the account that the proxy named, else that of MLflow's own check of a password; MLflow calls this."""
    account = vouched_account()
    if account is None:
        answer: Authorization | Response = _auth.authenticate_request_basic_auth()
        return answer
    try:
        known = _auth.store.get_user(account).username
    except MlflowException:
        known = None
    # A database may find a name under another spelling; what was decided would be by somebody else.
    if known != account:
        return Response(f"MLflow has no account {account!r}. Let an admin create it.", HTTPStatus.FORBIDDEN)
    return Authorization("basic", {"username": account, "password": ""})


class BasicAuthIdentity(Identity):
    """The account whose password MLflow has checked."""

    def account(self, call: Mapping[str, Any]) -> str | None:
        """Return what MLflow's login keeps of the call, for a route of Flask or one of its own."""
        if has_request_context():
            return getattr(g, "mlflow_authenticated_user", None)
        found: str | None = call.get("state", {}).get("username")
        return found


class BasicAuthRights(Rights):
    """The permissions in MLflow's store of accounts; an admin has all of them."""

    def may(self, account: str, kind: Kind, name: str, level: Level) -> bool:
        """Ask MLflow's store; once a model is gone, only an admin has a permission on it."""
        try:
            if _auth.store.get_user(account).is_admin:
                return True
            permission = (
                _auth._get_registered_model_or_prompt_permission(name)
                if kind == "registered_model"
                else _auth._get_experiment_permission(name, account)
            )
            return bool(getattr(permission, level))
        except MlflowException:
            return False
