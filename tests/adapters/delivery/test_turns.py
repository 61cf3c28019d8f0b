"""One retraining at a time, once a trigger: with several processes, and with holders that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail.delivery import TurnLimits, Turns
from handrail.delivery.adapters.sql_turns import MIGRATIONS, SqlTurns
from handrail.delivery.domain.turns import Lease, TurnChange
from handrail.errors import Refused
from handrail.storage import migrate, open_store
from tests.fakes.feedback_store import DATABASES, a_database

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIMITS = TurnLimits(cooldown_hours=24, most_a_week=3, attempts=3)
LEASE_S = 3.0
DEADLINE_S = 60
# Holds the turn of a trigger, says so in a line, and keeps it until it reads one; or says why not.
HOLDER = """
import sys
from datetime import UTC, datetime
from handrail.delivery import TurnLimits, Turns
from handrail.delivery.adapters.sql_turns import MIGRATIONS, SqlTurns
from handrail.errors import Refused
from handrail.storage import migrate, open_store

url, trigger, lease_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
store = open_store(url)
migrate(store, "delivery_turns", MIGRATIONS)
turns = Turns(SqlTurns(store), TurnLimits(), lambda: datetime(2026, 11, 30, 12, tzinfo=UTC), lease_s)
print("ready", flush=True)
sys.stdin.readline()
try:
    with turns.hold(trigger, automatic=True) as held:
        print("earlier" if held.earlier else "held", flush=True)
        sys.stdin.readline()
        held.finish({"request": trigger})
except Refused as err:
    print("refused", err, flush=True)
else:
    print("ended", flush=True)
"""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with a_database(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def turns(url: str) -> Iterator[Turns]:
    store = open_store(url)
    migrate(store, "delivery_turns", MIGRATIONS)
    yield Turns(SqlTurns(store), LIMITS, lambda: NOW, LEASE_S)
    store.close()


@pytest.fixture
def holder(url: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start processes that hold a turn; they are ready, and begin at a line."""
    started = []

    def start(trigger: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-c", HOLDER, url, trigger, str(LEASE_S)]
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert read(process) == "ready"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize(("left_s", "renewed"), [(60.0, True), (-1.0, False)])
def test_a_lease_that_ended_is_not_renewed_even_if_nobody_took_it(url: str, left_s: float, renewed: bool) -> None:
    store = open_store(url)
    migrate(store, "delivery_turns", MIGRATIONS)
    book = SqlTurns(store)
    book.change(lambda _turns, _lease: TurnChange(take=Lease("one", "here", "schedule:1", left_s)))

    assert book.renew("one", LEASE_S) is renewed
    assert not book.renew("another", LEASE_S)
    store.close()


def test_a_trigger_that_ended_trains_no_second_time(turns: Turns) -> None:
    with turns.hold("drift", automatic=True) as held:
        held.finish({"request": "r1", "at": NOW})

    with turns.hold("drift", automatic=True) as again:
        assert again.earlier == {"request": "r1", "at": str(NOW)}
    (turn,) = turns.known()
    assert (turn.attempts, turn.ended_at) == (1, NOW)


def test_another_trigger_meets_the_cool_down_and_a_person_does_not(turns: Turns) -> None:
    with turns.hold("drift", automatic=True) as held:
        held.finish({})

    with pytest.raises(Refused, match=r"cool-down is 24 hours \(cooldown_hours\): next at 2026-12-01 12:00 UTC"):  # noqa: SIM117
        with turns.hold("rating", automatic=True):
            pass
    with turns.hold("by hand/1", automatic=False) as held:
        assert held.earlier is None
        held.finish({"request": "r2"})


def test_a_failure_keeps_its_sentence_and_the_turn_is_free(turns: Turns) -> None:
    with pytest.raises(ZeroDivisionError), turns.hold("drift", automatic=True):
        raise ZeroDivisionError("no rows")

    (turn,) = turns.known()
    assert (turn.outcome, turn.problem) == (None, "ZeroDivisionError: no rows")
    with turns.hold("drift", automatic=True) as held:
        held.finish({"request": "r1"})
    assert [(each.attempts, each.problem) for each in turns.known()] == [(2, None)]


def test_after_the_last_attempt_somebody_has_to_look(turns: Turns) -> None:
    for _ in range(LIMITS.attempts):
        with pytest.raises(ZeroDivisionError), turns.hold("drift", automatic=True):
            raise ZeroDivisionError("no rows")

    assert turns.left_behind() == []
    with (
        pytest.raises(Refused, match=r"tried 3 times, the limit \(attempts\).*no rows"),
        turns.hold("drift", automatic=True),
    ):
        pass


def test_what_was_refused_before_anything_was_trained_counts_for_nothing(turns: Turns) -> None:
    with turns.hold("drift", automatic=True) as held:
        held.withdraw()

    assert turns.known() == []
    with turns.hold("rating", automatic=True) as held:
        held.finish({"request": "r1"})


def test_of_many_processes_one_trains_and_the_others_say_who_does(
    holder: Callable[[str], subprocess.Popen[str]],
) -> None:
    processes = [holder(f"finding {number}") for number in range(3)]
    for process in processes:
        go_on(process)

    said = [read(process) for process in processes]

    assert sorted(each.split()[0] for each in said) == ["held", "refused", "refused"]
    winner = said.index("held")
    assert all(f"finding {winner} is being trained" in each for each in said if each != "held")
    go_on(processes[winner])
    assert read(processes[winner]) == "ended"


def test_one_trigger_in_many_processes_trains_once(
    holder: Callable[[str], subprocess.Popen[str]], turns: Turns
) -> None:
    processes = [holder("drift") for _ in range(3)]
    for process in processes:
        go_on(process)
    said = [read(process) for process in processes]
    go_on(processes[said.index("held")])

    assert read(processes[said.index("held")]) == "ended"
    assert [each.split()[0] for each in said].count("held") == 1
    late = holder("drift")
    go_on(late)
    assert read(late) == "earlier"
    assert [each.attempts for each in turns.known()] == [1]


def test_a_killed_holder_loses_its_turn_and_the_same_trigger_takes_it_up(
    holder: Callable[[str], subprocess.Popen[str]], turns: Turns
) -> None:
    process = holder("drift")
    go_on(process)
    assert read(process) == "held"
    process.send_signal(signal.SIGKILL)
    process.wait(DEADLINE_S)

    with pytest.raises(Refused, match="drift is being trained"), turns.hold("rating", automatic=True):
        pass
    assert [each.trigger for each in waited(turns.left_behind)] == ["drift"]

    with turns.hold("drift", automatic=True) as held:
        assert held.earlier is None
        held.finish({"request": "r1"})
    assert [(each.trigger, each.attempts) for each in turns.known()] == [("drift", 2)]
    assert turns.left_behind() == []


def test_a_holder_that_works_long_keeps_its_turn(holder: Callable[[str], subprocess.Popen[str]], turns: Turns) -> None:
    process = holder("drift")
    go_on(process)
    assert read(process) == "held"
    until = time.monotonic() + 1.5 * LEASE_S

    def kept() -> bool:
        assert turns.left_behind() == []
        return time.monotonic() > until

    waited(kept)
    go_on(process)
    assert read(process) == "ended"


def test_a_holder_that_slept_asks_for_nothing(holder: Callable[[str], subprocess.Popen[str]], turns: Turns) -> None:
    lost = Turns(turns._book, LIMITS, lambda: NOW - timedelta(days=1), lease_s=1e-6)
    with lost.hold("drift", automatic=True) as slept:
        process = holder("drift")
        go_on(process)
        assert read(process) == "held"

        with pytest.raises(Refused, match="The turn of drift was lost"):
            slept.require()
        slept.finish({"request": "of the one that slept"})
    go_on(process)

    assert read(process) == "ended"
    assert [each.outcome for each in turns.known()] == ['{"request": "drift"}']


def waited(condition: Callable[[], object]) -> list[object]:
    """Wait until a condition holds, and return what it answers."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert found, "the deadline passed"
    return found  # type: ignore[return-value]
