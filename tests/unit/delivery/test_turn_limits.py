from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.delivery import Turn, TurnLimits
from handrail.delivery.domain.turns import WEEK, held_back

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIMITS = TurnLimits(cooldown_hours=24, most_a_week=3, attempts=2)


def ended(name: str, hours_ago: float) -> Turn:
    at = NOW - timedelta(hours=hours_ago)
    return Turn(name, True, "{}", at - timedelta(minutes=10), 1, at, "{}")


def killed(name: str, attempts: int, problem: str | None = None) -> Turn:
    return Turn(name, True, "{}", NOW - timedelta(hours=1), attempts, problem=problem)


def test_the_first_trigger_trains() -> None:
    assert held_back("drift", NOW, [], LIMITS) is None


def test_the_cool_down_says_when_the_next_may_train() -> None:
    assert held_back("drift", NOW, [ended("rating", 23)], LIMITS) == (
        "rating trained at 2026-11-29 13:00 UTC, and the cool-down is 24 hours (cooldown_hours): "
        "next at 2026-11-30 13:00 UTC."
    )
    assert held_back("drift", NOW, [ended("rating", 24)], LIMITS) is None


def test_the_budget_of_a_week_says_when_the_next_may_train() -> None:
    turns = [ended("a", 25), ended("b", 80), ended("c", 167)]

    assert held_back("drift", NOW, turns, LIMITS) == (
        "3 challengers were trained within a week, and the budget is 3 (most_a_week): next at 2026-11-30 12:50 UTC."
    )
    assert held_back("drift", NOW + timedelta(minutes=50), turns, LIMITS) is None


def test_a_trigger_that_was_killed_goes_on_within_cool_down_and_budget() -> None:
    turns = [killed("drift", 1), ended("a", 2), ended("b", 3), ended("c", 4)]

    assert held_back("drift", NOW, turns, LIMITS) is None


def test_a_trigger_that_fails_again_and_again_needs_a_person() -> None:
    reason = held_back("drift", NOW, [killed("drift", 2, "The stage train failed.")], LIMITS)

    assert reason is not None
    assert "tried 2 times, the limit (attempts). The last one ended so: The stage train failed." in reason


@given(st.lists(st.floats(min_value=0, max_value=400), max_size=12), st.integers(1, 5))
def test_what_the_limits_let_through_never_exceeds_them(waits: list[float], most: int) -> None:
    limits = TurnLimits(cooldown_hours=5, most_a_week=most)
    turns: list[Turn] = []
    now = NOW
    for number, hours in enumerate(waits):
        now += timedelta(hours=hours)
        if held_back(str(number), now, turns, limits) is None:
            turns.append(Turn(str(number), True, "{}", now, 1, now, "{}"))

    times = [each.began_at for each in turns]
    assert all(later - first >= timedelta(hours=5) for first, later in zip(times, times[1:], strict=False))
    assert all(sum(start <= each < start + WEEK for each in times) <= most for start in times)


@given(st.lists(st.floats(min_value=0, max_value=400), min_size=1, max_size=12), st.integers(1, 5))
def test_the_moment_that_a_refusal_names_is_true(ages: list[float], most: int) -> None:
    limits = TurnLimits(cooldown_hours=5, most_a_week=most)
    turns = [ended(str(number), hours) for number, hours in enumerate(ages)]
    moment = NOW
    for _ in range(len(ages) + 2):
        if (reason := held_back("new", moment, turns, limits)) is None:
            return
        named = datetime.strptime(reason.rpartition("next at ")[2], "%Y-%m-%d %H:%M UTC.").replace(tzinfo=UTC)
        assert named >= moment - timedelta(minutes=1)
        moment = named + timedelta(minutes=1)
    pytest.fail(f"each named moment was refused again: {reason}")
