"""Compares a packaged tree with the one that an alias points at, on the validation window, and asks with that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.modelling.compare import as_evidence
from flows.steps.release import promote
from flows.steps.release.comparison_log import log_comparison
from flows.steps.release.desk import Desk
from flows.steps.release.environments import origin_of
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.own_features import window_for
from flows.steps.release.promote import Registered
from handrail.bootstrap.approvals import tree_digest
from handrail.statistics import Answers, compare
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    import polars as pl

    from handrail.scoring import Scorer

WINDOW = "validate"


def compare_with_incumbent(desk: Desk, project: Path, alias: str) -> dict[str, Any] | None:
    """Score the validation window with both trees and compare them, paired by subject, whole clusters drawn.

    Each is scored with the rows of its own feature set. Returns what `compare` returns and the incumbent's tree digest;
    None if the alias points at nothing yet, or at this very tree.

    Raises:
        Refused: the incumbent needs a feature that cannot be read any more, or its bytes are not the permitted.
    """
    from handrail.scoring import Scorer

    incumbent = desk.digest_behind(alias)
    if incumbent is None or incumbent == tree_digest(project / promote.TREE):
        return None
    with desk.champion(incumbent, alias) as champion:
        challenger = Scorer.load(project / promote.TREE)
        found = compare_on_window(project, champion, challenger, read_use_case(project))
    return found | {"incumbent": incumbent, "rows": f"data/training/{WINDOW}.parquet"}


def compare_on_window(project: Path, champion: Scorer, challenger: Scorer, case: UseCase) -> dict[str, Any]:
    """Compare two models on the validation window of `project`, and return the comparison as evidence.

    Raises:
        Refused: one of them needs a feature that cannot be read any more.
    """
    import polars as pl

    rows = window_for(project, WINDOW, challenger)
    same = window_for(project, WINDOW, champion, like=rows)
    found = compare(
        case.main_metric,
        case.label.kind,
        _answers(champion, same),
        _answers(challenger, rows),
        rows[case.label.column].to_numpy(),
        rows[case.cluster].cast(pl.String).to_numpy(),
        margin=case.metrics.margin,
    )
    return as_evidence(found)


def ask_with_comparison(desk: Desk, project: Path, registered: Registered, alias: str, reason: str) -> dict[str, Any]:
    """Open the promotion request with the evidence that the project holds, compared here if it holds no comparison.

    The comparison is logged to the run of the version too, for whoever looks at it in MLflow. Where this environment
    comes after another, the permit of that one for these very bytes is evidence, and nothing is asked without it.

    Raises:
        Refused: the environment before does not permit these bytes, or too little was observed there.
    """
    evidence = promote.read_evidence(project)
    if origin := origin_of(desk.settings, project, alias):
        evidence["origin"] = origin
    if "comparison" not in evidence and (found := compare_with_incumbent(desk, project, alias)):
        evidence["comparison"] = found
    if "comparison" in evidence:
        log_comparison(desk, project, registered, evidence["comparison"])
    snapshot = hand_in_rows(desk, project, registered.model, alias)
    return desk.ask(registered, alias, reason, evidence, snapshot)


def _answers(scorer: Scorer, rows: pl.DataFrame) -> Answers:
    answered = scorer.answer({name: rows[name].to_list() for name in scorer.features})
    return Answers(answered.score.astype(float), answered.label)
