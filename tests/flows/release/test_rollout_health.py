"""A challenger that fails or is late more often than it may, and than the champion, is worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flows.steps.release import rollout_judging
from flows.steps.release.rollout_health import MINUTE, broken_limit, counted_since
from flows.steps.release.rollout_rules import HealthRule, RolloutRules
from handrail.clock import system_time
from handrail.delivery import BOUNDS_S, CHAMPION, Challenger, Fault, HealthBin, HealthSample, Load, Role
from handrail.settings import Settings
from tests.fakes.flights_project import ROOT
from tests.fakes.health import HealthInMemory

POINTER = "deploy://local/flights"
AT = datetime(2026, 12, 1, 10, 0, 30, tzinfo=UTC)
MINE = Challenger("v7", Role.CANARY, 0.05, "mlflow://test/flights/7", f"sha256:{'a' * 64}", "canary", f"{POINTER}/v7")
RULE = HealthRule(errors=0.01, seconds=1.0, slower=0.01)


def load(asked: int, failed: int = 0, late: int = 0, fault: Fault = Fault.FAILED) -> Load:
    """Return a load whose requests took 4 ms, but for late ones."""
    latencies = [0] * (len(BOUNDS_S) + 1)
    latencies[2], latencies[-1] = asked - late, late
    return Load(asked, asked - failed, {fault: failed} if failed else {}, tuple(latencies), 0.004 * asked)


def bins(mine: Load, champion: Load | None = None) -> list[HealthBin]:
    """Return the counts of both in one stretch."""
    of_mine = HealthBin(POINTER, MINE.name, MINE.deployment, AT, AT, 5, mine)
    theirs = HealthBin(POINTER, CHAMPION, f"{POINTER}/v1", AT, AT, 5, champion or load(10_000))
    return [of_mine, theirs]


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (load(500, failed=30), "v7 failed in 30 of 500 requests since it has its share; a share of 0.01 is allowed"),
        (load(500, failed=30, fault=Fault.SLOW), "v7 failed in 30 of 500"),
        (load(500, late=30), "v7 took longer than 1 s in 30 of 500 requests"),
    ],
)
def test_what_it_surely_does_too_often_is_said(mine: Load, said: str) -> None:
    found = broken_limit(bins(mine), MINE, RULE)

    assert found is not None
    assert found.startswith(said)
    assert "the champion did so in 0 of 10,000." in found


@pytest.mark.parametrize(
    ("mine", "champion"),
    [
        (load(500, failed=4, late=4), load(10_000)),
        (load(3, failed=1), load(10_000)),
        (load(0), load(0)),
        # What is wrong with a request is its sender's fault.
        (load(500, failed=100, fault=Fault.REFUSED), load(10_000)),
        # The store was away, for both.
        (load(500, failed=60), load(10_000, failed=1_200)),
        (load(500, late=60), load(10_000, late=1_200)),
    ],
)
def test_what_is_not_sure_or_happens_to_the_champion_too_ends_nothing(mine: Load, champion: Load) -> None:
    assert broken_limit(bins(mine, champion), MINE, RULE) is None


def test_counts_of_an_earlier_deployment_of_that_name_are_not_its_own() -> None:
    before = HealthBin(POINTER, MINE.name, f"{POINTER}/v6", AT, AT, 5, load(500, failed=400))

    assert broken_limit([before, *bins(load(500))], MINE, RULE) is None


def test_only_whole_minutes_since_it_has_its_share_count_and_those_of_its_service() -> None:
    records = HealthInMemory()
    minute = AT.replace(second=0)
    records.keep(
        [
            HealthSample(pointer, MINE.name, MINE.deployment, "p", minute + timedelta(minutes=each), load(10))
            for pointer in (POINTER, "deploy://local/others")
            for each in (-1, 0, 1, 2)
        ]
    )

    found = counted_since(records, POINTER, AT, AT + timedelta(minutes=5))

    assert sum(each.load.asked for each in found) == 20
    assert counted_since(records, POINTER, AT, AT) == ()


@pytest.mark.parametrize("role", [Role.SHADOW, Role.CANARY])
def test_who_breaks_a_limit_is_worse_whatever_it_answers(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    now, one = system_time(), replace(MINE, role=role, share=1.0)
    records = HealthInMemory()
    records.keep([HealthSample(POINTER, one.name, one.deployment, "p", now - 2 * MINUTE, load(500, failed=100))])
    monkeypatch.setattr(rollout_judging, "open_health", lambda _: records)
    split = SimpleNamespace(challenger=lambda _name: one)
    splitter = SimpleNamespace(
        current=lambda: SimpleNamespace(split=split),
        since=lambda _name: now - 10 * MINUTE,
        slot=SimpleNamespace(pointer=POINTER),
    )
    platform = SimpleNamespace(settings=Settings(project=ROOT, home=ROOT / ".handrail"))

    seen = rollout_judging.judge_challenger(platform, splitter, one.name, RolloutRules())  # type: ignore[arg-type]

    assert seen.judged.answer == "worse"
    assert "failed in 100 of 500" in seen.judged.sentence


def test_a_limit_that_services_do_not_count_by_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"expected one of 0.001, 0.0025"):
        HealthRule(seconds=0.3)
