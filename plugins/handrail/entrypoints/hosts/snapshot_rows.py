"""The judged rows of a feedback snapshot as a frame, for the tools that take one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.feedback import FeedbackLog
from handrail.tools import require

if TYPE_CHECKING:
    import pandas as pd

DOUBLES = ("label", "score", "latency_ms", "propensity", "sampled")


def judged_rows(log: FeedbackLog, digest: str, extra: str) -> pd.DataFrame:
    """Return the mature, labelled predictions of a snapshot, with the columns of `Cohort`; its digest is checked.

    Raises:
        UnknownReference: there is no such snapshot.
        SnapshotChanged: its rows were altered.
        MissingTool: pyarrow or pandas is not installed.
    """
    require("pyarrow", "parquet")
    require("pandas", extra)
    import pandas as pd

    frames = []
    for table in log.labels.of_snapshot(digest):
        frame = table.to_pandas()
        frames.append(frame[frame["mature"] & frame["label"].notna()])
    if not frames:
        return pd.DataFrame({"label": [], "score": [], "predicted": []}, dtype="float64")
    return pd.concat(frames, ignore_index=True)
