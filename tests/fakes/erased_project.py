"""A project whose spool, log, quarantine, parts and exports hold subjects, for tests of erasing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.feedback import open_compaction, open_spool
from handrail.bootstrap.feedback_erasing import open_eraser
from handrail.feedback import Cohort, Prediction, Reason, Rejected, Review, Snapshot
from handrail.settings import load_settings
from tests.fakes.feedback import GO_LIVE, a_prediction, an_outcome

KINDS = (
    "version: 1\nkinds: {ground_truth: {maturity_window_hours: 36}, review: {type: review, maturity_window_hours: 1}}\n"
)
LAST = GO_LIVE + timedelta(days=60)
AUGUST = GO_LIVE, GO_LIVE + timedelta(days=31)


def make_project(folder: Path, privacy: str = "plain") -> Path:
    """Return a folder with a configuration."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("{}\n")
    (folder / "config" / "feedback.yaml").write_text(f"{KINDS}privacy: {{subjects: {privacy}}}\n")
    return folder


def open_project(folder: Path) -> Platform:
    """Open what is recorded in it."""
    return open_platform(load_settings(folder))


def fill(platform: Platform, subjects: Sequence[str]) -> Snapshot:
    """Record predictions by the spool, outcomes by id and by key, a row in quarantine, parts, a snapshot, an export."""
    log, spool = platform.feedback, open_spool(platform.settings)
    made = [_prediction(number, subject) for number, subject in enumerate(subjects)]
    spool.append(made)
    spool.drain(log.record_predictions)
    for number, each in enumerate(made):
        to = {"prediction_id": "", "subject": each.subject} if number % 2 else {}
        log.receive([an_outcome(each, float(number % 2), event_id=f"e{number}", **to)])
        written = {"prediction_id": each.prediction_id, "value": 1.0, "source": "shop", "revision": 0}
        moments = {"occurred_at": each.made_at, "received_at": each.made_at}
        said: dict[str, Any] = (
            {"kind": "review", "text": f"{each.subject} was here", "event_id": f"r{number}"} | written | moments | to
        )
        log.receive([Review(**said)])
        content = {"subject": each.subject, "value": "much"}
        log.receive([Rejected("feedback", Reason.MALFORMED, "value", f"{each.subject}: no number.", content)])
    open_compaction(platform.settings, platform.store).run()
    snapshot = log.snapshot("ground_truth", *AUGUST, LAST)
    log.export_snapshot(snapshot.digest, platform.settings.project / "exports" / "labels.parquet")
    return snapshot


def _prediction(number: int, subject: str) -> Prediction:
    return a_prediction(number, subject=subject, prediction_id=f"p-{number}")


def figures(platform: Platform) -> list[tuple[object, ...]]:
    """Return what every figure is made from: predictions and labels, without names."""
    found: Cohort = platform.feedback.cohort(None, "ground_truth", *AUGUST, LAST)
    rows = zip(found.made_at, found.score, found.predicted, found.label, found.revision, strict=True)
    return sorted(rows, key=repr)


def figures_by_columns(platform: Platform) -> list[tuple[object, ...]]:
    """Return the same as it is read from parts."""
    tables = platform.feedback.labels.of_window("ground_truth", *AUGUST, LAST)
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(((row["made_at"], row["score"], row["label"]) for row in rows), key=repr)


def erase(folder: Path, subject: str) -> None:
    """Erase a subject, as the command does."""
    with open_project(folder) as platform:
        report = open_eraser(platform).erase(subject, "ada", GO_LIVE)
    print(report)  # noqa: T201 - for a test that reads it
