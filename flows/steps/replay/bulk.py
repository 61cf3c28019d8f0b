"""Scores the flights that were not replayed over HTTP: the same code, the same deployment, point-in-time features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.project.outputs import make_once, write_parquet
from flows.steps.release.deploy import bentos_of, slot_of
from flows.steps.replay.plan import DEFAULT_DAYS, replayed_days
from flows.steps.replay.run import serving_deployment
from flows.steps.replay.truth import KIND, SOURCE, stream
from flows.steps.replay.world import OUTCOMES_END, World, landings, open_world
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_permits
from handrail.delivery import find_carried, lend_verified
from handrail.errors import Unavailable
from handrail.feedback import Feedback, Prediction, Receipt, prediction_id_for
from handrail.settings import Settings

if TYPE_CHECKING:
    from handrail.scoring import Scorer

SCORED = "scored"
CHUNK = 20_000


@dataclass(frozen=True)
class Model:
    """The model that a deployment serves, loaded from verified bytes."""

    deployment: str
    tree_digest: str
    scorer: Scorer


def score_the_rest(settings: Settings, days: int = DEFAULT_DAYS) -> dict[str, Any]:
    """Score every flight after go-live point-in-time, and record those that `replay` left out, with their outcomes.

    `days` is what `replay` was given. Scored months stay under home/replay/scored, with their features. Returns the
    figures. Safe to stop and to repeat.

    Raises:
        Unavailable: nothing is deployed, or its bento is gone.
        Refused: no permit covers the bytes that the deployment serves.
    """
    world = open_world(settings)
    with open_platform(settings) as platform:
        model = open_model(settings, serving_deployment(platform))
        months = score_months(settings, world, model)
        rest = months.filter(~pl.col("local_day").is_in(replayed_days(days)))
        receipts = record(platform, model, rest)
        if settings.replay:
            platform.event_clock.set(OUTCOMES_END)
    return {"flights": rest.height, **receipts}


def open_model(settings: Settings, deployment: str) -> Model:
    """Load the model that a deployment serves, from a private copy of what its bento carries.

    Raises:
        Unavailable: the bento is not in this store.
        Refused: no permit covers exactly these bytes.
    """
    from handrail.scoring import Scorer

    bento = bentos_of(settings).find(slot_of(settings).tag_of(deployment).version)
    carried = find_carried(bento.root) if bento else None
    if carried is None:
        raise Unavailable(f"The bento of {deployment}", "it is not in the local store", "Deploy that model again.")
    with lend_verified(open_permits(settings), carried) as verified:
        return Model(deployment, verified.permitted.tree_digest, Scorer.load(verified.tree))


def score_months(settings: Settings, world: World, model: Model) -> pl.DataFrame:
    """Return every flight of `world` with its features and `score`; months that are there already are only read."""
    place = settings.home / "replay" / SCORED
    made = {"world": world.identity, "tree": model.tree_digest}
    make_once(place, made, partial(_score_all, settings, world, model))
    return pl.concat([pl.read_parquet(file) for file in sorted(place.glob("*.parquet"))])


def _score_all(settings: Settings, world: World, model: Model, folder: Path) -> None:
    from flows.steps.replay.features import open_full_year, point_in_time

    store = open_full_year(settings, world.features)
    parts = world.flights.with_columns(month=pl.col("local_day").dt.strftime("%Y-%m")).partition_by(
        "month", as_dict=True, include_key=False
    )
    for (month,), flights in sorted(parts.items()):
        known = point_in_time(store, flights, model.scorer.feature_service["name"])
        scores = model.scorer.score({name: known[name].to_list() for name in model.scorer.features})
        write_parquet(known.with_columns(score=pl.Series(scores.astype(float))), folder / f"{month}.parquet")


def record(platform: Platform, model: Model, flights: pl.DataFrame) -> dict[str, Any]:
    """Record a prediction for each of those flights, and their outcomes. Repeating it changes nothing."""
    made = accepted = Receipt()
    for part in flights.iter_slices(CHUNK):
        made += platform.feedback.record_predictions(predictions_of(part, model))
    reports = stream(landings(flights, predicted_at="event_timestamp"))
    for start in range(0, len(reports), CHUNK):
        events = [_event(model.deployment, report) for report in reports[start : start + CHUNK]]
        accepted += platform.feedback.record_feedback(events)
    return {
        "predictions_new": made.accepted,
        "predictions_repeated": made.repeated,
        "outcome_reports": len(reports),
        "outcomes_new": accepted.accepted,
        "outcomes_repeated": accepted.repeated,
        "conflicts": len(made.conflicts) + len(accepted.conflicts),
    }


def predictions_of(flights: pl.DataFrame, model: Model) -> list[Prediction]:
    """Return scored flights as predictions of the model's deployment, made two hours before each departure."""
    from handrail.scoring import row_digests

    scorer = model.scorer
    digests = row_digests(scorer.encode({name: flights[name].to_list() for name in scorer.features}))
    rows = zip(flights["flight_id"], flights["event_timestamp"], flights["score"], digests, strict=True)
    return [
        Prediction(
            prediction_id=prediction_id_for(model.deployment, flight_id, made_at),
            deployment=model.deployment,
            subject=flight_id,
            made_at=made_at,
            score=score,
            label=int(score >= scorer.threshold),
            features_digest=digest,
            feature_service=scorer.feature_service["name"],
        )
        for flight_id, made_at, score, digest in rows
    ]


def _event(deployment: str, report: Any) -> Feedback:
    return Feedback(
        prediction_id=prediction_id_for(deployment, report.flight_id, report.predicted_at),
        kind=KIND,
        value=float(report.late),
        source=SOURCE,
        revision=report.revision,
        occurred_at=report.occurred_at,
        received_at=report.received_at,
    )
