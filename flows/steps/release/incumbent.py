"""Compares a packaged tree with the one that an alias points at, on the validation window, and asks with that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.modelling.compare import as_evidence
from flows.steps.release import promote
from flows.steps.release.desk import Desk
from flows.steps.release.promote import Registered
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.delivery import open_permits
from handrail.errors import Refused
from handrail.statistics import Answers, compare
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    import polars as pl

ROWS = Path("data") / "training" / "validate.parquet"


def compare_with_incumbent(desk: Desk, project: Path, alias: str) -> dict[str, Any] | None:
    """Score the validation window with both trees and compare them, paired by subject, whole clusters drawn.

    Returns what `compare` returns and the incumbent's tree digest; None if the alias points at nothing yet, or at
    this very tree.

    Raises:
        Refused: the incumbent needs a feature that the validation rows do not have, or its bytes are not the permitted.
    """
    import polars as pl

    incumbent = desk.digest_behind(alias)
    if incumbent is None or incumbent == tree_digest(project / promote.TREE):
        return None
    rows = pl.read_parquet(project / ROWS)
    permits = open_permits(desk.settings)
    permit = permits.find(incumbent)
    with desk.lend(permits.read(permit)) as tree, tempfile.TemporaryDirectory(prefix="handrail-champion-") as folder:
        # What the registry gives is loaded as a copy whose bytes the permit covers, as in a served bento.
        copy = Path(folder) / "tree"
        permits.verify(tree, permit, copy)
        champion = _score(copy, rows)
    challenger = _score(project / promote.TREE, rows)
    case = read_use_case(project)
    found = compare(
        case.main_metric,
        case.label.kind,
        Answers(champion),
        Answers(challenger),
        rows[case.label.column].to_numpy(),
        rows[case.cluster].cast(pl.String).to_numpy(),
        margin=case.metrics.margin,
    )
    return as_evidence(found) | {"incumbent": incumbent, "rows": str(ROWS)}


def ask_with_comparison(desk: Desk, project: Path, registered: Registered, alias: str, reason: str) -> dict[str, Any]:
    """Open the promotion request with the evidence that the project holds, compared here if it holds no comparison."""
    evidence = promote.read_evidence(project)
    if "comparison" not in evidence and (found := compare_with_incumbent(desk, project, alias)):
        evidence["comparison"] = found
    return desk.ask(registered, alias, reason, evidence)


def _score(tree: Path, rows: pl.DataFrame) -> Any:
    from handrail.scoring import Scorer

    scorer = Scorer.load(tree)
    if missing := [name for name in scorer.features if name not in rows.columns]:
        raise Refused(
            "Comparing with the champion",
            (f"It needs {', '.join(missing)}, which the validation rows lack: keep its features until replaced.",),
        )
    return scorer.score({name: rows[name].to_list() for name in scorer.features}).astype(float)
