"""How MLflow's methods ask the guard, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, ParamSpec

from flask import g, has_request_context
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, TEMPORARILY_UNAVAILABLE

from handrail.approvals import Protected
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.app.refusals import Refusals

About = ParamSpec("About")
account_of_call: ContextVar[str | None] = ContextVar("handrail_account", default=None)
"""Who logged in to a route that MLflow serves without Flask."""
_refusals: list[Refusals] = []


def remember_refusals(refusals: Refusals) -> None:
    """Have every refusal of the guard in this process remembered there, and no longer where it was before."""
    _refusals[:] = [refusals]


def ask(question: Callable[About, None], *about: About.args, **named: About.kwargs) -> None:
    """Ask the guard: a refusal becomes MLflow's own 403 with JSON, any other trouble of the gate its 503."""
    try:
        question(*about, **named)
    except Protected as err:
        for refusals in _refusals:
            refusals.direct(err, who_asks())
        raise MlflowException(str(err), error_code=PERMISSION_DENIED) from err
    except HandrailError as err:
        raise MlflowException(str(err), error_code=TEMPORARILY_UNAVAILABLE) from err


def current_account() -> str | None:
    """Return the account that logged in to the request being answered, None outside of one."""
    return getattr(g, "mlflow_authenticated_user", None) if has_request_context() else None


def who_asks() -> str | None:
    """Return the account behind the call being answered, whichever framework serves it; None outside of one."""
    return current_account() or account_of_call.get()
