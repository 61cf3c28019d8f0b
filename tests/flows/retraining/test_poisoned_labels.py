"""Labels of one source that contradict the others, from the log to the retraining: nothing is learned from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from flows.steps.retraining.learning import require_sources
from handrail.bootstrap import Platform, open_platform
from handrail.errors import Refused
from handrail.feedback import Feedback, Prediction, Snapshot
from handrail.settings import Settings

ROOT = Path(__file__).parents[3]
START, END = datetime(2013, 9, 1, tzinfo=UTC), datetime(2013, 10, 1, tzinfo=UTC)
MONTH = "2013-09"
ROWS = 4000


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    project = tmp_path / "project"
    (project / "config").mkdir(parents=True)
    (project / "config" / "feedback.yaml").write_text((ROOT / "config" / "feedback.yaml").read_text())
    with open_platform(Settings(project=project, home=tmp_path / "home", replay=True)) as opened:
        opened.event_clock.set(END + timedelta(days=3))
        yield opened


def report(platform: Platform, lie: Callable[[bool], float]) -> Snapshot:
    """Record a month whose labels come from two feeds and, one in twenty, from a third one; return its snapshot."""
    draw = np.random.default_rng(0)
    at = [START + timedelta(hours=float(each)) for each in draw.random(ROWS) * 24 * 30]
    score = 1 / (1 + np.exp(-draw.normal(-1.3, 1.0, ROWS)))
    truth = draw.random(ROWS) < score
    source = draw.choice(["airport-feed", "airline", "partner"], ROWS, p=[0.6, 0.35, 0.05])
    platform.feedback.record_predictions(
        [Prediction(f"p{n}", "deploy://local/flights/v1", f"f{n}", at[n], float(score[n]), 0) for n in range(ROWS)]
    )
    platform.feedback.record_feedback(
        [
            Feedback(
                f"p{n}",
                "ground_truth",
                lie(truth[n]) if source[n] == "partner" else float(truth[n]),
                str(source[n]),
                0,
                at[n] + timedelta(hours=5),
                at[n] + timedelta(hours=5),
            )
            for n in range(ROWS)
        ]
    )
    return platform.feedback.snapshot("ground_truth", START, END, END + timedelta(days=2))


def found(platform: Platform) -> dict[str, object]:
    written: dict[str, object] = json.loads(
        (platform.settings.home / "retraining" / f"sources-{MONTH}.json").read_text()
    )
    return written


def test_nothing_is_learned_while_a_twentieth_of_the_labels_is_adversarial(platform: Platform) -> None:
    snapshot = report(platform, lambda late: float(not late))

    with pytest.raises(Refused, match="'partner' are not as other sources'") as refused:
        require_sources(platform, snapshot, "binary", MONTH)

    assert "sources.trusted" in str(refused.value)
    assert found(platform)["distrusted"] == ["partner"]


def test_an_honest_third_source_is_learned_from(platform: Platform) -> None:
    snapshot = report(platform, float)

    require_sources(platform, snapshot, "binary", MONTH)

    assert found(platform)["distrusted"] == []


def test_once_the_source_retracts_what_it_said_the_others_are_learned_from(platform: Platform) -> None:
    snapshot = report(platform, lambda late: float(not late))
    labels = platform.feedback.snapshot_cohort(snapshot.digest)
    with pytest.raises(Refused):
        require_sources(platform, snapshot, "binary", MONTH)
    later = END + timedelta(hours=1)
    platform.feedback.record_feedback(
        [
            Feedback(name, "ground_truth", None, "partner", 1, later, later, retracts=True)
            for name in lies(platform, labels.prediction_id)
        ]
    )

    require_sources(
        platform, platform.feedback.snapshot("ground_truth", START, END, END + timedelta(days=2)), "binary", MONTH
    )

    assert "partner" not in {each["source"] for each in found(platform)["sources"]}  # type: ignore[attr-defined]


def lies(platform: Platform, names: tuple[str, ...]) -> list[str]:
    import sqlalchemy as sa

    asked = sa.text("select prediction_id from feedback_event where source = 'partner'")
    with platform.store.read() as connection:
        reported = set(connection.execute(asked).scalars())
    return [name for name in names if name in reported]
