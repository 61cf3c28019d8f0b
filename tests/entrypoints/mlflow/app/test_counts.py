"""How much waits for an account: counted once in a while, anew after a form, never kept from a count that is older."""

from collections.abc import Callable

from handrail.entrypoints.mlflow.app.counts import KEPT_S, MOST_ACCOUNTS, Counts


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _counting(values: list[int]) -> Callable[[], int]:
    return lambda: values.pop(0)


def test_a_number_is_kept_for_a_moment_and_then_counted_again() -> None:
    clock = _Clock()
    counts, values = Counts(clock), [3, 4]

    assert [counts.of("ada", _counting(values)) for _ in range(3)] == [3, 3, 3]
    clock.now += KEPT_S
    assert counts.of("ada", _counting(values)) == 4


def test_each_account_has_its_own_number() -> None:
    counts = Counts(_Clock())

    assert [counts.of("ada", lambda: 1), counts.of("ben", lambda: 2), counts.of("ada", lambda: 9)] == [1, 2, 1]


def test_what_was_recorded_counts_at_once() -> None:
    counts, values = Counts(_Clock()), [1, 0]
    counts.of("ada", _counting(values))

    counts.forget()

    assert counts.of("ada", _counting(values)) == 0


def test_a_count_that_began_before_something_was_recorded_is_not_kept() -> None:
    counts = Counts(_Clock())

    def count_while_somebody_decides() -> int:
        counts.forget()
        return 1

    assert counts.of("ada", count_while_somebody_decides) == 1
    assert counts.of("ada", lambda: 0) == 0


def test_no_crowd_of_accounts_fills_the_memory() -> None:
    counts = Counts(_Clock())

    for number in range(MOST_ACCOUNTS + 1):
        counts.of(f"account-{number}", lambda: 1)

    assert len(counts._kept) == 1
