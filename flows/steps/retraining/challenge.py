"""Trains a challenger because monitoring found something: labels of a feedback snapshot, the same graph and gate.

Whether the challenger may replace the champion is decided by the gate, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flows.steps.modelling.compare import compare
from flows.steps.monitoring.month import Month, read_forecasts, read_month
from flows.steps.project.dvc_files import PARAMS, change_params, read_md5, track
from flows.steps.project.outputs import write_json
from flows.steps.project.params import read_params
from flows.steps.project.pipeline import read_graph, run_stage
from flows.steps.project.recorded_run import record_run
from flows.steps.project.workspace import commit, open_challenger_clone
from flows.steps.release.desk import Desk
from flows.steps.release.promote import TREE, Question, read_evidence
from flows.steps.replay.truth import KIND
from handrail.bootstrap import Platform
from handrail.clock import parse_moment
from handrail.config import read_yaml
from handrail.errors import Refused
from handrail.files import sha256_of
from handrail.refs import ArtifactVersion, DataVersion, Snapshot
from handrail.settings import Settings

COMPARISON = Path("reports") / "comparison.json"
FEATURE_SET, SCHEDULE = "all", "schedule"
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A clone that is ready to train a challenger.

    `labels` is the exported snapshot inside `folder`, `snapshot` the digest of what it was exported from, `as_of` the
    moment at which both knew what they know. The challenger is judged on `month`.
    """

    folder: Path
    commit: str
    month: str
    as_of: datetime
    snapshot: str
    labels: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExportedLabels:
    """A feedback snapshot as a file: `path` inside the clone `folder`, with the snapshot's digest and the rows."""

    folder: Path
    path: str
    snapshot: str
    rows: int


def prepare_retrain(platform: Platform, finding: Mapping[str, Any], feature_set: str = FEATURE_SET) -> Challenge:
    """Make a clone of the project whose parameters train up to the finding's month and validate on it.

    `finding` needs `month`, and `as_of` unless it is the moment from which on that month is mature. Labels after
    go-live come from a snapshot of what feedback knew then, exported and tracked by DVC. Nothing is trained yet.
    Repeating it changes nothing.

    Raises:
        Refused: the month is not mature yet, or lies before go-live.
        Unavailable: nothing was forecast, or git or DVC fails.
    """
    month, settings = read_month(str(finding["month"])), platform.settings
    as_of = _moment(platform, month, finding)
    _refuse_early(platform, month, as_of)
    folder = open_challenger_clone(settings, "project" if feature_set == FEATURE_SET else feature_set)
    snapshot = platform.feedback.snapshot(KIND, read_params(folder).go_live, month.end, as_of)
    labels = _export(platform, folder, snapshot.digest)
    tracked = track(folder, labels.path)
    change_params(folder, _params(month, as_of, labels, feature_set))
    message = f"Train on labels known by {as_of:%Y-%m-%d}, validate {month.name}"
    revision = commit(folder, message, [PARAMS, tracked])
    _record_labels(platform, labels)
    return Challenge(folder, revision, month.name, as_of, snapshot.digest, labels.path, labels.rows)


def train_challenger(desk: Desk, challenge: Challenge, report: Report | None = None) -> dict[str, str]:
    """Bring the clone's graph up to date, commit what it recorded, and return each stage's outcome.

    Stages log to the MLflow server as the desk's account.

    Raises:
        StageFailed: a stage ended with an error; the earlier ones stand.
    """
    stages = [stage.name for stage in read_graph(challenge.folder)]
    results = [run_stage(challenge.folder, stage, desk.tracking, report) for stage in stages]
    outcomes: dict[str, str] = {each.stage: each.outcome for each in results}
    record_run(challenge.folder, outcomes)
    _record_training(desk.platform, challenge)
    return outcomes


def compare_with_champion(platform: Platform, challenge: Challenge) -> dict[str, Any]:
    """Compare challenger and champion on the same mature flights of the month; keep it as evidence in the clone.

    The champion is judged by what it answered in production, the challenger by what it says about the same flights.
    Returns what `compare` returns, with the month, the snapshot and the number of flights left out.
    """
    from bentos.flights.scoring import Scorer

    forecasts = read_forecasts(platform, read_month(challenge.month), challenge.as_of)
    scorer = Scorer.load(challenge.folder / TREE)
    rows = pl.read_parquet(challenge.folder / "data" / "training" / "validate.parquet")
    scores = scorer.score({name: rows[name].to_list() for name in scorer.features})
    judged = _judged(rows.with_columns(challenger=pl.Series(scores.astype(float))), forecasts.rows)
    found = compare(
        judged["score"].to_numpy(), judged["challenger"].to_numpy(), judged["late"].to_numpy(), _days(judged)
    )
    evidence = found | {
        "month": challenge.month,
        "as_of": challenge.as_of.isoformat(),
        "champion": forecasts.deployment,
        "incumbent": _trees(platform).get(forecasts.deployment),
        "snapshot": challenge.snapshot,
        "flights_left_out": rows.height - judged.height,
    }
    write_json(challenge.folder / COMPARISON, evidence)
    commit(challenge.folder, "Compare with the champion", [str(COMPARISON)])
    return evidence


def open_challenge(desk: Desk, challenge: Challenge, alias: str = "champion") -> dict[str, Any]:
    """Register the challenger and ask for its promotion, whatever the comparison says; return the gate's answer.

    Returns:
        the request (`request_id`, `verdict`, `reasons`, ...) and the registered `version`.

    Raises:
        Refused: the comparison is with a model that is no longer the champion.
    """
    registered = desk.register(challenge.folder)
    evidence = read_evidence(challenge.folder)
    _require_champion(desk.platform, evidence["comparison"], desk.digest_behind(alias))
    reason = f"Trained on labels known by {challenge.as_of:%Y-%m-%d}; judged on {challenge.month}."
    request = desk.ask(registered, Question(alias, reason, evidence))
    return request | {"version": registered.version}


def _require_champion(platform: Platform, comparison: Mapping[str, Any], champion: str | None) -> None:
    """Refuse evidence about a deployment of another tree than the one that the alias points at."""
    judged = _trees(platform).get(comparison["champion"])
    if champion is not None and judged != champion:
        raise Refused(
            f"The comparison on {comparison['month']}",
            (f"It is with {comparison['champion']}, and {champion} is the champion by now: monitor that first.",),
        )


def retrain(
    desk: Desk, finding: Mapping[str, Any], feature_set: str = FEATURE_SET, report: Report | None = None
) -> dict[str, Any]:
    """Answer a finding with a challenger: prepare, train, compare, ask. Return the results; safe to repeat."""
    challenge = prepare_retrain(desk.platform, finding, feature_set)
    outcomes = train_challenger(desk, challenge, report)
    comparison = compare_with_champion(desk.platform, challenge)
    request = open_challenge(desk, challenge)
    return {
        "month": challenge.month,
        "project": str(challenge.folder),
        "snapshot": challenge.snapshot,
        "labels": challenge.labels,
        "labels_rows": challenge.rows,
        "stages": outcomes,
        "comparison": comparison,
        "request": request,
    }


def schedule_only_challenger(desk: Desk, finding: Mapping[str, Any], report: Report | None = None) -> dict[str, Any]:
    """Let a challenger that knows only the schedule try; the gate refuses it, and the request says why."""
    return retrain(desk, finding, SCHEDULE, report)


def _moment(platform: Platform, month: Month, finding: Mapping[str, Any]) -> datetime:
    given = finding.get("as_of")
    return parse_moment(str(given)) if given else month.end + platform.feedback.kind(KIND).maturity_window


def _refuse_early(platform: Platform, month: Month, as_of: datetime) -> None:
    now, go_live = platform.event_clock(), read_params(platform.settings.project).go_live
    if as_of > now:
        reason = f"Its forecasts are mature at {as_of:%Y-%m-%d %H:%MZ}, and now it is {now:%Y-%m-%d %H:%MZ}."
        raise Refused(f"Retraining on {month.name}", (reason,))
    if month.start < go_live:
        raise Refused(f"Retraining on {month.name}", (f"No forecast of it went live: go-live was {go_live:%Y-%m-%d}.",))


def _params(month: Month, as_of: datetime, labels: ExportedLabels, feature_set: str) -> dict[str, Any]:
    start = read_yaml(labels.folder / PARAMS).values["train"]["from"]
    return {
        "as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "train": {"from": str(start), "until": month.first.isoformat()},
        "validate": {"from": month.first.isoformat(), "until": month.after.isoformat()},
        "labels_snapshot": {"path": labels.path, "digest": sha256_of(labels.folder / labels.path)},
        "feature_set": feature_set,
    }


def _judged(rows: pl.DataFrame, forecasts: pl.DataFrame) -> pl.DataFrame:
    """Join the challenger's scores with what the champion answered about the same flights, mature ones only."""
    answered = forecasts.filter("mature").select("flight_id", "score")
    return rows.drop_nulls("late").select("flight_id", "day", "late", "challenger").join(answered, on="flight_id")


def _days(judged: pl.DataFrame) -> np.ndarray:
    return judged["day"].cast(pl.String).to_numpy()


def _trees(platform: Platform) -> dict[str, str | None]:
    """Return the tree digest of each deployment that is known."""
    return {known.uri: known.tree_digest for known in platform.feedback.deployments()}


def _export(platform: Platform, folder: Path, digest: str) -> ExportedLabels:
    path = f"data/labels-{digest.removeprefix('sha256:')[:12]}.parquet"
    platform.feedback.export_snapshot(digest, folder / path)
    return ExportedLabels(folder, path, digest, pl.read_parquet(folder / path).height)


def _labels_at(settings: Settings, folder: Path, path: str) -> ArtifactVersion:
    version = DataVersion(settings.repository, path, read_md5(folder / f"{path}.dvc"))
    return ArtifactVersion(version.uri, "dvc-data", f"sha256:{sha256_of(folder / path)}", {"path": path})


def _record_labels(platform: Platform, labels: ExportedLabels) -> None:
    snapshot = Snapshot(labels.snapshot).artifact
    cohort = platform.feedback.snapshot_cohort(labels.snapshot)
    tracked = _labels_at(platform.settings, labels.folder, labels.path)
    platform.lineage.record_snapshot(snapshot, deployments=sorted(set(cohort.deployment)), labels=tracked)


def _record_training(platform: Platform, challenge: Challenge) -> None:
    """Record that the training set was made from the exported labels too: dvc.lock has them as a parameter only."""
    lock = read_yaml(challenge.folder / "dvc.lock").values
    outs = {out["path"]: out["md5"] for out in lock["stages"]["features"]["outs"]}
    version = DataVersion(platform.settings.repository, "data/training", outs["data/training"])
    labels = _labels_at(platform.settings, challenge.folder, challenge.labels)
    platform.lineage.derive(ArtifactVersion(version.uri, "dvc-data"), labels, asserted_by="params.yaml")
