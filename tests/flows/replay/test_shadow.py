"""A version that answers in shadow: recorded beside the served one, never taken for it, and compared case by case."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.steps.release.rollout_judging import judge_challenger
from flows.steps.release.rollout_rules import RolloutRules, ShadowStage
from flows.steps.release.served_model import ServedModel
from flows.steps.replay.bulk import record
from flows.steps.replay.log import scored_months
from flows.steps.replay.shadow import Window, answer_in_shadow
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.delivery import read_splits
from handrail.clock import system_time
from handrail.delivery import Challenger, Change, Role, Slot, Split, Splitter
from handrail.errors import UnknownReference
from handrail.refs import Deployment, ModelVersion
from handrail.scoring import Scorer
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.delivery import USE, PermitsInFolder
from tests.fakes.permitted_tree import write_tree

ROOT = Path(__file__).parents[3]
CASE = read_use_case(ROOT)
CHAMPION = "deploy://local/flights/v1"
FIRST = datetime(2013, 9, 10, 12, tzinfo=UTC)
DAYS, A_DAY = 40, 20
VERSION = ModelVersion("test", "flights", 1, 2)
SHADOW = "deploy://local/flights-shadow/v2-aa"
SHARE = 0.25
EVER = Window(FIRST)
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with open_platform(Settings(project=ROOT, home=tmp_path / "home", replay=True)) as opened:
        opened.event_clock.set(datetime(2014, 1, 7, tzinfo=UTC))
        yield opened


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    # The chance to be late grows with the distance: nothing at 0 miles.
    return write_tree(tmp_path / "tree", weights=(0.0, 0.002))


def months(columns: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return what the champion said about flights of 40 days: a half for everybody, where far ones are late."""
    numbers = range(DAYS * A_DAY)
    at = [FIRST + timedelta(days=each // A_DAY, minutes=each % A_DAY) for each in numbers]
    far = [each % 3 == 0 for each in numbers]
    frame = pl.DataFrame(
        {
            "flight_id": [f"{moment:%Y-%m-%d}:AA:{each}:1000:JFK" for each, moment in zip(numbers, at, strict=True)],
            "day": [date(2013, 9, 10) + timedelta(days=each // A_DAY) for each in numbers],
            "event_timestamp": at,
            "sched_arr_ts": [moment + timedelta(hours=5) for moment in at],
            "arr_known_ts": [moment + timedelta(hours=6 if late else 5) for moment, late in zip(at, far, strict=True)],
            "late": [int(each) for each in far],
            "carrier": ["AA"] * len(at),
            "minute_of_day": [600.0] * len(at),
            "temp": [70.0] * len(at),
            "distance_miles": [450.0 if late else 50.0 for late in far],
            "score": [0.5] * len(at),
            "predicted": [1] * len(at),
        }
    )
    return frame.drop(columns)


def served(platform: Platform, tree: Path, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Record what the champion answered, and leave the scored months where the replay does."""
    found = months() if rows is None else rows
    record(platform, ServedModel(CHAMPION, "sha256:aa", Scorer.load(tree)), months(), CASE)
    folder = scored_months(platform.settings.home)
    folder.mkdir(parents=True)
    found.write_parquet(folder / "2013-09.parquet")
    platform.lineage.record_registration(VERSION, tree_digest=tree_digest(tree))
    return found


def in_shadow(platform: Platform, tree: Path) -> Split:
    """Record that the version answers a quarter of the subjects in shadow."""
    slot = Slot("local", CASE.name)
    challenger = Challenger(
        "v2", Role.SHADOW, SHARE, VERSION.uri, tree_digest(tree), "shadow", slot.shadow.deployment("v2-aa").uri
    )
    split = Split(slot, slot.bento, (challenger,))
    read_splits(platform).append(Change(1, split, datetime(2026, 11, 30, tzinfo=UTC), "ada", "new"))
    platform.feedback.register_deployment(SHADOW, challenger.tree_digest, VERSION.uri)
    serving = slot.shadow.deployment("v2-aa")
    platform.lineage.record_serving(serving, VERSION.uri, tree_digest=challenger.tree_digest)
    return split


def splitter(platform: Platform) -> Splitter:
    """Open the split as it is recorded; nothing is permitted or loaded here."""
    folder = platform.settings.home / "none"
    permits = PermitsInFolder(folder)
    return Splitter(Slot("local", CASE.name), USE, folder, permits, read_splits(platform), system_time, print)


def shadowed(platform: Platform, tree: Path, window: Window = EVER) -> int:
    found = answer_in_shadow(platform, tree, in_shadow(platform, tree), "v2", window)
    assert found is not None
    return found


def test_it_answers_a_quarter_of_the_subjects_always_the_same(platform: Platform, tree: Path) -> None:
    served(platform, tree)

    split = in_shadow(platform, tree)
    first = answer_in_shadow(platform, tree, split, "v2", EVER)
    before = platform.feedback.status()
    again = answer_in_shadow(platform, tree, split, "v2", EVER)

    assert first == again
    assert first is not None
    assert platform.feedback.status() == before
    assert abs(first - DAYS * A_DAY * SHARE) < 4 * math.sqrt(DAYS * A_DAY * SHARE * (1 - SHARE))
    cohort = platform.feedback.cohort(
        SHADOW, CASE.label.feedback, FIRST, FIRST + timedelta(days=DAYS), platform.event_clock()
    )
    assert set(cohort.sampled) == {SHARE}
    drawn = {subject for subject in months()["flight_id"] if any(split.in_shadow(subject))}
    assert set(cohort.subject) == drawn


def test_it_has_the_outcomes_of_the_flights_and_nothing_that_people_said_of_the_served_answer(
    platform: Platform, tree: Path
) -> None:
    served(platform, tree)
    shadowed(platform, tree)
    window = (FIRST, FIRST + timedelta(days=DAYS), platform.event_clock())

    truth = platform.feedback.cohort(SHADOW, CASE.label.feedback, *window)
    rating = platform.feedback.cohort(SHADOW, "rating", *window)
    of_champion = platform.feedback.cohort(CHAMPION, "rating", *window)

    assert truth.coverage > 0.98
    assert rating.coverage == 0
    assert of_champion.coverage > 0.1


def test_the_better_version_is_found_in_pairs_of_days(platform: Platform, tree: Path) -> None:
    served(platform, tree)

    in_split = in_shadow(platform, tree)
    answer_in_shadow(platform, tree, in_split, "v2", EVER)
    platform.feedback.register_deployment(CHAMPION, "sha256:aa", VERSION.uri)
    platform.lineage.record_serving(Deployment("local", "flights", "v1"), VERSION.uri)
    platform.lineage.point("deploy://local/flights", Deployment("local", "flights", "v1"), AT, by="ada")
    rules = RolloutRules(shadow=ShadowStage(share=SHARE, unit="day"))

    seen = judge_challenger(platform, splitter(platform), "v2", rules)

    assert seen.judged.answer == "better"
    assert seen.comparison is not None
    drawn = {name[:10] for name in months()["flight_id"] if any(in_split.in_shadow(name))}
    assert (seen.comparison["paired"], seen.comparison["units"]) == (True, len(drawn))
    assert seen.as_evidence()["low"] > 0
    assert 0.98 * seen.comparison["pairs"] <= seen.comparison["challenger"]["judged"] <= seen.comparison["pairs"]


def test_its_answers_lead_back_to_the_version(platform: Platform, tree: Path) -> None:
    served(platform, tree)
    shadowed(platform, tree)

    (record,) = [each for each in platform.feedback.deployments() if each.uri == SHADOW]

    assert (record.model_version_uri, record.tree_digest) == (VERSION.uri, tree_digest(tree))
    assert VERSION.uri in {node.uri for node in platform.lineage.trace(SHADOW).nodes}


def test_after_the_last_prediction_nothing_is_answered(platform: Platform, tree: Path) -> None:
    served(platform, tree)

    split = in_shadow(platform, tree)
    last = FIRST + timedelta(days=DAYS - 1)

    assert answer_in_shadow(platform, tree, split, "v2", Window(FIRST + timedelta(days=DAYS))) is None
    assert answer_in_shadow(platform, tree, split, "v2", Window(last, last)) is None
    assert answer_in_shadow(platform, tree, split, "v2", Window(last)) is not None


def test_without_a_feature_of_its_own_it_says_nothing(platform: Platform, tree: Path) -> None:
    served(platform, tree, months(("temp",)))

    assert answer_in_shadow(platform, tree, in_shadow(platform, tree), "v2", EVER) is None


def test_a_challenger_that_is_not_in_the_split_is_named(platform: Platform, tree: Path) -> None:
    served(platform, tree)

    with pytest.raises(UnknownReference, match="v9"):
        answer_in_shadow(platform, tree, in_shadow(platform, tree), "v9", EVER)
