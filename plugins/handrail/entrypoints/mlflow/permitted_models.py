"""The scheme `handrail:` for MLflow's loaders: `mlflow.pyfunc.load_model("handrail:/churn@champion")`.

What is loaded is a private copy of exactly the bytes that the gate's permit allows for this project's use.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository

SCHEME = "handrail"


class PermittedModels(ArtifactRepository):
    """Gives what `handrail:/<model>@<alias>` names, whole and verified, and takes nothing."""

    def __init__(self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        super().__init__(artifact_uri, tracking_uri, registry_uri)

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Fetch, verify, and return the folder of the private copy.

        Raises:
            MlflowException: nothing may be loaded; the sentence is Handrail's.
        """
        from handrail.entrypoints.mlflow.fetching import fetch, login_of, read_address
        from handrail.errors import HandrailError
        from handrail.settings import load_settings

        address = f"{self.artifact_uri.rstrip('/')}/{artifact_path or ''}".rstrip("/")
        settings = load_settings()
        # MLflow's own folders are this account's alone, and so is the copy in it.
        into = Path(tempfile.mkdtemp(prefix="handrail-model-", dir=dst_path))
        try:
            fetch(settings, login_of(settings, self.tracking_uri), read_address(address, (SCHEME,)), into)
        except HandrailError as err:
            shutil.rmtree(into, ignore_errors=True)
            raise MlflowException(str(err)) from err
        return str(into)

    def list_artifacts(self, *_about: Any, **_named: Any) -> list[Any]:
        """Refuse: only whole models are given."""
        _only_whole()

    def _download_file(self, *_about: Any, **_named: Any) -> None:
        _only_whole()

    def log_artifact(self, *_about: Any, **_named: Any) -> None:
        """Refuse: nothing is written here."""
        _only_whole()

    def log_artifacts(self, *_about: Any, **_named: Any) -> None:
        """Refuse: nothing is written here."""
        _only_whole()


def _only_whole() -> NoReturn:
    raise MlflowException("handrail:/<model>@<alias> is a whole model to load; its files are not listed or written.")
