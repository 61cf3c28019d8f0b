"""Whether a challenger is worse than the champion on the same flights.

Where the flights come from, and what follows from the answer, is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flows.steps.modelling.clustered import Scored, draw_days, estimate, roc_auc
from flows.steps.modelling.model_params import IntervalParams
from handrail.errors import InvalidInput

MARGIN = 0.005
DRAWS = 2000


def compare(  # noqa: PLR0913 - two models, their flights and a rule: agreed with the steps that call it
    champion_scores: Sequence[float] | np.ndarray,
    challenger_scores: Sequence[float] | np.ndarray,
    labels: Sequence[float | None] | np.ndarray,
    days: Sequence[Any] | np.ndarray,
    margin: float = MARGIN,
    n_boot: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two models' ROC-AUC by a paired bootstrap over whole days.

    All four arrays are (n,) and row i is one flight; a label is 0, 1 or missing (None, NaN), and flights without
    one are left out. `delta_auc` is challenger minus champion; both are judged on the same drawn days.

    Returns:
        delta_auc, ci_low, ci_high (95 % percentile interval), champion_auc, challenger_auc, n (flights), days,
        margin, not_worse (`ci_low >= -margin`).

    Raises:
        InvalidInput: the arrays differ in length, a score is not finite, a label is not 0 or 1, or one outcome
            never happens.
    """
    champion, challenger = _paired(champion_scores, challenger_scores, labels, days)
    weights = draw_days(champion.days, IntervalParams(n_boot, seed))
    of_champion, of_challenger = roc_auc(champion, weights), roc_auc(challenger, weights)
    delta = estimate(of_challenger - of_champion)
    return {
        "delta_auc": delta.value,
        "ci_low": delta.low,
        "ci_high": delta.high,
        "champion_auc": float(of_champion[0]),
        "challenger_auc": float(of_challenger[0]),
        "n": len(champion.late),
        "days": champion.days,
        "margin": margin,
        "not_worse": bool(delta.low >= -margin),
    }


def _paired(champion: Any, challenger: Any, labels: Any, days: Any) -> tuple[Scored, Scored]:
    scores = {"champion_scores": _floats(champion), "challenger_scores": _floats(challenger)}
    late, day = _floats(labels), np.asarray(days)
    for name, values in {**scores, "days": day}.items():
        if values.shape != (len(late),):
            raise InvalidInput(name, f"{len(values)} values for {len(late)} labels", "Pass one value a flight.")
    known = ~np.isnan(late)
    codes = np.unique(day[known], return_inverse=True)[1]
    late = late[known]
    if set(np.unique(late).tolist()) != {0.0, 1.0}:
        raise InvalidInput("labels", "they do not hold both outcomes, 0 and 1", "Compare on more mature flights.")
    for name, values in scores.items():
        if not np.isfinite(values[known]).all():
            raise InvalidInput(name, "a score is not a finite number", "Score these flights again.")
    first, second = (Scored(values[known], late.astype(np.int8), codes) for values in scores.values())
    return first, second


def _floats(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)
