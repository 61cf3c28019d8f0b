"""A month of forecasts with their outcomes, and a model that made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from flows.steps.monitoring.config import read_monitoring
from flows.steps.monitoring.findings import Batch
from flows.steps.monitoring.monitor import Judge
from flows.steps.release.served_model import ServedModel
from flows.steps.replay.log import scored_months
from handrail.bootstrap import Platform
from handrail.feedback import Feedback, Prediction, prediction_id_for
from handrail.objectives import read_objectives
from handrail.scoring import Answered
from handrail.settings import Settings
from handrail.use_case import UseCase, read_use_case

CASE = read_use_case(Path(__file__).parents[2])
ZONE = CASE.time.zone
DEPLOYMENT = "deploy://local/flights/v1"
FIRST = datetime(2013, 9, 2, 12, tzinfo=UTC)
N = 400


class Miles:
    """A model whose probability is its one number."""

    features = ("carrier", "distance_miles")
    categorical = ("carrier",)
    threshold = 0.5
    feature_service = {"name": "flights_v1"}  # noqa: RUF012 - a stand-in

    def score(self, columns: Any) -> np.ndarray:
        return np.asarray(columns["distance_miles"], dtype=np.float32)

    def answer(self, columns: Any) -> Answered:
        score = self.score(columns)
        return Answered(score, (score >= self.threshold).astype(np.int64))


def judge_of(settings: Settings, platform: Platform, batches: Sequence[Batch] = (), case: UseCase = CASE) -> Judge:
    def model(_settings: Settings, deployment: str) -> ServedModel:
        return ServedModel(deployment, "sha256:aa", cast("Any", Miles()))

    objectives = read_objectives(settings.config)
    rules = read_monitoring(settings.config, objectives)
    return Judge(settings, platform, case, rules, objectives, model, batches, scored_months(settings.home))


@dataclass(frozen=True)
class Seen:
    """A batch as a client measured it."""

    hour: datetime
    failures: int
    latency_ms: float


def forecast(platform: Platform, shape: float = 6, never: int = 0, deployment: str = DEPLOYMENT) -> pl.DataFrame:
    """Record N forecasts of September and all but the first `never` of their outcomes."""
    random = np.random.default_rng(2)
    scores = random.beta(2, shape, N)
    late = scores + random.normal(0, 0.1, N) > 0.3
    moments = [FIRST + timedelta(hours=number) for number in range(N)]
    ids = [f"2013-09-02:AA:{number}:1200:JFK" for number in range(N)]
    names = [prediction_id_for(deployment, *each) for each in zip(ids, moments, strict=True)]
    rows = zip(names, ids, moments, scores.tolist(), strict=True)
    platform.feedback.record_predictions(
        [Prediction(name, deployment, subject, at, score, int(score >= 0.5)) for name, subject, at, score in rows]
    )
    landed = [moment + timedelta(hours=5) for moment in moments]
    platform.feedback.record_feedback(
        [
            Feedback(name, "ground_truth", float(truth), "airport-feed", 0, at, at)
            for name, truth, at in list(zip(names, late, landed, strict=True))[never:]
        ]
    )
    return pl.DataFrame({"flight_id": ids, "carrier": ["AA"] * N, "distance_miles": scores})
