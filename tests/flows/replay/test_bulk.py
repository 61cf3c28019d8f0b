from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.steps.monitoring.month import read_month
from flows.steps.release.served_model import ServedModel, open_model
from flows.steps.replay.bulk import predictions_of, record
from flows.steps.replay.plan import said_of
from flows.steps.replay.truth import Fate, fate_of, stream
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import open_permit_verifier, tree_digest
from handrail.delivery import BuiltFor
from handrail.errors import Refused, Unavailable
from handrail.scoring import Scorer
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree, write_tree

ROOT = Path(__file__).parents[3]
CASE = read_use_case(ROOT)
DEPLOYMENT = "deploy://local/flights/v1"
DEPARTURE = datetime(2013, 9, 10, 14, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=ROOT, home=tmp_path / "home", replay=True)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with open_platform(settings) as opened:
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> ServedModel:
    return ServedModel(DEPLOYMENT, "sha256:aa", Scorer.load(write_tree(tmp_path / "tree")))


def scored(count: int = 300) -> pl.DataFrame:
    """Return flights as bulk scoring leaves them; every third one lands late and every tenth never."""
    numbers = range(1, count + 1)
    landed: list[datetime | None] = [DEPARTURE + timedelta(hours=5) if each % 10 else None for each in numbers]
    return pl.DataFrame(
        {
            "flight_id": [f"2013-09-10:AA:{each}:1000:JFK" for each in numbers],
            "day": [date(2013, 9, 10)] * count,
            "event_timestamp": [DEPARTURE - timedelta(hours=2)] * count,
            "sched_arr_ts": [DEPARTURE + timedelta(hours=4, minutes=50)] * count,
            "arr_known_ts": landed,
            "late": [None if at is None else int(each % 3 == 0) for each, at in zip(numbers, landed, strict=True)],
            "carrier": ["AA"] * count,
            "minute_of_day": [600.0] * count,
            "temp": [70.0] * count,
            "distance_miles": [float(each) for each in numbers],
            "score": [each / (count + 1) for each in numbers],
            "predicted": [int(each / (count + 1) >= 0.35) for each in numbers],
        }
    )


def test_a_flight_becomes_a_prediction_made_two_hours_before(model: ServedModel) -> None:
    first, *_, last = predictions_of(scored(), model, CASE)

    assert first.subject == "2013-09-10:AA:1:1000:JFK"
    assert first.made_at == DEPARTURE - timedelta(hours=2)
    assert (first.label, last.label) == (0, 1)
    assert first.features_digest != last.features_digest
    assert first.feature_service == "flights_v1"


def test_recording_twice_changes_nothing(platform: Platform, model: ServedModel) -> None:
    first = record(platform, model, scored(), CASE)

    again = record(platform, model, scored(), CASE)

    reports = stream(said_of(scored(), CASE, CASE.time.event))
    twice = len(reports) - len({replace(each, received_at=DEPARTURE) for each in reports})
    assert twice > sum(fate_of(name) is Fate.TWICE for name in scored().drop_nulls("late")["flight_id"]) > 0
    assert (first["predictions_new"], first["outcomes_repeated"], first["conflicts"]) == (300, twice, 0)
    assert (again["predictions_new"], again["outcomes_new"], again["conflicts"]) == (0, 0, 0)
    assert again["predictions_repeated"] == 300


def test_in_the_end_every_reported_outcome_is_the_truth(platform: Platform, model: ServedModel) -> None:
    record(platform, model, scored(), CASE)
    month = read_month("2013-09", CASE.time.zone)

    cohort = platform.feedback.cohort(
        DEPLOYMENT, CASE.label.feedback, month.start, month.end, month.end + timedelta(days=5)
    )

    truth = dict(scored().drop_nulls("late").select("flight_id", "late").iter_rows())
    told = {name: label for name, label in zip(cohort.subject, cohort.label, strict=True) if label is not None}
    assert told == {name: late for name, late in truth.items() if fate_of(name) is not Fate.NEVER}


def test_a_wrong_first_report_counts_until_its_correction(platform: Platform, model: ServedModel) -> None:
    flights = scored(3000)
    record(platform, model, flights, CASE)
    month = read_month("2013-09", CASE.time.zone)
    corrected = [name for name in flights.drop_nulls("late")["flight_id"] if fate_of(name) is Fate.CORRECTED]
    landed = DEPARTURE + timedelta(hours=5)

    def told(as_of: datetime) -> dict[str, float | None]:
        cohort = platform.feedback.cohort(DEPLOYMENT, CASE.label.feedback, month.start, month.end, as_of)
        return dict(zip(cohort.subject, cohort.label, strict=True))

    before, after = told(landed), told(landed + timedelta(hours=25))
    assert corrected
    assert all(before[name] == 1 - (after[name] or 0) for name in corrected)


def test_what_names_the_flight_alone_finds_its_prediction(platform: Platform, model: ServedModel) -> None:
    record(platform, model, scored(), CASE)
    reports = stream(said_of(scored(), CASE, CASE.time.event))
    month = read_month("2013-09", CASE.time.zone)
    log, known = platform.feedback, month.end + timedelta(days=9)

    by_key = {report.subject for report in reports if report.is_by_key and not report.kind}
    rating, cost, truth = (
        log.cohort(DEPLOYMENT, kind, month.start, month.end, known)
        for kind in ("rating", "rebooking_cost", CASE.label.feedback)
    )

    assert log.status().orphans == 0
    judged = {name for name, label in zip(truth.subject, truth.label, strict=True) if label is not None}
    assert by_key
    assert by_key <= judged
    assert judged - by_key
    # Corrected ratings and bills, and the two items of a bill, by hand.
    last = {}
    for report in sorted(reports, key=lambda each: (each.revision, each.occurred_at)):
        last[report.kind, report.subject, report.item] = report.value
    stars = {subject: value for (kind, subject, _), value in last.items() if kind == "rating"}
    bills: dict[str, float] = {}
    for (kind, subject, _), value in sorted(last.items()):
        if kind == "rebooking_cost":
            bills[subject] = bills.get(subject, 0.0) + value
    assert {name: each for name, each in zip(rating.subject, rating.label, strict=True) if each is not None} == stars
    found = dict(zip(cost.subject, cost.label, strict=True))
    assert {name: each for name, each in found.items() if each} == pytest.approx(bills)
    assert sum(each == 0 for each in found.values()) == 300 - len(bills)


def bento(settings: Settings, carried: bool = True) -> str:
    """Lay a bento out as the store has it, with a permitted tree unless another one is given; return its deployment."""
    folder = settings.home / "bentoml" / "bentos" / "flights" / "v1"
    (folder / "src").mkdir(parents=True)
    (folder / "bento.yaml").write_text("creation_time: 2026-01-01T00:00:00+00:00\n", encoding="utf-8")
    if carried:
        tree = write_tree(folder / "src" / "model")
        (folder / "src" / "permit.json").write_bytes(permit_tree(settings, tree).read_bytes())
        (folder / "src" / "use.json").write_bytes(BuiltFor(USE, open_permit_verifier(settings).key_id).to_bytes())
    return DEPLOYMENT


def test_the_model_is_read_from_what_the_bento_carries(settings: Settings) -> None:
    deployment = bento(settings)

    found = open_model(settings, deployment)

    tree = settings.home / "bentoml" / "bentos" / "flights" / "v1" / "src" / "model"
    assert found.deployment == deployment
    assert found.tree_digest == tree_digest(tree)
    assert found.scorer.features[0] == "carrier"


def test_one_changed_byte_scores_nothing(settings: Settings) -> None:
    deployment = bento(settings)
    file = settings.home / "bentoml" / "bentos" / "flights" / "v1" / "src" / "model" / "scoring.json"
    file.write_bytes(file.read_bytes() + b" ")

    with pytest.raises(Refused, match=r"scoring\.json"):
        open_model(settings, deployment)


@pytest.mark.parametrize("there", [False, True])
def test_a_bento_without_a_model_is_named(settings: Settings, there: bool) -> None:
    if there:
        bento(settings, carried=False)

    with pytest.raises(Unavailable, match=DEPLOYMENT):
        open_model(settings, DEPLOYMENT)
