"""Random lives of a gate against an oracle that keeps its own books.

About 2,000 steps; `make soak-gate` makes a million of them.
"""

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.effort import count_of
from tests.fakes.gate_life_machine import GateLife

STEPS, IN_A_LIFE = count_of(2000, "STEPS"), 50
REACHED = ("promotion", "break-glass", "rules changed", "killed", "loaded", "not loaded")
SELDOM = ("rollback", "revert", "confirmation", "revoked", "answered")
"""What a small draw may miss, and a large one has to reach."""


def test_no_life_of_a_gate_moves_or_loads_what_the_books_do_not_allow():
    class Life(GateLife):
        met = Counter()

    lives = settings(
        max_examples=STEPS // IN_A_LIFE,
        stateful_step_count=IN_A_LIFE,
        deadline=None,
        derandomize=STEPS <= 2000,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=lives)

    wanted = REACHED if STEPS < 20_000 else REACHED + SELDOM
    assert [what for what in wanted if not Life.met[what]] == [], Life.met
