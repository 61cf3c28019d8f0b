"""Lets a challenger speak before the outcome: its predictions of what is still to come are committed at the gate.

Nothing is served by them. Once the outcomes are known, the gate can measure the challenger on them, at the level
`prospective`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.monitoring.config import read_monitoring
from flows.steps.release.promote import TREE, Registered
from handrail.errors import Unavailable
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from flows.steps.release.desk import Desk
    from handrail.scoring import Scorer


def foretell(desk: Desk, folder: Path, registered: Registered) -> dict[str, Any] | None:
    """Commit what a version says about subjects whose outcome is not known yet; None if no table of them is named.

    The table is the Parquet file `shadow: {rows: ...}` of config/monitoring.yaml, below the project: the subject's
    column and the features of the version. Rows with a label are left out. Repeating it changes nothing.

    Args:
        desk: who commits; its project holds the table.
        folder: the project that was packaged.
        registered: the version there.

    Returns:
        what the gate answers (`predictions`, `tree_digest`, `at`), and the number of `rows`.

    Raises:
        Misconfigured: config/monitoring.yaml cannot be used.
        Unavailable: the table is missing, lacks a column or has no row without an outcome; or the server fails.
    """
    from handrail.scoring import Scorer

    shadow = read_monitoring(desk.settings.config).shadow
    if shadow is None:
        return None
    file = desk.settings.project / shadow.rows
    said = _said(file, folder, Scorer.load(folder / TREE))
    with tempfile.TemporaryDirectory(prefix="handrail-foretold-") as place:
        predictions = Path(place) / "predictions.parquet"
        said.write_parquet(predictions)
        committed = desk.gate.commit_predictions(registered.model, registered.version, predictions)
    return committed | {"rows": said.height}


def _said(file: Path, folder: Path, scorer: Scorer) -> pl.DataFrame:
    """Return subject and score of each row that has no outcome, ordered by subject: equal answers are equal bytes."""
    case = read_use_case(folder)
    subject, label = case.subject.column, case.label.column
    try:
        rows = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as err:
        problem = f"it cannot be read as Parquet: {str(err).splitlines()[0]}"
        raise Unavailable(str(file), problem, "Write it, or leave 'shadow' out of config/monitoring.yaml.") from err
    missing = [name for name in (subject, *scorer.features) if name not in rows.columns]
    if missing:
        raise Unavailable(str(file), f"it lacks {', '.join(missing)}", "Give each feature of the challenger a column.")
    if label in rows.columns:
        rows = rows.filter(pl.col(label).is_null())
    if rows.is_empty():
        raise Unavailable(str(file), "it has no row without an outcome", "Give it rows of what is still to come.")
    score = scorer.answer({name: rows[name].to_list() for name in scorer.features}).score
    return rows.select(subject).with_columns(score=pl.Series(score.astype(float))).sort(subject)
