"""The MLflow dataset source `feedback://handrail/snapshot/<digest>`: what a feedback snapshot fixes.

MLflow loads this module whenever it is imported: nothing of the feedback store is, until a snapshot is read.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidInput
from handrail.tools import require

require("mlflow", "mlflow")
from mlflow.data.dataset_source import DatasetSource  # noqa: E402

if TYPE_CHECKING:
    from mlflow.data.pandas_dataset import PandasDataset

    from handrail.feedback import FeedbackLog

LONGEST_DIGEST = 36
"""What MLflow takes: the source holds the whole one."""
_FORM = re.compile(r"feedback://handrail/snapshot/(?P<digest>sha256:[0-9a-f]{64})")


class FeedbackDatasetSource(DatasetSource):
    """A feedback snapshot by its digest."""

    def __init__(self, digest: str) -> None:
        """Name the snapshot of that digest, `sha256:<hex>`."""
        self.digest = digest

    @staticmethod
    def _get_source_type() -> str:
        return "feedback"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and _FORM.fullmatch(raw_source) is not None

    @classmethod
    def _resolve(cls, raw_source: str) -> FeedbackDatasetSource:
        return cls(_parse(raw_source))

    @property
    def uri(self) -> str:
        """`feedback://handrail/snapshot/<digest>`, as lineage names it."""
        from handrail.refs import FeedbackSnapshot

        return FeedbackSnapshot(self.digest).uri

    def to_dict(self) -> dict[str, Any]:
        """Return what MLflow keeps of this source."""
        return {"uri": self.uri}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> FeedbackDatasetSource:
        """Read what `to_dict` wrote.

        Raises:
            InvalidInput: the URI is not that of a snapshot.
        """
        return cls(_parse(str(source_dict.get("uri"))))

    def load(self) -> str:
        """Write the snapshot's mature labels as Parquet into a new temporary folder, and return the file's path.

        The feedback store is the one that Handrail's settings name.

        Raises:
            UnknownReference: that store has no such snapshot.
            SnapshotChanged: its rows were altered.
        """
        from handrail.bootstrap import open_records

        path = Path(tempfile.mkdtemp(prefix="handrail-snapshot-")) / "labels.parquet"
        with open_records() as platform:
            platform.feedback.export_snapshot(self.digest, path)
        return str(path)


def snapshot_dataset(log: FeedbackLog, digest: str, name: str = "feedback") -> PandasDataset:
    """Return the mature, labelled predictions of a snapshot as a dataset for `mlflow.log_input`.

    Its digest is the begin of the snapshot's (MLflow takes 36 characters), its source the whole of it, by which lineage
    joins the run to the snapshot.

    Raises:
        UnknownReference: there is no such snapshot.
        SnapshotChanged: its rows were altered.
        MissingTool: pyarrow is not installed.
    """
    from mlflow.data.pandas_dataset import from_pandas

    from handrail.entrypoints.hosts.snapshot_rows import judged_rows

    frame = judged_rows(log, digest, "mlflow")
    short = digest.partition(":")[2][:LONGEST_DIGEST]
    source: Any = FeedbackDatasetSource(digest)
    return from_pandas(frame, source=source, targets="label", name=name, digest=short, predictions="score")


def _parse(uri: str) -> str:
    form = _FORM.fullmatch(uri)
    if form is None:
        problem, remedy = f"{uri!r} is not a feedback snapshot", "Write feedback://handrail/snapshot/sha256:<64 hex>."
        raise InvalidInput("source", problem, remedy)
    return form["digest"]
