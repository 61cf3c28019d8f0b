"""How MLflow's methods ask the guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, TEMPORARILY_UNAVAILABLE

from handrail.approvals import Protected
from handrail.entrypoints.mlflow.app.logins import current_account
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail.entrypoints.mlflow.app.refusals import Refusals

About = ParamSpec("About")
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
            refusals.direct(err, current_account())
        raise MlflowException(str(err), error_code=PERMISSION_DENIED) from err
    except HandrailError as err:
        raise MlflowException(str(err), error_code=TEMPORARILY_UNAVAILABLE) from err
