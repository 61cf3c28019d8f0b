"""What `retrain` and `wake` do about turns, with a store and without a Prefect server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import prefect.deployments
import pytest
from prefect.runtime import flow_run

from flows.steps import tasks, turn_tasks
from handrail.bootstrap import open_platform
from handrail.bootstrap.delivery import open_turns
from handrail.delivery import TurnLimits
from handrail.settings import Settings

ASKED = {"month": "2013-09", "account": "author"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = Settings(project=tmp_path / "project", home=tmp_path / "home")
    monkeypatch.setattr(tasks, "in_clone", lambda: made)
    return made


def known(settings: Settings) -> list[tuple[str, bool]]:
    with open_platform(settings) as platform:
        return [(each.trigger, each.automatic) for each in open_turns(platform, TurnLimits()).known()]


def test_a_finding_is_its_own_trigger_and_trains_once(settings: Settings) -> None:
    with turn_tasks.turn_to_train("finding/drift/2013-09/1", ASKED) as turn:
        turn.finish({"request": "r1"})

    with turn_tasks.turn_to_train("finding/drift/2013-09/1", ASKED) as again:
        assert again.earlier == {"request": "r1"}
    assert known(settings) == [("finding/drift/2013-09/1", True)]


def test_a_schedule_is_a_trigger_for_each_of_its_moments(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: datetime(2026, 12, 4, 7, tzinfo=UTC))

    with turn_tasks.turn_to_train("schedule", ASKED) as turn:
        turn.finish({"request": "r1"})

    assert known(settings) == [("schedule/2026-12-04T07:00Z", True)]


def test_a_person_who_asks_twice_trains_twice(settings: Settings) -> None:
    for _ in range(2):
        with turn_tasks.turn_to_train(None, ASKED) as turn:
            assert turn.earlier is None
            turn.finish({"request": "r1"})

    assert [automatic for _, automatic in known(settings)] == [False, False]


def test_what_a_killed_run_left_is_started_again_once_an_attempt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(prefect.deployments, "run_deployment", lambda name, **how: started.append((name, how)))
    with pytest.raises(ZeroDivisionError), turn_tasks.turn_to_train("finding/drift/2013-09/1", ASKED):
        raise ZeroDivisionError

    said = turn_tasks.take_up_turns()

    assert said == ["finding/drift/2013-09/1 was left after attempt 1: another run takes it up."]
    ((name, how),) = started
    assert name == "retrain/retrain"
    assert how["parameters"] == {"parameters": ASKED | {"trigger": "finding/drift/2013-09/1"}}
    assert how["idempotency_key"] == "finding/drift/2013-09/1/1"


def test_nothing_left_starts_nothing(settings: Settings) -> None:
    with turn_tasks.turn_to_train("finding/drift/2013-09/1", ASKED) as turn:
        turn.finish({"request": "r1"})

    assert turn_tasks.take_up_turns() == []
    assert settings.home.is_dir()
