"""Lets a challenger in shadow answer what was scored in bulk, as the running service does with what it is asked.

Its answers are recorded and served to nobody: under the shadow's own service, so that what people report about the
served answer is not taken for its. It answers the subjects that the split of the slot draws for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.steps.release.served_model import ServedModel
from flows.steps.replay.bulk import record_answers, record_said
from flows.steps.replay.log import scored_months
from flows.steps.replay.plan import outcomes_of
from handrail.bootstrap import Platform
from handrail.delivery import Split
from handrail.use_case import UseCase, read_use_case


@dataclass(frozen=True, slots=True)
class Window:
    """Prediction times from `since` on, before `until`; up to the end of what was scored if that is None."""

    since: datetime
    until: datetime | None = None


def answer_in_shadow(platform: Platform, tree: Path, split: Split, name: str, window: Window) -> int | None:
    """Record what the model in `tree` says about the subjects that the split draws for the challenger `name`.

    Returns how many it answered. None if nothing was predicted in the window, or the scored months lack a feature that
    the model reads. Repeating it changes nothing.

    Raises:
        UnknownReference: the split has no such challenger.
    """
    from handrail.scoring import Scorer

    challenger = split.challenger(name)
    case, scorer = read_use_case(platform.settings.project), Scorer.load(tree)
    rows = _drawn(platform.settings.home, case, split, name, window)
    if rows is None or any(column not in rows.columns for column in scorer.features):
        return None
    answered = scorer.answer({column: rows[column].to_list() for column in scorer.features})
    scored = rows.with_columns(score=pl.Series(answered.score.astype(float)), predicted=pl.Series(answered.label))
    model = ServedModel(challenger.deployment, challenger.tree_digest, scorer)
    _, names = record_answers(platform, model, scored, case, sampled=challenger.share)
    record_said(platform, names, outcomes_of(scored, case, predicted_at=case.time.event), case)
    return scored.height


def _drawn(home: Path, case: UseCase, split: Split, name: str, window: Window) -> pl.DataFrame | None:
    """Return the scored rows of the window that the challenger answers in shadow; None if there is none."""
    parts = [pl.read_parquet(file) for file in sorted(scored_months(home).glob("*.parquet"))]
    at = pl.col(case.time.event)
    within = (at >= window.since) & (at < window.until if window.until else pl.lit(True))
    rows = pl.concat([part.filter(within) for part in parts]) if parts else pl.DataFrame()
    if rows.is_empty():
        return None
    drawn = [any(each.name == name for each in split.in_shadow(str(one))) for one in rows[case.subject.column]]
    rows = rows.filter(pl.Series(drawn, dtype=pl.Boolean))
    return None if rows.is_empty() else rows
