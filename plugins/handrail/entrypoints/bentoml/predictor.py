"""From requests to answers: look up online features, score, write down, then answer. Knows no web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from handrail.clock import Clock
from handrail.delivery import Assigned
from handrail.feedback import Prediction, prediction_id_for
from handrail.readings import Lack, Reading, lacking_text
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
class Made(Prediction):
    """A prediction with the features that it was made without; what is recorded of them is `degraded`."""

    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class Predictor:
    """Answers batches. Give it one thread: the feature store's connection belongs to the thread that opened it."""

    scorer: Scorer
    look_up: Callable[[Items, datetime], Reading | Columns]
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
        predictions = self.predict(items, self.now())
        self.keep(predictions)
        return self.body([self.one(item, made) for item, made in zip(items, predictions, strict=True)])

    def predict(
        self, items: Items, made_at: datetime, assigned: Sequence[Assigned] = (), sampled: float | None = None
    ) -> list[Prediction]:
        """Score what is asked about, and write nothing down.

        Args:
            items: what is asked about.
            made_at: event time, by which features are looked up.
            assigned: who was to answer about each item, and how likely that was; empty where nobody was chosen.
            sampled: the probability with which predictions like these are made at all; None for all of them.

        Raises:
            Unavailable: the features cannot be read.
        """
        started = perf_counter()
        found = self.look_up(items, made_at)
        reading = found if isinstance(found, Reading) else Reading(found)
        encoded = self.scorer.encode(reading.columns)
        answered = self.scorer.answer_encoded(encoded)
        rows = zip(answered.score.astype(float).tolist(), answered.label.tolist(), row_digests(encoded), strict=True)
        identity, subject = self.identity, self.case.subject.column
        latency_ms = (perf_counter() - started) * 1e3
        chosen = assigned or (Assigned("", None),) * len(items)
        lacks = reading.lacks
        return [
            Made(
                prediction_id=prediction_id_for(identity.deployment, str(item[subject]), made_at),
                deployment=identity.deployment,
                subject=str(item[subject]),
                made_at=made_at,
                score=score,
                label=label,
                features_digest=digest,
                feature_service=identity.feature_service,
                latency_ms=latency_ms,
                variant=variant.name,
                propensity=variant.propensity,
                sampled=sampled,
                degraded=lacking_text(lacks[place]) if place in lacks else "",
                lacks=lacks.get(place, ()),
            )
            for place, (item, (score, label, digest), variant) in enumerate(zip(items, rows, chosen, strict=True))
        ]

    def body(self, answers: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the body of an answer in which this is the champion."""
        identity = self.identity
        return {
            "predictions": answers,
            "deployment": identity.deployment,
            "model_version": identity.model_version,
        }

    def one(self, item: Mapping[str, Any], one: Prediction) -> dict[str, Any]:
        """Return one item's answer."""
        of, subject = self.case.label, self.case.subject.column
        answer: dict[str, Any] = {"prediction_id": one.prediction_id, subject: item[subject]}
        if isinstance(one, Made) and one.lacks:
            answer["degraded"] = [lack.to_json() for lack in one.lacks]
        if of.kind == "binary":
            return answer | {"probability": one.score, of.column: bool(one.label)}
        if of.classes is not None:
            return answer | {"probability": one.score, of.column: of.classes[one.label]}
        return answer | {"value": one.score}
