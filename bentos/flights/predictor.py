"""From flights to answers: look up online features, score, write down, then answer. Knows no web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bentos.flights.messages import Flight, FlightAnswer, PredictAnswer
from handrail.clock import Clock
from handrail.feedback import Prediction, prediction_id_for
from handrail.scoring import row_digests

if TYPE_CHECKING:
    from handrail.scoring import Scorer

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
    look_up: Callable[[Sequence[Flight], datetime], Columns]
    keep: Callable[[Sequence[Prediction]], None]
    now: Clock
    identity: Identity

    def answer(self, flights: Sequence[Flight]) -> PredictAnswer:
        """Score flights and write the predictions down before answering, one answer a flight, in order.

        Raises:
            Unavailable: the features cannot be read, or the predictions cannot be written down; then none counts.
        """
        started = perf_counter()
        made_at = self.now()
        encoded = self.scorer.encode(self.look_up(flights, made_at))
        probabilities = self.scorer.score_encoded(encoded).astype(float).tolist()
        threshold = self.scorer.threshold
        identity = self.identity
        latency_ms = (perf_counter() - started) * 1e3
        predictions = [
            Prediction(
                prediction_id=prediction_id_for(identity.deployment, flight.flight_id, made_at),
                deployment=identity.deployment,
                subject=flight.flight_id,
                made_at=made_at,
                score=probability,
                label=int(probability >= threshold),
                features_digest=digest,
                feature_service=identity.feature_service,
                latency_ms=latency_ms,
            )
            for flight, probability, digest in zip(flights, probabilities, row_digests(encoded), strict=True)
        ]
        self.keep(predictions)
        return _as_answer(predictions, identity)


def _as_answer(predictions: Sequence[Prediction], identity: Identity) -> PredictAnswer:
    answers = [
        FlightAnswer.model_construct(
            prediction_id=one.prediction_id, flight_id=one.subject, probability=one.score, late=bool(one.label)
        )
        for one in predictions
    ]
    return PredictAnswer.model_construct(
        predictions=answers, deployment=identity.deployment, model_version=identity.model_version
    )
