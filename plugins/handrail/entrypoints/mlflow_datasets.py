"""The MLflow dataset source `dvc://path[@rev]`: a file or folder under DVC, pinned by DVC's own hash.

MLflow loads this module whenever it is imported: DVC is imported only to load another revision.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from handrail.errors import Conflict, InvalidInput, Unavailable
from handrail.tools import require

require("mlflow", "mlflow")
from mlflow.data.dataset_source import DatasetSource  # noqa: E402

SCHEME = "dvc://"
_FORM = re.compile(r"dvc://(?P<path>[^@\s]+)(@(?P<rev>[^@\s]+))?")


class DvcDatasetSource(DatasetSource):
    """Data at `path` below the DVC project, of the working tree or of a git revision.

    MLflow's dataset digest is of the frame in memory; pass `digest=source.md5` when you log, so that the run names the
    bytes. `md5` ends in `.dir` for a folder and has at most 36 characters, MLflow's limit.
    """

    def __init__(self, path: str, rev: str | None = None, md5: str | None = None) -> None:
        """Name `path` at `rev`; `md5` is what its content must be, None if unknown."""
        self.path = path
        self.rev = rev
        self.md5 = md5

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith(SCHEME)

    @classmethod
    def _resolve(cls, raw_source: str) -> DvcDatasetSource:
        path, rev = _parse(raw_source)
        return cls(path, rev, None if rev else _md5_of(_project(), path))

    @property
    def uri(self) -> str:
        """`dvc://<path>[@<rev>]`."""
        return f"{SCHEME}{self.path}" + (f"@{self.rev}" if self.rev else "")

    def to_dict(self) -> dict[str, Any]:
        """Return what MLflow keeps of this source."""
        return {"uri": self.uri, "md5": self.md5}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DvcDatasetSource:
        """Read what `to_dict` wrote.

        Raises:
            InvalidInput: the URI is none of a DVC path.
        """
        path, rev = _parse(str(source_dict.get("uri")))
        return cls(path, rev, source_dict.get("md5"))

    def load(self) -> str:
        """Return a local path with the content; of another revision a copy in a new temporary folder.

        Raises:
            Unavailable: there is no such file, or not in that revision.
            Conflict: the content is not what `md5` names.
            MissingTool: a revision was asked for and DVC is not installed.
        """
        project = _project()
        found = _fetch(project, self.path, self.rev) if self.rev else project
        if self.md5 and _md5_of(found, self.path) != self.md5:
            raise Conflict(
                "file",
                self.path,
                f"It is not the {self.md5} that was logged; check out the run's commit with git and dvc.",
            )
        return str(found / self.path)


def _parse(uri: str) -> tuple[str, str | None]:
    form = _FORM.fullmatch(uri)
    path = form["path"] if form else ""
    if not form or path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise InvalidInput("source", f"{uri!r} is no DVC path", "Write dvc://<path in the project>[@<git revision>].")
    return path, form["rev"]


def _project() -> Path:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), here)


def _md5_of(root: Path, path: str) -> str:
    from handrail.lineage.adapters.project_files import ProjectFiles

    md5 = ProjectFiles(root).md5_of(path)
    if md5 is None:
        raise Unavailable(path, "it is missing", "Run: dvc pull, or dvc repro.")
    return md5


def _fetch(project: Path, path: str, rev: str) -> Path:
    """Copy `path` as of `rev` into a new folder, below which it has the same path."""
    require("dvc", "dvc")
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    folder = Path(tempfile.mkdtemp(prefix="handrail-dvc-"))
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    try:
        DVCFileSystem(str(project), rev=rev).get(path, str(folder / path), recursive=True)
    except (DvcException, OSError) as err:
        raise Unavailable(f"{path} at {rev}", str(err).rstrip("."), "Name a revision that holds it; dvc pull.") from err
    return folder
