"""What an account may do on this MLflow server, and which experiments a version was made in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlparse

from flask import g, has_request_context, request
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.server import handlers

from handrail.entrypoints.mlflow.app.logins import Level, current_account, is_allowed
from handrail.errors import HandrailError, Refused, Unavailable, UnknownReference

PAGE = 1000
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow says that nothing has a name, or that nothing can have it."""


def account() -> str:
    """Return the account that is logged in.

    Raises:
        Refused: nobody is.
    """
    name = current_account()
    if not name:
        raise Refused("An anonymous call", ("Log in with an MLflow account.",))
    return name


def require_model(model: str, level: Level, action: str) -> None:
    """Let only those pass who have a permission of MLflow, such as `can_read`, on the model.

    Raises:
        UnknownReference: there is no such model.
        Unavailable: MLflow cannot say.
        Refused: this account lacks it.
    """
    store: Any = handlers._get_model_registry_store()
    try:
        store.get_registered_model(model)
    except MlflowException as err:
        raise _absent(err, UnknownReference("registered model", model, "Register it on this server first.")) from err
    if not may(model, level):
        raise Refused(action, (f"The account {account()!r} lacks the permission for {model!r}; ask its owner.",))


def may(model: str, level: Level) -> bool:
    """Whether the account has the permission on the model; who only looks, with GET, has the same answer throughout."""
    who = account()
    if not (has_request_context() and request.method == "GET"):
        return is_allowed(who, "registered_model", model, level)
    known: dict[tuple[str, str, Level], bool] = g.setdefault("handrail_may", {})
    if (who, model, level) not in known:
        known[who, model, level] = is_allowed(who, "registered_model", model, level)
    return known[who, model, level]


def require_sources(model: str, version: str, action: str) -> None:
    """Let only those pass who may change every experiment that the version's files and runs lie in.

    Otherwise whoever may read a run could have it held.

    Raises:
        UnknownReference: there is no such version.
        Refused: the account lacks the permission.
    """
    for experiment_id in sorted(set(_experiments_of(model, version))):
        if not is_allowed(account(), "experiment", experiment_id, "can_update"):
            reason = f"The account {account()!r} may not change the experiment {experiment_id} that it was made in"
            raise Refused(action, (f"{reason}; ask its owner.",))


def require_runs(run_ids: Iterable[str], action: str) -> None:
    """Let only those pass who may read each run: evidence is shown to everybody who may read the request.

    Raises:
        UnknownReference: there is no such run.
        Refused: the account lacks the permission.
    """
    tracking: Any = handlers._get_tracking_store()
    for run_id in sorted(set(run_ids)):
        try:
            experiment_id = str(tracking.get_run(run_id).info.experiment_id)
        except MlflowException as err:
            raise _absent(err, UnknownReference("run", run_id, "Name a run of this server.", "run_id")) from err
        if not is_allowed(account(), "experiment", experiment_id, "can_read"):
            raise Refused(action, (f"The account {account()!r} may not read the run {run_id}; ask its owner.",))


def _absent(err: MlflowException, missing: UnknownReference) -> HandrailError:
    """Return that it is missing where MLflow says so, and that MLflow cannot say it where its store fails."""
    if err.error_code in ABSENT:
        return missing
    return Unavailable("MLflow's store", str(err.message)[:300], "Nothing was recorded; try again, and see its log.")


def _experiments_of(model: str, version: str) -> Iterator[str]:
    registry: Any = handlers._get_model_registry_store()
    tracking: Any = handlers._get_tracking_store()
    try:
        found = registry.get_model_version(model, version)
        if found.run_id:
            yield str(tracking.get_run(found.run_id).info.experiment_id)
        yield from _experiments_at(tracking, str(registry.get_model_version_download_uri(model, version)))
    except MlflowException as err:
        missing = UnknownReference("registered model", f"{model}/{version}", "Register it on this server first.")
        raise _absent(err, missing) from err


def _experiments_at(tracking: Any, uri: str) -> Iterator[str]:
    parsed = urlparse(uri)
    name = unquote(uri.partition(":")[2]).lstrip("/").partition("/")[0]
    if parsed.scheme == "runs":
        yield str(tracking.get_run(name).info.experiment_id)
    elif parsed.scheme == "models":
        yield str(tracking.get_logged_model(name).experiment_id)
    elif parsed.scheme == "mlflow-artifacts":
        path = f"{unquote(parsed.path).rstrip('/')}/"
        for experiment in _all_experiments(tracking):
            place = urlparse(str(experiment.artifact_location))
            if place.scheme == parsed.scheme and path.startswith(f"{unquote(place.path).rstrip('/')}/"):
                yield str(experiment.experiment_id)


def _all_experiments(tracking: Any) -> Iterator[Any]:
    token = None
    while True:
        page = tracking.search_experiments(view_type=ViewType.ALL, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
