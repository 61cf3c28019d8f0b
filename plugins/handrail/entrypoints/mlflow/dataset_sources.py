"""The MLflow dataset source `dvc://path[@rev]`: a file or folder under DVC, pinned by DVC's own hash.

MLflow loads this module whenever it is imported: DVC is imported only to load another revision.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from handrail.errors import Conflict, InvalidInput, MissingFile, Unavailable
from handrail.tools import require

require("mlflow", "mlflow")
from mlflow.data.dataset_source import DatasetSource  # noqa: E402

SCHEME = "dvc://"
_KNOWN = ("sha256", "records", "header")
_FORM = re.compile(r"dvc://(?P<path>[^@\s]+)(@(?P<rev>[^@\s]+))?")


class DvcDatasetSource(DatasetSource):
    """Data at `path` below the DVC project, of the working tree or of a git revision.

    MLflow's own dataset digest is of the frame in memory. What names the bytes is `md5` in the source, DVC's hash at
    the moment of logging; it ends in `.dir` for a folder. `known` holds what else is known of the file: its `sha256`,
    the number of its `records` and the `header`, so that a frame which cannot have come from it is noticed.
    """

    def __init__(
        self, path: str, rev: str | None = None, md5: str | None = None, known: Mapping[str, Any] | None = None
    ) -> None:
        """Name `path` at `rev`; `md5` is what its content must be, None if unknown; `known` is what `to_dict` adds."""
        self.path = path
        self.rev = rev
        self.md5 = md5
        self.known = dict(known or {})

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith(SCHEME)

    @classmethod
    def _resolve(cls, raw_source: str) -> DvcDatasetSource:
        path, rev = _parse(raw_source)
        project = _project()
        if rev is None:
            md5 = _md5_of(project, path)
            return cls(path, rev, md5, _known_of(project / path, path))
        from handrail.bootstrap.dvc_files import cached_at

        found, file = cached_at(project, path, rev)
        return cls(path, rev, found, _known_of(file, path) if file else None)

    @property
    def uri(self) -> str:
        """`dvc://<path>[@<rev>]`."""
        return f"{SCHEME}{self.path}" + (f"@{self.rev}" if self.rev else "")

    def to_dict(self) -> dict[str, Any]:
        """Return what MLflow keeps of this source."""
        return {"uri": self.uri, "md5": self.md5} | self.known

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DvcDatasetSource:
        """Read what `to_dict` wrote.

        Raises:
            InvalidInput: the URI is not that of a DVC path.
        """
        path, rev = _parse(str(source_dict.get("uri")))
        known = {name: source_dict[name] for name in _KNOWN if name in source_dict}
        return cls(path, rev, source_dict.get("md5"), known)

    def load(self) -> str:
        """Return a local path with the content; of another revision a copy in a new temporary folder.

        Raises:
            Unavailable: there is no such file, or not in that revision.
            Conflict: the content is not what `md5` names.
            MissingTool: a revision was asked for and DVC is not installed.
        """
        from handrail.bootstrap.dvc_files import has_md5

        project = _project()
        found = _fetch(project, self.path, self.rev) if self.rev else project
        if not (found / self.path).exists():
            raise MissingFile(self.path, "Run: dvc pull, or dvc repro.")
        if self.md5 and not has_md5(found, self.path, self.md5):
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
        raise InvalidInput(
            "source", f"{uri!r} is not a DVC path", "Write dvc://<path in the project>[@<git revision>]."
        )
    return path, form["rev"]


def _project() -> Path:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), here)


def _md5_of(root: Path, path: str) -> str:
    from handrail.bootstrap.dvc_files import md5_on_disk

    md5 = md5_on_disk(root, path)
    if md5 is None:
        raise MissingFile(path, "Run: dvc pull, or dvc repro.")
    return md5


def _known_of(file: Path, name: str) -> dict[str, Any]:
    """Return what of a file lineage can compare: its sha256, and how many records a table has."""
    from handrail.bootstrap.dvc_files import hash_file
    from handrail.entrypoints.mlflow.table_shape import shape_of

    if not file.is_file():
        return {}
    return {"sha256": hash_file(file, name).sha256} | shape_of(file, name)


def _fetch(project: Path, path: str, rev: str) -> Path:
    """Copy `path` as of `rev` into a new folder, below which it has the same path."""
    require("dvc", "dvc")
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    from handrail.bootstrap.dvc_files import repository_of

    top, prefix = repository_of(project)
    folder = Path(tempfile.mkdtemp(prefix="handrail-dvc-"))
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    try:
        # From the top of the repository: DVC does not look for a project in a subfolder of a revision.
        DVCFileSystem(str(top), rev=rev, subrepos=bool(prefix)).get(prefix + path, str(folder / path), recursive=True)
    except (DvcException, OSError) as err:
        raise Unavailable(f"{path} at {rev}", str(err).rstrip("."), "Name a revision that holds it; dvc pull.") from err
    return folder
