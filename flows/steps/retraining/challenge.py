"""Trains a challenger because monitoring found something: labels of a feedback snapshot, the same graph and gate.

Whether the challenger may replace the champion is decided by the gate, not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.steps.modelling.behaviour import REPORT as BEHAVIOUR
from flows.steps.modelling.behaviour import check_behaviour
from flows.steps.modelling.compare import as_evidence
from flows.steps.monitoring.month import Month, mature_at, read_forecasts, read_month
from flows.steps.project.dvc_files import PARAMS, change_params, track
from flows.steps.project.outputs import write_json
from flows.steps.project.params import read_params
from flows.steps.project.pipeline import check_tracked_files, read_graph, run_stages
from flows.steps.project.recorded_run import record_run
from flows.steps.project.workspace import challenger_folder, commit, open_challenger_clone
from flows.steps.release.comparison_log import log_comparison
from flows.steps.release.desk import Desk
from flows.steps.release.environments import origin_of
from flows.steps.release.handed_over import require_free
from flows.steps.release.measured_rows import hand_in_rows
from flows.steps.release.promote import TREE, Registered, read_evidence
from flows.steps.retraining.foretell import foretell
from flows.steps.retraining.learning import require_sources
from handrail.bootstrap import Platform
from handrail.bootstrap.lineage import path_artifact
from handrail.config import read_yaml
from handrail.errors import Refused
from handrail.files import sha256_of
from handrail.monitored import read_alerts
from handrail.refs import ArtifactVersion, DataVersion, FeedbackSnapshot
from handrail.settings import Settings
from handrail.statistics import Answers, compare
from handrail.use_case import UseCase, read_use_case

if TYPE_CHECKING:
    from handrail.scoring import Answered

ALIAS = "champion"
COMPARISON = Path("reports") / "comparison.json"
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A clone that is ready to train a challenger.

    `labels` is the exported snapshot inside `folder`, `snapshot` the digest of what it was exported from, `as_of` the
    moment at which both knew what they know. The challenger is judged on `month`.
    """

    folder: Path
    month: str
    as_of: datetime
    snapshot: str
    labels: str


def check_retrain(desk: Desk, month: str, feature_set: str | None = None, alias: str = ALIAS) -> None:
    """Check what is known before a challenger is trained: that the month can be judged, against the champion.

    Raises:
        InvalidInput: it is not a month, or there is no such feature set.
        Refused: the month is not mature yet, is before go-live, or was answered by another model than the champion; or
            the challenger of an earlier retraining with that feature set is still being rolled out.
        Unavailable: nothing was forecast, or the server does not answer.
    """
    settings = desk.platform.settings
    case = read_use_case(settings.project)
    require_free(settings.home, challenger_folder(settings, clone_of(case, _feature_set(case, feature_set))))
    span = _retrainable(desk.platform, month, case)[0]
    forecasts = read_forecasts(desk.platform, span, case)
    _require_champion(desk.platform, month, forecasts.deployment, desk.digest_behind(alias))


def prepare_retrain(platform: Platform, month: str, feature_set: str | None = None) -> Challenge:
    """Make a clone of the project whose parameters train up to a month such as `2013-09` and validate on it.

    Labels after go-live come from a snapshot of what feedback knew as soon as the month was mature, exported and
    tracked by DVC. Nothing is trained yet. Repeating it changes nothing. Without a `feature_set` it is the default one.

    Raises:
        InvalidInput: there is no such feature set.
        Refused: the month is not mature yet, or is before go-live; or labels of one source contradict the others'.
        Unavailable: nothing was forecast, or git or DVC fails.
    """
    case = read_use_case(platform.settings.project)
    chosen = _feature_set(case, feature_set)
    span, as_of = _retrainable(platform, month, case)
    folder = open_challenger_clone(platform.settings, clone_of(case, chosen))
    taken = platform.feedback.snapshot(case.label.feedback, read_params(folder).go_live, span.end, as_of)
    snapshot = taken.digest
    require_sources(platform, taken, case.label.kind, month)
    labels = f"data/labels-{snapshot.removeprefix('sha256:')[:12]}.parquet"
    platform.feedback.export_snapshot(snapshot, folder / labels)
    tracked = track(folder, labels)
    challenge = Challenge(folder, month, as_of, snapshot, labels)
    change_params(folder, _params(challenge, chosen))
    commit(folder, f"Train on labels known by {as_of:%Y-%m-%d}, validate {month}", [PARAMS, tracked])
    _record_labels(platform, challenge)
    return challenge


def _retrainable(platform: Platform, month: str, case: UseCase) -> tuple[Month, datetime]:
    """Return the month, and the moment from which on it is mature."""
    span = read_month(month, case.time.zone)
    as_of = mature_at(platform, span, case, "Retraining on")
    go_live = read_params(platform.settings.project).go_live
    if span.start < go_live:
        raise Refused(f"Retraining on {month}", (f"No prediction of it went live: go-live was {go_live:%Y-%m-%d}.",))
    return span, as_of


def clone_of(case: UseCase, feature_set: str) -> str:
    """Return the name of the clone below home/retrain in which a challenger with that feature set is trained."""
    return "project" if feature_set == case.features.default else feature_set


def _feature_set(case: UseCase, named: str | None) -> str:
    chosen = named or case.features.default
    case.service_of(chosen)
    return chosen


def train_challenger(desk: Desk, challenge: Challenge, report: Report | None = None) -> dict[str, str]:
    """Bring the clone's graph up to date, commit what it recorded, and return each stage's outcome.

    Stages log to the MLflow server as the desk's account.

    Raises:
        StageFailed: a stage ended with an error; the earlier ones stand.
        Unavailable: a tracked file, such as the table, is neither in the cache nor in the remote.
    """
    check_tracked_files(challenge.folder)
    stages = [stage.name for stage in read_graph(challenge.folder)]
    outcomes: dict[str, str] = {**run_stages(challenge.folder, stages, desk.tracking, report)}
    record_run(challenge.folder, outcomes)
    _record_training(desk.platform, challenge)
    return outcomes


def compare_with_champion(platform: Platform, challenge: Challenge) -> dict[str, Any]:
    """Compare challenger and champion on the same mature subjects of the month; keep it as evidence in the clone.

    The champion is judged by what it answered in production, the challenger by what it says about the same subjects.
    Returns what `compare` returns, with the month, the snapshot and the number of subjects left out.
    """
    from handrail.scoring import Scorer

    case = read_use_case(challenge.folder)
    forecasts = read_forecasts(platform, read_month(challenge.month, case.time.zone), case)
    scorer = Scorer.load(challenge.folder / TREE)
    rows = pl.read_parquet(challenge.folder / "data" / "training" / "validate.parquet")
    answered = scorer.answer({name: rows[name].to_list() for name in scorer.features})
    judged = _judged(rows, answered, forecasts.rows, case)
    found = compare(
        case.main_metric,
        case.label.kind,
        Answers(judged["score"].to_numpy(), judged["predicted"].to_numpy()),
        Answers(judged["challenger"].to_numpy(), judged["challenger_predicted"].to_numpy()),
        judged["truth"].to_numpy(),
        judged["cluster"].cast(pl.String).to_numpy(),
        margin=case.metrics.margin,
    )
    evidence = as_evidence(found) | {
        "month": challenge.month,
        "as_of": challenge.as_of.isoformat(),
        "champion": forecasts.deployment,
        "incumbent": _trees(platform).get(forecasts.deployment),
        "snapshot": challenge.snapshot,
        f"{case.subject.many}_left_out": rows.height - judged.height,
    }
    write_json(challenge.folder / COMPARISON, evidence)
    kept = [COMPARISON, *([BEHAVIOUR] if check_behaviour(challenge.folder) else [])]
    commit(challenge.folder, "Compare with the champion", list(map(str, kept)))
    return evidence


def open_challenge(desk: Desk, challenge: Challenge, alias: str = ALIAS) -> dict[str, Any]:
    """Register the challenger and ask for its promotion, whatever the comparison says; return the gate's answer.

    The comparison is logged to the challenger's run too. What the challenger foretells of subjects that are still to
    come is committed after the request, if config/monitoring.yaml names a table of them.

    Returns:
        the request (`request_id`, `verdict`, `reasons`, ...), the registered `version`, and what was `foretold`.

    Raises:
        Refused: the comparison is with a model that is no longer the champion.
    """
    origin = origin_of(desk.settings, challenge.folder, alias)
    registered, evidence = register_compared(desk, challenge, alias)
    evidence |= {"origin": origin} if origin else {}
    snapshot = hand_in_rows(desk, challenge.folder, registered.model, alias)
    reason = _reason(desk.settings, challenge)
    request = desk.ask(registered, alias, reason, evidence, snapshot)
    foretold = foretell(desk, challenge.folder, registered)
    return request | {"version": registered.version} | ({"foretold": foretold} if foretold else {})


def register_compared(
    desk: Desk, challenge: Challenge, alias: str = ALIAS
) -> tuple[Registered, dict[str, dict[str, Any]]]:
    """Register a challenger, log how it compares to its run, and return it with its evidence.

    Raises:
        Refused: the comparison is with a model that is no longer the champion.
    """
    registered = desk.register(challenge.folder)
    evidence = read_evidence(challenge.folder)
    comparison = evidence["comparison"]
    _require_champion(desk.platform, comparison["month"], comparison["champion"], desk.digest_behind(alias))
    log_comparison(desk, challenge.folder, registered, comparison)
    return registered, evidence


def _reason(settings: Settings, challenge: Challenge) -> str:
    """Say what the challenger was trained on, and what monitoring had reported about the month."""
    known = [each for each in read_alerts(settings.home) if each.period == challenge.month]
    kinds = [each.kind for each in known if each.model == settings.model_name]
    because = f"Monitoring alerted on {challenge.month}: {', '.join(kinds)}. " if kinds else ""
    return f"{because}Trained on labels known by {challenge.as_of:%Y-%m-%d}; judged on {challenge.month}."


def _require_champion(platform: Platform, month: str, answered: str, champion: str | None) -> None:
    """Refuse a month that a deployment of another tree answered than the one that the alias points at."""
    if champion is not None and _trees(platform).get(answered) != champion:
        raise Refused(
            f"Retraining on {month}",
            (
                f"{answered} answered most of that month, and {champion} is the champion by now.",
                "Retrain on a month that the champion answered.",
            ),
        )


def retrain(desk: Desk, month: str, feature_set: str | None = None, report: Report | None = None) -> dict[str, Any]:
    """Prepare, train and compare a challenger, and ask for its promotion; return the request. Safe to repeat."""
    check_retrain(desk, month)
    challenge = prepare_retrain(desk.platform, month, feature_set)
    train_challenger(desk, challenge, report)
    compare_with_champion(desk.platform, challenge)
    return open_challenge(desk, challenge)


def _params(challenge: Challenge, feature_set: str) -> dict[str, Any]:
    month = read_month(challenge.month)
    start = read_yaml(challenge.folder / PARAMS).values["train"]["from"]
    return {
        "as_of": challenge.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "train": {"from": str(start), "until": month.first.isoformat()},
        "validate": {"from": month.first.isoformat(), "until": month.after.isoformat()},
        "labels_snapshot": {"path": challenge.labels, "digest": sha256_of(challenge.folder / challenge.labels)},
        "feature_set": feature_set,
    }


def _judged(rows: pl.DataFrame, answered: Answered, forecasts: pl.DataFrame, case: UseCase) -> pl.DataFrame:
    """Join the challenger's answers with what the champion said about the same subjects, mature ones only."""
    said = forecasts.filter("mature").select("subject", "score", "predicted")
    challenger = rows.select(
        cluster=pl.col(case.cluster),
        subject=pl.col(case.subject.column).cast(pl.String),
        truth=pl.col(case.label.column),
        challenger=pl.Series(answered.score.astype(float)),
        challenger_predicted=pl.Series(answered.label),
    )
    return challenger.drop_nulls("truth").join(said, on="subject")


def _trees(platform: Platform) -> dict[str, str | None]:
    """Return the tree digest of each deployment that is known."""
    return {known.uri: known.tree_digest for known in platform.feedback.deployments()}


def _record_labels(platform: Platform, challenge: Challenge) -> None:
    cohort = platform.feedback.snapshot_cohort(challenge.snapshot)
    labels = path_artifact(platform.settings, challenge.folder, challenge.labels)
    snapshot = FeedbackSnapshot(challenge.snapshot).artifact
    platform.lineage.record_snapshot(snapshot, deployments=sorted(set(cohort.deployment)), labels=labels)


def _record_training(platform: Platform, challenge: Challenge) -> None:
    """Record that the training set was made from the exported labels too: dvc.lock has them as a parameter only."""
    lock = read_yaml(challenge.folder / "dvc.lock").values
    outs = {out["path"]: out["md5"] for out in lock["stages"]["features"]["outs"]}
    version = DataVersion(platform.settings.repository, "data/training", outs["data/training"])
    labels = path_artifact(platform.settings, challenge.folder, challenge.labels)
    platform.lineage.derive(ArtifactVersion(version.uri, "dvc-data"), labels, asserted_by="params.yaml")
