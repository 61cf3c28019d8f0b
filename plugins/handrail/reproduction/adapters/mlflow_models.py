"""Models that scripts logged with MLflow: those of a server, and those that a stage logged while it ran again."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from handrail.errors import Unavailable
from handrail.files import unwritable
from handrail.reproduction.adapters.other_python import OtherPython
from handrail.reproduction.adapters.work_folder import ANOTHER_FOLDER
from handrail.reproduction.ports import LoggedModels
from handrail.tools import require

SCRIPT = Path(__file__).with_name("logged_models.py")
SUBJECT, REMEDY = "The models that the stage logged", "Is MLflow in that environment?"
_VERSION = re.compile(r"mlflow://[^/]+/registered/(?P<name>[^/]+)/\d+/(?P<version>\d+)")


class MlflowModels(LoggedModels):
    """The models of the MLflow at `server()`, and of the store that a reproduction writes into."""

    def __init__(self, server: Callable[[], str]) -> None:
        """Take recorded versions from the MLflow whose address `server` returns; it is asked when one is needed."""
        self._server = server

    def fetch(self, version: str, target: Path) -> None:
        """Copy the files of a model version, by URI, to `target`.

        Raises:
            Unavailable: the server is not there, or does not give them.
        """
        named = _VERSION.fullmatch(version)
        if named is None:
            raise Unavailable("The recorded model", "only its digest is known", "Name a version: <model>/<number>.")
        require("mlflow", "mlflow")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        from mlflow import MlflowClient
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        name, number, uri = unquote(named["name"]), named["version"], self._server()
        with unwritable(target, ANOTHER_FOLDER), tempfile.TemporaryDirectory(dir=_made(target.parent)) as folder:
            try:
                client: Any = MlflowClient(tracking_uri=uri, registry_uri=uri)
                address = client.get_model_version_download_uri(name, number)
                found = download_artifacts(artifact_uri=address, dst_path=folder, tracking_uri=uri)
            except (MlflowException, SQLAlchemyError, OSError) as err:
                problem = str(getattr(err, "message", None) or err).strip().splitlines()[0].rstrip(".")
                remedy = "Start that server, or name another in MLFLOW_TRACKING_URI."
                raise Unavailable(
                    f"{name}/{number} of MLflow", f"it cannot be fetched: {problem:.300}", remedy
                ) from err
            shutil.copytree(found, target, dirs_exist_ok=True)

    def known(self, python: Path, environment: Mapping[str, str]) -> frozenset[str]:
        """Return the ids of the models in the tracking store that `environment` names."""
        return frozenset(each["id"] for each in _asked(python, environment, (), None))

    def take(
        self, python: Path, environment: Mapping[str, str], known: frozenset[str], folder: Path
    ) -> tuple[tuple[str, Path], ...]:
        """Copy the models that are not `known` below `folder`; return the name and the place of each, oldest first."""
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run took
        found = _asked(python, environment, sorted(known), folder)
        return tuple((each["name"], Path(each["tree"])) for each in found)


def _asked(python: Path, environment: Mapping[str, str], known: Any, folder: Path | None) -> list[dict[str, str]]:
    """Let the reproduction's own interpreter read its store.

    Raises:
        Unavailable: MLflow is not there, or cannot read it.
    """
    asked = {"known": list(known), "folder": str(folder) if folder else ""}
    found: list[dict[str, str]] = OtherPython(python, environment).ask(SCRIPT, asked, SUBJECT, REMEDY)
    return found


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
