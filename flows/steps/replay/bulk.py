"""Scores the subjects that were not replayed over HTTP: the same code, the same deployment, point-in-time features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.data.live import Live, open_live
from flows.steps.project.outputs import make_once, write_parquet
from flows.steps.release.history import open_history, point_in_time
from flows.steps.release.served_model import ServedModel, open_model, serving_deployment
from flows.steps.replay.log import scored_months
from flows.steps.replay.plan import DEFAULT_DAYS, days_before, replayed_days, said_of
from flows.steps.replay.truth import Outcome, OutcomeReport, address_of, stream
from handrail.bootstrap import Platform, open_platform
from handrail.feedback import Feedback, Prediction, Receipt, prediction_id_for
from handrail.settings import Settings
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from handrail.scoring import Scorer

CHUNK = 20_000


def score_the_rest(settings: Settings, days: int = DEFAULT_DAYS, kept: Sequence[date] = ()) -> dict[str, Any]:
    """Score every subject after go-live point-in-time, and record those that `replay` left out, with their outcomes.

    `days` and `kept` are what `replay` was given; of the kept days nothing is recorded. Scored months stay under
    home/replay/scored, with their features. Returns the figures. Safe to stop and to repeat.

    Raises:
        Unavailable: nothing is deployed, or its bento is gone.
        Refused: no permit covers the bytes that the deployment serves.
    """
    case, live = read_use_case(settings.project), open_live(settings)
    with open_platform(settings) as platform:
        model = open_model(settings, serving_deployment(platform))
        months = score_months(settings, live, model)
        played = replayed_days(days_before(live.rows[case.time.day], kept), days)
        rest = months.filter(~pl.col(case.time.day).is_in([*played, *kept]))
        receipts = record(platform, model, rest, case)
        if settings.replay and case.replay is not None:
            platform.event_clock.set(case.replay.outcomes_until)
    return {case.subject.many: rest.height, **receipts}


def score_months(settings: Settings, live: Live, model: ServedModel) -> pl.DataFrame:
    """Return every row of `live` with its features, `score` and `predicted`; months that are there are only read."""
    place = scored_months(settings.home)
    made = {"live": live.identity, "tree": model.tree_digest}
    make_once(place, made, partial(_score_all, settings, live, model))
    return pl.concat([pl.read_parquet(file) for file in sorted(place.glob("*.parquet"))])


def _score_all(settings: Settings, live: Live, model: ServedModel, folder: Path) -> None:
    day = read_use_case(settings.project).time.day
    store = open_history(settings, live.features)
    parts = live.rows.group_by(pl.col(day).dt.strftime("%Y-%m"), maintain_order=True)
    for (month,), rows in sorted(parts, key=lambda part: str(part[0][0])):
        known = point_in_time(store, rows, model.scorer.feature_service["name"])
        write_parquet(answered_rows(known, model.scorer), folder / f"{month}.parquet")


def answered_rows(rows: pl.DataFrame, scorer: Scorer) -> pl.DataFrame:
    """Return rows that hold their features with `score` and `predicted`."""
    answered = scorer.answer(feature_columns(rows, scorer))
    return rows.with_columns(score=pl.Series(answered.score.astype(float)), predicted=pl.Series(answered.label))


def feature_columns(rows: pl.DataFrame, scorer: Scorer) -> dict[str, Any]:
    """Return the features of rows as a scorer takes them: texts as lists, numbers as arrays."""
    texts = set(scorer.categorical)
    return {
        name: rows[name].to_list() if name in texts else rows[name].cast(pl.Float64).to_numpy()
        for name in scorer.features
    }


def record(platform: Platform, model: ServedModel, rows: pl.DataFrame, case: UseCase) -> dict[str, Any]:
    """Record a prediction for each of those scored rows, and what was said of them. Repeating it changes nothing."""
    made, names = record_answers(platform, model, rows, case)
    accepted, reports = record_said(platform, names, said_of(rows, case, predicted_at=case.time.event), case)
    return {
        "predictions_new": made.accepted,
        "predictions_repeated": made.repeated,
        "outcome_reports": reports,
        "outcomes_new": accepted.accepted,
        "outcomes_repeated": accepted.repeated,
        "conflicts": len(made.conflicts) + len(accepted.conflicts),
    }


def record_answers(
    platform: Platform, model: ServedModel, rows: pl.DataFrame, case: UseCase, sampled: float | None = None
) -> tuple[Receipt, dict[str, str]]:
    """Record scored rows as predictions; return the receipt, and the id of each one by subject.

    `sampled` is the share of subjects that was chosen at random, None if nobody chose.
    """
    made = Receipt()
    names: dict[str, str] = {}
    for part in rows.iter_slices(CHUNK):
        predictions = [replace(each, sampled=sampled) for each in predictions_of(part, model, case)]
        made += platform.feedback.record_predictions(predictions)
        names |= {each.subject: each.prediction_id for each in predictions}
    return made, names


def record_said(
    platform: Platform, names: Mapping[str, str], said: Iterable[Outcome], case: UseCase
) -> tuple[Receipt, int]:
    """Record every report of what happened to predictions, by subject; return the receipt and how many there were."""
    accepted, reports = Receipt(), stream(said)
    for start in range(0, len(reports), CHUNK):
        events = [_event(names[report.subject], report, case) for report in reports[start : start + CHUNK]]
        accepted += platform.feedback.record_feedback(events)
    return accepted, len(reports)


def predictions_of(rows: pl.DataFrame, model: ServedModel, case: UseCase) -> list[Prediction]:
    """Return scored rows as predictions of the model's deployment, made at each one's event time."""
    from handrail.scoring import row_digests

    scorer = model.scorer
    digests = row_digests(scorer.encode(feature_columns(rows, scorer)))
    columns = (rows[name] for name in (case.subject.column, case.time.event, "score", "predicted"))
    return [
        Prediction(
            prediction_id=prediction_id_for(model.deployment, str(subject), made_at),
            deployment=model.deployment,
            subject=str(subject),
            made_at=made_at,
            score=score,
            label=label,
            features_digest=digest,
            feature_service=scorer.feature_service["name"],
        )
        for subject, made_at, score, label, digest in zip(*columns, digests, strict=True)
    ]


def _event(prediction_id: str, report: OutcomeReport, case: UseCase) -> Feedback:
    about = address_of(prediction_id, report, case)
    return Feedback(
        prediction_id=about["prediction_id"],
        subject=about.get("subject", ""),
        service=about.get("service", ""),
        kind=report.kind or case.label.feedback,
        value=report.value,
        source=report.source,
        revision=report.revision,
        occurred_at=report.occurred_at,
        received_at=report.received_at,
        item=report.item,
    )
