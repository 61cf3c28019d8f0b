"""The labelled rows on which the gate measures a version: which ones, and with the features of both models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from flows.steps.release.own_features import window_for
from flows.steps.release.promote import TREE
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.approvals_evaluation import rows_for
from handrail.errors import Refused, Unavailable

if TYPE_CHECKING:
    from flows.steps.release.desk import Desk
    from handrail.scoring import Scorer

WINDOW = "validate"


def hand_in_rows(desk: Desk, project: Path, model: str, alias: str) -> str | None:
    """Hand in the rows of `project` that config/evaluation.yaml names; None if it names no such model.

    Where the alias points at another model that needs further features, they are added as its own feature set has
    them. What cannot be read is left out: the gate then says which feature it misses.

    Returns:
        the digest that a request names.

    Raises:
        Unavailable: the rows are missing, or the server does not take them.
    """
    incumbent = desk.digest_behind(alias)
    replacing = incumbent is not None and incumbent != tree_digest(project / TREE)
    named = rows_for(project, model, replacing=replacing)
    if named is None:
        return None
    file = project / named
    if not file.is_file():
        raise Unavailable(str(file), "these labelled rows are missing", "Run the pipeline first: dvc repro.")
    if not replacing or incumbent is None:
        return desk.gate.hand_in(model, file)
    with desk.champion(incumbent, alias) as champion, tempfile.TemporaryDirectory(prefix="handrail-rows-") as folder:
        return desk.gate.hand_in(model, _with_features_of(champion, project, file, Path(folder) / "rows.parquet"))


def _with_features_of(champion: Scorer, project: Path, file: Path, into: Path) -> Path:
    import polars as pl

    rows = pl.read_parquet(file)
    missing = [name for name in champion.features if name not in rows.columns]
    if not missing:
        return file
    try:
        own = window_for(project, WINDOW, champion, like=rows)
    except (Refused, Unavailable):
        return file
    pl.concat([rows, own.select(missing)], how="horizontal").write_parquet(into)
    return into
