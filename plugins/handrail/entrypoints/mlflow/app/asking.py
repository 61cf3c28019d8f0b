"""How MLflow's methods ask the guard, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from flask import g, has_request_context
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, TEMPORARILY_UNAVAILABLE

from handrail.approvals import Protected
from handrail.errors import HandrailError

About = ParamSpec("About")


def ask(question: Callable[About, None], *about: About.args, **named: About.kwargs) -> None:
    """Ask the guard: a refusal becomes MLflow's own 403 with JSON, any other trouble of the gate its 503."""
    try:
        question(*about, **named)
    except Protected as err:
        raise MlflowException(str(err), error_code=PERMISSION_DENIED) from err
    except HandrailError as err:
        raise MlflowException(str(err), error_code=TEMPORARILY_UNAVAILABLE) from err


def current_account() -> str | None:
    """Return the account that logged in to the request being answered, None outside of one."""
    return getattr(g, "mlflow_authenticated_user", None) if has_request_context() else None
