"""What made one answer: the contribution of each feature, by SHAP, to what a model's trees add up.

The model is the one in the permitted tree, and the row is the input that was scored. Nothing here finds either; shap is
imported at the first explanation, for its import takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handrail.errors import Refused
from handrail.tools import require

if TYPE_CHECKING:
    from handrail.scoring import Scorer

FORMAT = "handrail.explanation/1"
LARGEST_GAP = 1e-6
"""By so much the contributions may miss what the model adds up; more, and they explain something else."""
LARGEST_DIFFERENCE = 1e-5
"""By so much, of the score, the model that is explained may differ from the packaged one that answered."""
SHOWN = 3
SCALES = {"binary": "log-odds", "multiclass": "log-odds of the class", "regression": "", "count": "logarithm"}
"""What contributions are measured in, by the kind of label; those of numbers in the label's own unit."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a feature's value, None where it was not known, added to the answer."""

    feature: str
    value: str | float | None
    amount: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What made one answer: `base` and all contributions, the largest first, add up to the score on its scale.

    `gap` is by how much they miss it. `usual` is the answer to which `base` belongs, as a score.
    """

    kind: str
    score: float
    usual: float
    base: float
    gap: float
    contributions: tuple[Contribution, ...]

    @property
    def sentence(self) -> str:
        """Say in plain words which features raised and which lowered the answer most."""
        more = [one for one in self.contributions[:SHOWN] if one.amount > 0]
        less = [one for one in self.contributions[:SHOWN] if one.amount < 0]
        said = [f"{word} by {_listed(of)}" for word, of in (("raised", more), ("lowered", less)) if of]
        name = "probability" if self.kind in ("binary", "multiclass") else "answer"
        side = "above" if self.score > self.usual else "below"
        return (
            f"The {name} of {self.score:.4g} is {side} the usual {self.usual:.4g}; "
            f"{', and '.join(said) or 'no feature moved it'} most."
        )

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "score": self.score,
            "usual": self.usual,
            "base": self.base,
            "gap": self.gap,
            "scale": SCALES[self.kind],
            "contributions": [
                {"feature": one.feature, "value": one.value, "amount": one.amount} for one in self.contributions
            ],
            "sentence": self.sentence,
        }


def explanation_from(values: Mapping[str, Any]) -> Explanation:
    """Read what `Explanation.to_json` wrote.

    Raises:
        KeyError: it is something else.
    """
    contributions = tuple(Contribution(**one) for one in values["contributions"])
    score, usual, base, gap = (float(values[name]) for name in ("score", "usual", "base", "gap"))
    return Explanation(str(values["kind"]), score, usual, base, gap, contributions)


def explain(tree: Path, scorer: Scorer, encoded: np.ndarray) -> Explanation:
    """Explain the answer about one row, (1, features) float32 as `Scorer.encode` makes it, by the model in `tree`.

    Raises:
        MissingTool: shap, mlflow or scikit-learn is not installed.
        Refused: the model has no trees that can be explained, the contributions do not add up to its answer, or it does
            not answer as the packaged model does.
    """
    answered = scorer.answer_encoded(encoded)
    amounts, bases, raw = contributions_of(load_trees(tree), encoded)
    code = int(answered.label[0]) if scorer.kind == "multiclass" else 0
    base, total = float(bases[code]), raw[0]
    gap = float(np.abs(amounts[0].sum(axis=0) + bases - total).max())
    score, explained = float(answered.score[0]), _score_of(total, code, scorer.kind)
    if abs(explained - score) > LARGEST_DIFFERENCE * max(1.0, abs(score)):
        reason = f"The model in the tree answers {explained:.9g}, and the packaged one answered {score:.9g}."
        raise Refused("This explanation", (reason, "Package the model again."))
    each = zip(scorer.features, values_of(scorer, encoded[0]), amounts[0][:, code], strict=True)
    found = sorted(
        (Contribution(*one[:2], float(one[2])) for one in each), key=lambda one: (-abs(one.amount), one.feature)
    )
    usual = _score_of(bases, code, scorer.kind)
    return Explanation(scorer.kind, score, usual, base, gap, tuple(found))


def load_trees(tree: Path) -> Any:
    """Return the step `model` of the scikit-learn pipeline that an artifact tree holds.

    Raises:
        MissingTool: mlflow or scikit-learn is not installed.
        Refused: it holds another model.
    """
    for package in ("mlflow", "sklearn", "shap"):
        require(package, "quality")
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.sklearn.load_model(str(tree))["model"]
    except (MlflowException, KeyError, TypeError) as err:
        reason = "The tree holds no scikit-learn pipeline with a last step 'model'."
        raise Refused("This explanation", (reason,)) from err


def contributions_of(model: Any, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return contributions (n, features, outputs), bases (outputs,) and what the model adds up, (n, outputs).

    Raises:
        Refused: it has no trees that can be explained, or the contributions do not add up.
    """
    import shap

    rows = encoded.astype(np.float64)
    try:
        explainer = shap.TreeExplainer(model)
        amounts = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
        raw = _raw(model, rows)
    except (ValueError, TypeError, AttributeError, NotImplementedError) as err:
        reason = f"{type(model).__name__} has no trees that SHAP can explain."
        raise Refused("This explanation", (reason,)) from err
    amounts = amounts.reshape(len(rows), rows.shape[1], -1)
    bases = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    require_additivity(float(np.abs(amounts.sum(axis=1) + bases - raw).max(initial=0.0)))
    return amounts, bases, raw


def require_additivity(gap: float) -> None:
    """Refuse contributions that miss what the model adds up by `gap`.

    Raises:
        Refused: it is too much, as it is for trees with native categories, which SHAP reads wrongly.
    """
    if not gap <= LARGEST_GAP:
        reason = (
            f"The contributions miss the model's answer by {gap:.3g}, and {LARGEST_GAP:g} is allowed: they explain "
            "something else. Encode categories before the trees."
        )
        raise Refused("This explanation", (reason,))


def _raw(model: Any, rows: np.ndarray) -> np.ndarray:
    """Return what the model adds up before a link makes a score of it, (n, outputs)."""
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(rows), dtype=np.float64).reshape(len(rows), -1)
    answers = np.asarray(model.predict(rows), dtype=np.float64)
    return (np.log(answers) if _is_logarithmic(model) else answers).reshape(len(rows), -1)


def _is_logarithmic(model: Any) -> bool:
    return getattr(model, "loss", None) in ("poisson", "gamma")


def _score_of(raw: np.ndarray, code: int, kind: str) -> float:
    if kind == "binary":
        return 1 / (1 + math.exp(-float(raw[0])))
    if kind == "multiclass":
        shifted = np.exp(raw - raw.max())
        return float(shifted[code] / shifted.sum())
    return math.exp(float(raw[0])) if kind == "count" else float(raw[0])


def values_of(scorer: Scorer, row: np.ndarray) -> list[str | float | None]:
    """Return the values of a row (features,) of a model's input: texts, numbers, and None where nothing was known."""
    found: list[str | float | None] = []
    for name, number in zip(scorer.features, row, strict=True):
        texts = {code: text for text, code in scorer.codes.get(name, {}).items()}
        if math.isnan(number):
            found.append(None)
        else:
            found.append(texts[int(number)] if texts else float(f"{float(number):.7g}"))
    return found


def _listed(contributions: Sequence[Contribution]) -> str:
    named = [f"{one.feature} ({_shown(one.value)})" for one in contributions]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _shown(value: str | float | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:.4g}"
