"""A champion that got worse soon after it was deployed is taken back, once, to the last one that still may serve."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.steps.monitoring.regression import BY, answer_regression, regression_of
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.delivery import open_deployments, open_swapper
from handrail.delivery import Move, Outcome
from handrail.delivery.domain.swaps import ROLLBACK
from handrail.settings import Settings
from tests.fakes.deployed_versions import SLOT, deploy_versions
from tests.fakes.permitted_tree import revoke

ROOT = Path(__file__).resolve().parents[3]
ONE, TWO, THREE = (SLOT.deployment(f"v{number}").uri for number in (1, 2, 3))
START = datetime(2026, 9, 1, tzinfo=UTC)
SOON = timedelta(days=60)


def moves(*targets: str) -> list[Move]:
    """Return moves to these one after another, ten days apart; one with a minus before it was a rollback."""
    return [
        Move(each.lstrip("-"), START + timedelta(days=10 * number), f"{ROLLBACK}{BY}" if each[0] == "-" else "ada")
        for number, each in enumerate(targets)
    ]


def record(deployment: str, month: str = "2026-09", **finding: str) -> dict[str, Any]:
    found = {"kind": "performance", "state": "alert", "month": month, "figure": "ROC-AUC", "value": 0.6, "limit": 0.7}
    return {"deployment": deployment, "month": month, "findings": [found | finding]}


def test_an_alert_about_performance_soon_after_a_promotion_takes_it_back() -> None:
    because = regression_of(record(TWO), moves(ONE, TWO), START + timedelta(days=30), SOON)

    assert because == "2026-09: ROC-AUC is 0.6, beyond the limit 0.7"


@pytest.mark.parametrize(
    ("made", "about", "days", "more"),
    [
        (moves(ONE, TWO), ONE, 30, {}),
        (moves(ONE, TWO), TWO, 30, {"kind": "drift"}),
        (moves(ONE, TWO), TWO, 30, {"state": "ok"}),
        (moves(ONE, TWO), TWO, 90, {}),
        (moves(ONE, TWO, f"-{ONE}"), ONE, 30, {}),
        (moves(ONE, TWO, f"-{ONE}", TWO), TWO, 30, {}),
        ([], ONE, 30, {}),
    ],
    ids=[
        "another serves",
        "drift",
        "all is well",
        "long ago",
        "it serves again",
        "deployed anew after the month",
        "nothing served",
    ],
)
def test_nothing_else_takes_anything_back(made: list[Move], about: str, days: int, more: dict[str, str]) -> None:
    assert regression_of(record(about, **more), made, START + timedelta(days=days), SOON) is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copytree(ROOT / "config", tmp_path / "project" / "config")
    return Settings(project=tmp_path / "project", home=tmp_path / "home", repository="shop", model_name="flights")


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The reference project, where v1, then v2 were deployed a moment ago."""
    with open_platform(settings) as opened:
        deploy_versions(settings, opened)
        yield opened


def this_month(platform: Platform) -> str:
    return f"{platform.event_clock():%Y-%m}"


def answered(platform: Platform, deployment: str) -> str:
    return answer_regression(platform, record(deployment, this_month(platform)))


def target(platform: Platform) -> str | None:
    return open_deployments(platform).target(SLOT.pointer)


def test_the_slot_goes_back_and_the_record_says_who_and_why(platform: Platform) -> None:
    said = answered(platform, TWO)

    assert said.startswith(f"{TWO} was taken back, {ONE} serves again. ")
    assert target(platform) == ONE
    swapper = open_swapper(platform, SLOT.bento)
    (swap,) = swapper.swaps.last(SLOT, 10)
    assert (swap.by, swap.outcome, swap.deployment, swap.other) == (BY, Outcome.ROLLED_BACK, TWO, ONE)
    assert "ROC-AUC is 0.6" in swap.reason
    assert swapper.moves()[-1].by == f"{ROLLBACK}{BY}"


def test_the_same_alert_on_the_next_day_changes_nothing(platform: Platform) -> None:
    answered(platform, TWO)

    assert answered(platform, TWO) == ""
    assert answered(platform, ONE) == ""
    assert target(platform) == ONE


def test_what_was_taken_back_is_not_gone_back_to_from_a_later_one(settings: Settings, platform: Platform) -> None:
    answered(platform, TWO)
    deploy_versions(settings, platform, (3,))

    answered(platform, THREE)

    assert target(platform) == ONE


def test_without_a_permit_for_any_before_the_slot_stays_and_the_sentence_says_so(
    settings: Settings, platform: Platform
) -> None:
    revoke(settings, "pr-1")

    said = answered(platform, TWO)

    assert "nothing was taken back" in said
    assert "flights/v1" in said
    assert target(platform) == TWO


def test_in_a_replay_nothing_is_taken_back(settings: Settings) -> None:
    with open_platform(settings.model_copy(update={"replay": True})) as platform:
        deploy_versions(settings, platform)

        assert answered(platform, TWO) == ""
        assert target(platform) == TWO
