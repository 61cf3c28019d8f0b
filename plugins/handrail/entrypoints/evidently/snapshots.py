"""A feedback snapshot as a dataset of Evidently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.entrypoints.hosts.snapshot_rows import judged_rows
from handrail.feedback import FeedbackLog
from handrail.tools import require

if TYPE_CHECKING:
    from evidently import Dataset

DECISION = "decision"
"""The name by which a metric judges what was answered."""


def snapshot_dataset(log: FeedbackLog, digest: str) -> Dataset:
    """Return the mature, labelled predictions of a snapshot as a dataset whose definition names label and answers.

    Values 0 and 1 make it a binary classification by score, and another one named `decision` by what was answered:
    `Accuracy(classification_name="decision")`. Other listed values make it one of several classes, and a kind without a
    list a regression. Name the snapshot to `add_run`, too: `Sources(snapshot=digest)`.

    Raises:
        UnknownReference: there is no such snapshot.
        SnapshotChanged: its rows were altered.
        MissingTool: Evidently, pyarrow or pandas is not installed.
    """
    require("evidently", "evidently")
    from evidently import BinaryClassification, DataDefinition, Dataset, MulticlassClassification, Regression

    frame, values = judged_rows(log, digest, "evidently"), log.find_snapshot(digest).kind.values
    about = {"id_column": "prediction_id", "timestamp": "made_at"}
    columns = {"categorical_columns": ["deployment"], "numerical_columns": ["score"]}
    if not values:
        task = {"regression": [Regression(target="label", prediction="score")]}
        return Dataset.from_pandas(frame, DataDefinition(**about, **columns, **task))
    frame = frame.astype({"label": "int64", "predicted": "int64"})
    if set(values) == {0.0, 1.0}:
        # Of both, Evidently would judge scores at 0.5 and not what was decided.
        scores = BinaryClassification(target="label", prediction_probas="score", pos_label=1)
        decisions = BinaryClassification(name=DECISION, target="label", prediction_labels="predicted", pos_label=1)
        return Dataset.from_pandas(frame, DataDefinition(**about, **columns, classification=[scores, decisions]))
    several = MulticlassClassification(target="label", prediction_labels="predicted")
    return Dataset.from_pandas(frame, DataDefinition(**about, **columns, classification=[several]))
