"""Which predictions a person should label, and what their labels say about all of them.

A queue is a function of a snapshot, a number and a word: whoever has the three draws the same predictions again, with
the same probabilities. So nothing but the three has to be kept to correct for the choice afterwards. NumPy is imported
where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from handrail.errors import InvalidInput
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.kinds import Kind

if TYPE_CHECKING:
    import numpy as np

    from handrail.statistics import Powered

REASONS = ("unsure", "never-came")
"""Why a label is asked for: the model is unsure, or the truth never came."""
MOST_SEED = 200
TWO_CLASSES = frozenset({0.0, 1.0})


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """What a queue is made from: the digest of a snapshot, how many predictions are to be labelled, and a word.

    Another `seed` draws others. With the reason `never-came` it is about the predictions of the snapshot that are past
    their maturity, and those are asked about for which nobody reported a label, whatever silence means, each as likely.
    """

    snapshot: str
    most: int
    seed: str = ""
    reason: Literal["unsure", "never-came"] = "unsure"

    @property
    def drawn_by(self) -> str:
        """What decides beside its id whether a prediction is drawn; without a reason as before there were reasons."""
        words = (self.snapshot, self.seed, *(() if self.reason == "unsure" else (self.reason,)))
        return "\n".join(words)

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise InvalidInput("reason", f"{self.reason!r} is none", f"Write one of: {', '.join(REASONS)}.")
        if self.most < 1:
            raise InvalidInput("most", f"{self.most} is not above 0", "Say how many predictions somebody will label.")
        if len(self.seed) > MOST_SEED or not (self.seed == "" or self.seed.isprintable()):
            raise InvalidInput("seed", "it is too long, or no plain line", "Use a short word.")


@dataclass(frozen=True, slots=True)
class QueueTask:
    """A prediction that was drawn, and the probability with which it was."""

    prediction_id: str
    subject: str
    deployment: str
    made_at: datetime
    propensity: float


@dataclass(frozen=True, slots=True)
class LabelQueue:
    """What somebody should label, in the order of time; `waiting` counts the predictions that it was drawn from.

    `known` counts those of the snapshot whose label was known already.
    """

    plan: QueuePlan
    kind: str
    tasks: tuple[QueueTask, ...]
    waiting: int
    known: int


@dataclass(frozen=True, slots=True)
class QueueFigure:
    """A mean over all predictions of the snapshot, with its 95 % interval, from a queue's labels.

    `alone` is the interval that the labels have without the help of scores; `effective` how many labels alone would
    give the shorter one. `asked` were drawn, `answered` of them have a label by now, `known` had one before.
    """

    name: str
    value: float
    low: float
    high: float
    alone: tuple[float, float]
    effective: float
    asked: int
    answered: int
    known: int
    predictions: int


def draw_queue(plan: QueuePlan, kind: Kind, cohort: Cohort) -> LabelQueue:
    """Draw from the predictions of a snapshot whose label is unknown, most often where the model is least sure.

    Raises:
        InvalidInput: there are none.
        MissingTool: NumPy is not installed.
    """
    cohort = asked_about(plan, cohort)
    propensity, drawn = _drawn(plan, kind, cohort)
    rows = [row for row in range(len(cohort)) if drawn[row]]
    tasks = (
        QueueTask(
            cohort.prediction_id[row],
            cohort.subject[row],
            cohort.deployment[row],
            cohort.made_at[row],
            float(propensity[row]),
        )
        for row in rows
    )
    waiting = sum(label is None for label in cohort.label)
    return LabelQueue(plan, kind.name, tuple(tasks), waiting, len(cohort) - waiting)


def queue_figures(
    plan: QueuePlan, kind: Kind, cohort: Cohort, now: Mapping[str, float | None]
) -> tuple[QueueFigure, ...]:
    """Return what a queue's labels say about all predictions of its snapshot.

    `now` has the label of each prediction as it is known by now; where the truth never came, as somebody reported it.
    What became known by another way counts for a drawn prediction as well, and for none that was not drawn: it would
    bend the sample. Drawn ones without a label are taken to be like those with one.

    Raises:
        InvalidInput: fewer than two of the drawn predictions have a label.
        MissingTool: NumPy is not installed.
    """
    import numpy as np

    from handrail.statistics import PartlyLabelled, prediction_powered_mean

    cohort = asked_about(plan, cohort)
    propensity, drawn = _drawn(plan, kind, cohort)
    known = np.array([label is not None for label in cohort.label])
    label = np.array([_number(now.get(name)) for name in cohort.prediction_id], dtype=np.float64)
    label[~(known | drawn)] = np.nan
    answered = drawn & ~np.isnan(label)
    if answered.sum() < 2:
        problem = f"{int(answered.sum())} of {int(drawn.sum())} drawn predictions have a label"
        raise InvalidInput("queue", problem, "Have at least two of them labelled, and import their labels.")
    chance = np.where(known, 1.0, propensity * (answered.sum() / drawn.sum()))
    about = (int(drawn.sum()), int(answered.sum()), int(known.sum()), len(cohort))
    found = []
    for name, (value, guess) in _measures(kind, cohort).items():
        measured = np.where(np.isnan(label), np.nan, value(label))
        powered = prediction_powered_mean(PartlyLabelled(measured, guess, None, chance))
        found.append(_figure(name, powered, about))
    return tuple(found)


def _figure(name: str, powered: Powered, about: tuple[int, int, int, int]) -> QueueFigure:
    one, alone = powered.estimate, powered.classical
    return QueueFigure(name, one.value, one.low, one.high, (alone.low, alone.high), powered.effective, *about)


def _drawn(plan: QueuePlan, kind: Kind, cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
    """Return with which probability each row of a cohort is drawn, and whether it is; one with a label never is."""
    import numpy as np

    from handrail.statistics import draw_for_labelling, label_uncertainty, labelling_propensity

    open_rows = np.array([label is None for label in cohort.label], dtype=bool)
    if not open_rows.any():
        which = "" if plan.reason == "unsure" else " past their maturity"
        problem = f"each of its {len(cohort)} predictions{which} has a label, so there is nothing to ask"
        raise InvalidInput("snapshot", problem, "Take one of a window whose outcomes are not all known.")
    scores = np.array(cohort.score, dtype=np.float64)[open_rows]
    # A score says how sure the model is only where it is the probability of one of two classes.
    by_score = _is_binary(kind) and plan.reason == "unsure"
    unsure = label_uncertainty(scores) if by_score else np.ones(len(scores))
    propensity = np.zeros(len(cohort))
    propensity[open_rows] = labelling_propensity(unsure, min(plan.most, len(scores)))
    return propensity, draw_for_labelling(cohort.prediction_id, propensity, plan.drawn_by)


def _is_binary(kind: Kind) -> bool:
    return bool(kind.values) and set(kind.values) <= TWO_CLASSES


_Measure = tuple[Callable[[Any], Any], Any]


def _measures(kind: Kind, cohort: Cohort) -> dict[str, _Measure]:
    """Return for each figure what a label amounts to, and what the model would guess of it, (n,)."""
    import numpy as np

    score, predicted = (np.array(each, dtype=np.float64) for each in (cohort.score, cohort.predicted))
    if _is_binary(kind):
        sure = np.where(predicted == 1, score, 1 - score)
        return {
            "accuracy": (lambda label: (label == predicted).astype(np.float64), sure),
            "base_rate": (lambda label: label, score),
        }
    nothing = np.zeros(len(score))
    if kind.values:
        return {"accuracy": (lambda label: (label == predicted).astype(np.float64), nothing)}
    return {"mae": (lambda label: abs(label - score), nothing), "mean_label": (lambda label: label, score)}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def asked_about(plan: QueuePlan, cohort: Cohort) -> Cohort:
    """Return the predictions that a queue is about, with the labels that it takes as known.

    Where the truth never came, those are past their maturity, and what silence means is no label.
    """
    if plan.reason == "unsure":
        return cohort
    mature = cohort.keep(list(cohort.mature))
    return replace(mature, label=tuple(map(_reported, mature.label, mature.revision)))


def _reported(label: float | None, revision: int | None) -> float | None:
    return None if revision is None else label


def labels_of(cohort: Cohort) -> dict[str, float | None]:
    """Return the label of each prediction of a cohort by its id."""
    return dict(zip(cohort.prediction_id, cohort.label, strict=True))


def plan_of(said: Mapping[str, Any], fields: Sequence[str] = ("snapshot", "most", "seed")) -> QueuePlan:
    """Read the plan that a file of tasks carries; one that was written before there were reasons has none.

    Raises:
        InvalidInput: a part of it is missing, unknown, or of another type.
    """
    snapshot, most, seed = (said.get(name) for name in fields)
    reason = said.get("reason", "unsure")
    if (
        set(said) - {"reason"} != set(fields)
        or not isinstance(reason, str)
        or not isinstance(snapshot, str)
        or not isinstance(seed, str)
    ):
        raise InvalidInput("queue", f"it is not {', '.join(fields)}", "Take it from the file that `queue make` wrote.")
    if not isinstance(most, int) or isinstance(most, bool):
        raise InvalidInput("most", "it is not a whole number", "Take it from the file that `queue make` wrote.")
    return QueuePlan(snapshot, most, seed, cast('Literal["unsure", "never-came"]', reason))
