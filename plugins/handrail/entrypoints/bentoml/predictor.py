"""From requests to answers: look up online features, score, write down, then answer. Knows no web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from handrail.clock import Clock
from handrail.feedback import Prediction, prediction_id_for
from handrail.scoring import row_digests
from handrail.use_case import UseCase

if TYPE_CHECKING:
    from handrail.scoring import Scorer

Items = Sequence[Mapping[str, Any]]
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Identity:
    """What answers: URIs of the deployment and of the registered model version, and the feature service's name."""

    deployment: str
    model_version: str
    feature_service: str


@dataclass(frozen=True, slots=True)
class Predictor:
    """Answers batches. Give it one thread: the feature store's connection belongs to the thread that opened it."""

    scorer: Scorer
    look_up: Callable[[Items, datetime], Columns]
    keep: Callable[[Sequence[Prediction]], None]
    now: Clock
    identity: Identity
    case: UseCase

    def answer(self, items: Items) -> dict[str, Any]:
        """Score what is asked about and write the predictions down before answering, one answer an item, in order.

        Returns:
            the body of the answer: `predictions`, `deployment` and `model_version`.

        Raises:
            Unavailable: the features cannot be read, or the predictions cannot be written down; then none counts.
        """
        started = perf_counter()
        made_at = self.now()
        encoded = self.scorer.encode(self.look_up(items, made_at))
        answered = self.scorer.answer_encoded(encoded)
        rows = zip(answered.score.astype(float).tolist(), answered.label.tolist(), row_digests(encoded), strict=True)
        identity, subject = self.identity, self.case.subject.column
        latency_ms = (perf_counter() - started) * 1e3
        predictions = [
            Prediction(
                prediction_id=prediction_id_for(identity.deployment, str(item[subject]), made_at),
                deployment=identity.deployment,
                subject=str(item[subject]),
                made_at=made_at,
                score=score,
                label=label,
                features_digest=digest,
                feature_service=identity.feature_service,
                latency_ms=latency_ms,
            )
            for item, (score, label, digest) in zip(items, rows, strict=True)
        ]
        self.keep(predictions)
        return {
            "predictions": [self._as_answer(item, one) for item, one in zip(items, predictions, strict=True)],
            "deployment": identity.deployment,
            "model_version": identity.model_version,
        }

    def _as_answer(self, item: Mapping[str, Any], one: Prediction) -> dict[str, Any]:
        of, subject = self.case.label, self.case.subject.column
        answer: dict[str, Any] = {"prediction_id": one.prediction_id, subject: item[subject]}
        if of.kind == "binary":
            return answer | {"probability": one.score, of.column: bool(one.label)}
        if of.classes is not None:
            return answer | {"probability": one.score, of.column: of.classes[one.label]}
        return answer | {"value": one.score}
