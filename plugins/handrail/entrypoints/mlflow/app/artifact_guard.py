"""The guard around the files that MLflow serves: every upload and deletion on the server ends in these methods."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from handrail.approvals import Guard
from handrail.entrypoints.mlflow.app.asking import ask
from handrail.entrypoints.mlflow.app.logins import current_account
from handrail.files import sha256_of


def guard_artifacts(guard: Guard) -> None:
    """Make MLflow's local artifact repository ask the guard before it writes or deletes.

    The class itself is changed, so that a path, an encoding or a route cannot lead around it. A file is checked
    before its folder is made, and again when it takes its name: an upload may have begun before the hold. Its writer
    is remembered before it is there.
    """
    repository: Any = LocalArtifactRepository
    destination, publish = repository._get_destination_artifact_path, repository._publish_staged_artifact
    log_artifacts, delete_artifacts = repository.log_artifacts, repository.delete_artifacts

    def guarded_destination(self: Any, artifact_file_name: str, artifact_path: str | None = None) -> Any:
        name = os.path.basename(artifact_file_name)
        with guard.changing():
            _check(guard, os.path.join(self.artifact_dir, artifact_path or "", name))
            return destination(self, artifact_file_name, artifact_path)

    def guarded_publish(self: Any, temp_file_path: str, destination_file_path: str, *args: Any, **kwargs: Any) -> Any:
        folder = os.path.realpath(os.path.dirname(destination_file_path))
        digest = sha256_of(Path(temp_file_path))
        with guard.changing():
            _check(guard, destination_file_path)
            ask(guard.uploaded, folder, digest, current_account())
            return publish(self, temp_file_path, destination_file_path, *args, **kwargs)

    def guarded_log_artifacts(self: Any, local_dir: str, artifact_path: str | None = None) -> Any:
        target = os.path.join(self.artifact_dir, artifact_path or "")
        with guard.changing():
            _check(guard, target)
            _made(guard, target)
            return log_artifacts(self, local_dir, artifact_path)

    def guarded_delete(self: Any, artifact_path: str | None = None) -> Any:
        target = os.path.join(self.artifact_dir, artifact_path or "")
        with guard.changing():
            _check(guard, target)
            _made(guard, target)
            return delete_artifacts(self, artifact_path)

    repository._get_destination_artifact_path = guarded_destination
    repository._publish_staged_artifact = guarded_publish
    repository.log_artifacts = guarded_log_artifacts
    repository.delete_artifacts = guarded_delete


def _check(guard: Guard, path: str) -> None:
    ask(guard.write, os.path.realpath(path))


def _made(guard: Guard, folder: str) -> None:
    ask(guard.made, "path", os.path.realpath(folder), current_account())
