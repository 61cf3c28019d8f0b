"""Random lives of a gate against an oracle that keeps its own books.

About 2,000 steps; `HANDRAIL_TEST_EFFORT=500` makes a million of them.
"""

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.effort import TIMES
from tests.fakes.gate_life_machine import GateLife

REACHED = ("promotion", "break-glass", "rules changed", "killed", "loaded", "not loaded")
SELDOM = ("rollback", "revert", "confirmation", "revoked", "answered")
"""What a small draw may miss, and a large one has to reach."""


def test_no_life_of_a_gate_moves_or_loads_what_the_books_do_not_allow():
    class Life(GateLife):
        met = Counter()

    lives = settings(
        max_examples=40 * TIMES,
        stateful_step_count=50,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=lives)

    wanted = REACHED if TIMES < 10 else REACHED + SELDOM
    assert [what for what in wanted if not Life.met[what]] == [], Life.met
