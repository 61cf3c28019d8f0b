"""How answers about the project's kind of label are read from a model and judged. Nothing is drawn or written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from handrail.label_kinds import NUMERIC
from handrail.statistics import Answers, Metric, Scored
from handrail.use_case import UseCase


@dataclass(frozen=True, slots=True)
class Judge:
    """The description, and from where on a binary answer is positive (None for other kinds)."""

    case: UseCase
    threshold: float | None

    @property
    def kind(self) -> str:
        """The kind of label."""
        return self.case.label.kind

    @property
    def metric(self) -> Metric:
        """The metric that decides."""
        return self.case.main_metric

    @property
    def lost(self) -> str:
        """How a page calls what the deciding metric loses: an error is added."""
        return f"{self.metric.title} {'added' if self.metric.better == 'lower' else 'lost'}"

    def answers(self, model: Any, inputs: Any) -> Answers:
        """Return what a fitted model answers; a multiclass model knows every class, in the order of their codes."""
        if self.kind in NUMERIC:
            return Answers(np.asarray(model.predict(inputs), dtype=np.float64))
        probabilities = model.predict_proba(inputs)
        if self.kind == "binary":
            return Answers(probabilities[:, 1])
        return Answers(probabilities.max(axis=1), probabilities.argmax(axis=1))

    def labels(self, answers: Answers) -> np.ndarray | None:
        """Return what is decided, (n,): whether a binary answer is positive, the class's code, or None for numbers."""
        if self.threshold is not None:
            return np.asarray(answers.score) >= self.threshold
        return None if answers.predicted is None else np.asarray(answers.predicted)

    def scored(self, answers: Answers, label: np.ndarray, cluster: np.ndarray) -> Scored:
        """Put answers beside the truths, (n,) each."""
        predicted = None if answers.predicted is None else np.asarray(answers.predicted)
        return Scored(np.asarray(answers.score), label, cluster, predicted)

    def value(self, answers: Answers, label: np.ndarray) -> float:
        """Return the metric that decides over all rows, without an interval."""
        scored = self.scored(answers, label, np.zeros(len(label), dtype=np.int64))
        return float(self.metric.values(scored, np.ones((1, 1)))[0])
