"""Files of runs on the MLflow server that this process is, read from the folder that it serves artifacts from."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

from handrail.approvals.evidence_ports import EvidenceFiles
from handrail.errors import Refused, UnknownReference

LARGEST_BYTES = 1 << 20


class MlflowEvidenceFiles(EvidenceFiles):
    """Keeps the promise of `EvidenceFiles`."""

    def __init__(self, tracking: Callable[[], Any], artifacts: Path) -> None:
        """Use the server's tracking store; `artifacts` is the folder that it serves files from."""
        self._tracking = tracking
        self._artifacts = artifacts.resolve()

    def read(self, run_id: str, path: str) -> tuple[str, bytes]:
        """Return the absolute folder of the file and its bytes.

        Raises:
            UnknownReference: there is no such run or file.
            Refused: it is not a regular file below the run's artifacts, or too large.
        """
        root = self._root(run_id)
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise _elsewhere(run_id, path)
        file = root.joinpath(*pure.parts)
        if file.parent.resolve() != file.parent or not file.is_relative_to(self._artifacts):
            raise _elsewhere(run_id, path)
        return str(file.parent), _content(file, run_id, path)

    def _root(self, run_id: str) -> Path:
        from mlflow.exceptions import MlflowException

        try:
            uri = urlparse(self._tracking().get_run(run_id).info.artifact_uri)
        except MlflowException as err:
            raise UnknownReference("run", run_id, "Name a run of this server.", "run_id") from err
        if uri.scheme == "mlflow-artifacts":
            return self._artifacts / unquote(uri.path).lstrip("/")
        return Path(unquote(uri.path)) if uri.scheme in ("", "file") else Path("/")


def _content(file: Path, run_id: str, path: str) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as err:
        raise UnknownReference("file", path, f"Log it to the run {run_id} first.", "path") from err
    except OSError as err:
        raise _elsewhere(run_id, path) from err
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _elsewhere(run_id, path)
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            content = opened.read(LARGEST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_BYTES:
        raise Refused(f"The evidence {path!r}", (f"It has more than {LARGEST_BYTES:,} bytes; send a summary.",))
    return content


def _elsewhere(run_id: str, path: str) -> Refused:
    return Refused(
        f"The evidence {path!r} of run {run_id!r}",
        ("It is not a plain file below the artifacts of that run; log the report itself to the run.",),
    )
