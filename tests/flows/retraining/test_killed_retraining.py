"""SIGKILL at moments of a retraining: another process ends it, nothing is trained twice, one request is open.

The suite tries two moments, `make soak-loop` each. The pipeline is a short one, and the gate a file; MLflow and Prefect
do not run here, so nothing is said about kills of theirs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.fakes.effort import count_of
from tests.fakes.feedback_store import DATABASES, a_database
from tests.fakes.killed_retraining import MOMENTS, lay_out, turns_of

ROOT = Path(__file__).parents[3]
DEADLINE_S = 240
TRIGGER = "finding/drift/2013-09/sha256:1"
SAMPLE = ("fitted", "asked")
"""The moments in the suite; `make soak-loop` tries each, again and again."""
KILLS = count_of(0, "KILLS")
TRIED = [
    (moment, kind, round_)
    for round_ in range(max(KILLS, 1))
    for moment in (MOMENTS if KILLS else SAMPLE)
    for kind in (DATABASES if KILLS else ("sqlite",))
]


def run(folder: Path, url: str, die_at: str = "") -> int:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "plugins"), str(ROOT))),
        "HANDRAIL_PROJECT": str(folder / "project"),
        "HANDRAIL_HOME": str(folder / "home"),
        "DVC_NO_ANALYTICS": "1",
    }
    command = [sys.executable, "-m", "tests.fakes.killed_retraining", str(folder), url, TRIGGER, die_at]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=DEADLINE_S).returncode


@pytest.mark.parametrize(("moment", "kind", "round_"), TRIED)
def test_a_killed_retraining_is_taken_up_and_trains_nothing_twice(
    moment: str, kind: str, round_: int, tmp_path: Path
) -> None:
    lay_out(tmp_path)
    with a_database(kind, tmp_path) as url:
        assert run(tmp_path, url, moment) == -signal.SIGKILL, round_
        turns = turns_of(url)
        if moment != "ended":
            deadline = time.monotonic() + DEADLINE_S
            while not (left := turns.left_behind()) and time.monotonic() < deadline:
                threading.Event().wait(0.1)
            assert [each.trigger for each in left] == [TRIGGER]
            assert run(tmp_path, url) == 0
        assert run(tmp_path, url) == 0

        (turn,) = turns.known()
        assert (turn.outcome, turn.attempts) == ('{"request": "3\\n"}', 1 if moment == "ended" else 2)
        turns._book._store.close()  # type: ignore[attr-defined]
    assert (tmp_path / "ran").read_text().split() == ["prepare", "fit"]
    assert (tmp_path / "asked").read_text() == "3\n"
