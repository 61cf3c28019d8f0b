"""What follows from a comparison: the next share, an end, or waiting."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.delivery import Challenger, End, Judged, Next, Role, Rollout
from handrail.delivery.domain.steps import next_of, since_when
from handrail.errors import InvalidInput

NOW = datetime(2026, 11, 30, tzinfo=UTC)
WEEK = NOW - timedelta(days=7)


def a_challenger(role: Role = Role.CANARY, share: float = 0.05) -> Challenger:
    return Challenger("two", role, share, "models:/m/2", "sha256:2", "canary", "deploy://local/m/2")


def after(answer: str, challenger: Challenger, since: datetime = WEEK, days_left: float | None = None) -> Next:
    return next_of(Rollout(), challenger, since, NOW, Judged(answer, "So it is.", days_left))


@pytest.mark.parametrize("answer", ["better", "no_difference"])
@pytest.mark.parametrize(("share", "then"), [(0.01, 0.05), (0.05, 0.25), (0.3, 0.5), (0.5, 1.0)])
def test_a_canary_that_is_not_worse_gets_the_next_share(answer: str, share: float, then: float) -> None:
    assert after(answer, a_challenger(share=share)) == Next("So it is.", share=then)


@pytest.mark.parametrize(
    "challenger",
    [a_challenger(Role.SHADOW), a_challenger(Role.VARIANT)],
    ids=["shadow", "variant"],
)
def test_what_has_no_next_share_is_through(challenger: Challenger) -> None:
    assert after("better", challenger) == Next("So it is.", is_through=True)


@pytest.mark.parametrize("role", list(Role))
def test_worse_ends_at_once_whatever_the_role(role: Role) -> None:
    assert after("worse", a_challenger(role), since=NOW).end is End.ROLLED_BACK


@pytest.mark.parametrize("answer", ["inconclusive", "blocked"])
def test_what_is_not_decided_waits_until_its_time_is_over(answer: str) -> None:
    assert after(answer, a_challenger()) == Next("So it is.")

    over = after(answer, a_challenger(), NOW - timedelta(days=30), days_left=12.3)

    assert over.end is End.INCONCLUSIVE
    assert over.reason == "30 days at 5.00% decided nothing. About 12 days more would. So it is."


@pytest.mark.parametrize("steps", [(), (0.5, 0.5), (0.5, 0.2), (0.0, 1.0), (0.5, 1.5)])
def test_shares_that_do_not_grow_are_refused(steps: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="do not grow"):
        Rollout(steps)


def test_a_share_without_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no time"):
        Rollout(within=timedelta(0))


def test_a_share_counts_from_the_change_that_gave_it() -> None:
    days = [NOW - timedelta(days=day) for day in range(5)]

    assert since_when([(days[0], 0.8, 0.2), (days[1], 0.8, 0.2), (days[2], 0.9, 0.1), (days[3], 0.8, 0.2)]) == days[1]
    assert since_when([(days[0], 0.5, 0.2), (days[1], 0.8, 0.2)]) == days[0], "another one came beside it"
    assert since_when([(days[0], 0.8, 0.2), (days[1], 1.0, None), (days[2], 0.8, 0.2)]) == days[0]
    assert since_when([]) is None


@pytest.mark.parametrize("answer", ["blocked", "inconclusive", "better"])
def test_a_canary_that_answers_all_subjects_is_through_however_long_it_lasts(answer: str) -> None:
    found = after(answer, a_challenger(share=1.0), NOW - timedelta(days=90))

    assert (found.is_through, found.end, found.share) == (True, None, None)
