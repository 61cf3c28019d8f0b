"""Where MLflow runs are written, and how a run is found again instead of made twice.

MLflow's own environment decides (MLFLOW_TRACKING_URI and its credentials); with nothing set, a SQLite file below
the project's state folder. MLflow is imported inside functions only, it takes seconds.
"""

from __future__ import annotations

import contextlib
import os
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.errors import Unavailable
from handrail.settings import load_settings
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SQLITE = "sqlite:///"
REACHABLE_WITHIN_S = 10
CHECK = "Check the address, the account and its permissions in MLFLOW_TRACKING_*; then log again."
FEAST_HEADERS = "feast.infra.data_sources.mlflow.auth"
REMEDY = "Start it with `make up`, or unset MLFLOW_TRACKING_URI; then log again."


@dataclass(frozen=True, slots=True)
class TrackingStore:
    """The experiment of the use case in one MLflow store."""

    client: MlflowClient
    experiment_id: str
    project: Path
    case: UseCase

    def find_or_create(self, name: str, tags: Mapping[str, str], more: Mapping[str, str]) -> Run:
        """Return the oldest live run that carries all `tags`, else a new one with them and the run context's tags.

        A new one gets `more` tags too, by which it is not found.
        """
        from mlflow.tracking.context.registry import resolve_tags

        wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        found = self.client.search_runs(
            [self.experiment_id], wanted, max_results=1, order_by=["attributes.start_time ASC"]
        )
        if found:
            return found[0]
        # The run context describes the repository around the current folder.
        with contextlib.chdir(self.project):
            context = resolve_tags()
        return self.client.create_run(self.experiment_id, tags={**context, **tags, **more}, run_name=name)


@contextmanager
def open_tracking(project: Path) -> Iterator[TrackingStore]:
    """Open the store that MLflow's environment names, the experiment made if it is missing.

    Raises:
        Unavailable: the store does not answer, or refuses what is asked inside the block.
    """
    case = read_use_case(project)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _local_store(project)
    _prepare(uri)
    load_request_headers()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(uri, registry_uri=uri)
        yield TrackingStore(client, _experiment(client, uri, case.name), project, case)
    except (MlflowException, OSError) as err:
        raise Unavailable(f"MLflow at {uri}", str(err).splitlines()[0].rstrip("."), CHECK) from err


def load_request_headers() -> None:
    """Let MLflow find who adds headers to its requests; not in Feast, unless Feast is loaded already.

    Before its first request MLflow loads an entry point of Feast, and so all of Feast: 3.6 s of CPU in each process. It
    adds the login of Feast's own MLflow source, which nobody uses in a process that has not loaded Feast.
    """
    if "feast" in sys.modules:
        return
    sys.modules[FEAST_HEADERS] = None  # type: ignore[assignment]  # Python's own way to say that it cannot be imported
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Failure attempting to register request header provider")
            import mlflow.tracking.request_header.registry  # noqa: F401 - it loads every entry point
    finally:
        del sys.modules[FEAST_HEADERS]


def _local_store(project: Path) -> str:
    return f"{SQLITE}{load_settings(project).home / 'mlflow' / 'local.db'}"


def _prepare(uri: str) -> None:
    """Make a file's folder; ask a server for its health, for which MLflow's own client would try for minutes."""
    if uri.startswith(SQLITE):
        Path(uri.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    if not uri.startswith(("http://", "https://")):
        return
    try:
        with urllib.request.urlopen(uri.rstrip("/") + "/health", timeout=REACHABLE_WITHIN_S):
            return
    except (urllib.error.URLError, OSError, ValueError) as err:
        raise Unavailable(f"MLflow at {uri}", f"it does not answer ({err})", REMEDY) from err


def _experiment(client: MlflowClient, uri: str, name: str) -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        return found.experiment_id
    try:
        return client.create_experiment(name, **_artifacts_beside(uri, name))
    except MlflowException:
        # Another process made it in the meantime.
        if found := client.get_experiment_by_name(name):
            return found.experiment_id
        raise


def _artifacts_beside(uri: str, name: str) -> dict[str, Any]:
    """Keep a local store's artifacts beside it; MLflow would put them into the current folder."""
    if not uri.startswith(SQLITE):
        return {}
    folder = Path(uri.removeprefix(SQLITE)).resolve().parent / "artifacts" / name
    return {"artifact_location": folder.as_uri()}
