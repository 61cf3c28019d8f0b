from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.steps.replay.log import Position, ReplayLog
from flows.steps.replay.plan import SimulatedHour
from flows.steps.replay.run import Actors, figures, replay, run, sampled_hours
from flows.steps.replay.truth import OutcomeReport
from handrail.clock import EventClock
from handrail.errors import Conflict, Misconfigured, Unavailable
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.replay import RememberingBento, RememberingStore

CASE = read_use_case(Path(__file__).parents[3])
START = datetime(2013, 8, 8, 9, tzinfo=UTC)
DEPLOYMENT = "deploy://local/flights/abc"
POSITION = Position(DEPLOYMENT, ("2013-08-08",), None, None)


def hour(number: int, items: int = 0, reports: int = 0) -> SimulatedHour:
    at = START + timedelta(hours=number)
    return SimulatedHour(
        at,
        tuple({"flight_id": f"{number}:{each}"} for each in range(items)),
        tuple(OutcomeReport(f"0:{each}", START, 1.0, 0, at, at) for each in range(reports)),
    )


HOURS = [hour(0, 2), hour(1, 5), hour(2, 1), hour(3), hour(30, reports=2), hour(31, 3, reports=1)]


class Stage:
    """A replay's actors in one place."""

    def __init__(self, folder: Path, fails_at: datetime | None = None) -> None:
        self.clock = EventClock(folder / "now")
        self.store = RememberingStore()
        self.bento = RememberingBento(DEPLOYMENT, fails_at)
        self.log = ReplayLog(folder)
        self.seen: list[tuple[int, int]] = []

    def play(self, start: Position = POSITION) -> None:
        actors = Actors(CASE, self.clock, self.store, self.bento, self.log)
        run(actors, HOURS, start, lambda done, total, _what: self.seen.append((done, total)))


def test_each_hour_is_played_once_and_in_order(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    stage.play()

    assert len(stage.bento.predicted) == 11
    assert len(stage.bento.events) == 3
    assert stage.seen == [(number, len(HOURS)) for number in range(1, len(HOURS) + 1)]
    assert stage.clock() == HOURS[-1].at


def test_features_are_written_up_to_the_hour_before_its_batch(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    stage.play()

    at = [HOURS[number].at for number in (0, 1, 2, 5)]
    assert stage.store.spans == list(zip([None, *at[:3]], at, strict=True))


def test_a_stopped_replay_goes_on_and_ends_with_the_same_figures(tmp_path: Path) -> None:
    whole, stopped = Stage(tmp_path / "whole"), Stage(tmp_path / "stopped", fails_at=HOURS[2].at)
    whole.play()

    with pytest.raises(Unavailable):
        stopped.play()
    before = len(stopped.seen)
    stopped.play()

    assert before == 2
    assert stopped.bento.predicted == whole.bento.predicted
    assert stopped.bento.events == whole.bento.events
    assert figures(HOURS, stopped.log, CASE) == figures(HOURS, whole.log, CASE)
    assert stopped.store.forgotten == 1


def test_a_finished_replay_does_nothing_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.play()
    spans = list(stage.store.spans)

    stage.play()

    assert stage.store.spans == spans
    assert len(stage.seen) == len(HOURS)


def test_another_deployment_starts_again_without_rows_of_the_future(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.play()
    stage.bento.deployment = "deploy://local/flights/def"

    stage.play(Position("deploy://local/flights/def", POSITION.days, None, None))

    assert stage.store.forgotten == 2
    assert stage.store.spans[4] == (None, HOURS[0].at)


def test_a_bento_of_another_deployment_stops_the_replay(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.bento.deployment = "deploy://local/flights/other"

    with pytest.raises(Conflict, match="deploy://local/flights/other"):
        stage.play()


def test_online_features_are_kept_for_the_largest_batch_of_each_day(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    stage.play()

    assert sampled_hours(HOURS) == {HOURS[1].at, HOURS[5].at}
    assert [len(entry["subjects"]) for entry in stage.log.online()] == [5, 3]


def test_without_replay_mode_nothing_starts(tmp_path: Path) -> None:
    settings = Settings(project=tmp_path, home=tmp_path)

    with pytest.raises(Misconfigured, match="HANDRAIL_REPLAY"):
        replay(settings)
