"""The days kept for a rollout: who answers is asked over HTTP, outcomes name the subject, and a stop loses nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from flows.steps.replay.bento import Answer
from flows.steps.replay.beside import KeptDays
from flows.steps.replay.log import ReplayLog
from flows.steps.replay.plan import KEPT, days_before, kept_days, replayed_days
from handrail.clock import EventClock
from handrail.errors import Conflict, Unavailable
from handrail.use_case import read_use_case
from tests.fakes.replay import RememberingBento, RememberingStore

CASE = read_use_case(Path(__file__).parents[3])
CHAMPION = "deploy://local/flights/v1-abc"
DAY = date(2013, 12, 20)
NOON = datetime(2013, 12, 20, 17, tzinfo=UTC)


class SlottedBento(RememberingBento):
    """Answers with the slot `slot`, and counts how often it was asked."""

    slot = "champion"
    asked = 0

    def predict(self, hour, items):
        super().predict(hour, items)
        self.asked += 1
        found = [{"prediction_id": str(item["flight_id"]), "slot": self.slot} for item in items]
        if self.asked >= 3:
            self.slot = "v2"
        return Answer({"deployment": self.deployment, "predictions": found}, 0, 5.0)


def rows(count=40):
    at = [NOON + timedelta(minutes=7 * each) for each in range(count)]
    return pl.DataFrame(
        {
            "flight_id": [f"2013-12-20:AA:{each}:1000:JFK" for each in range(count)],
            "carrier": ["AA"] * count,
            "origin": ["JFK"] * count,
            "dest": ["LAX"] * count,
            "tailnum": ["N1"] * count,
            "flight": list(range(1, count + 1)),
            "sched_dep_ts": [moment + timedelta(hours=2) for moment in at],
            "sched_arr_ts": [moment + timedelta(hours=7) for moment in at],
            "distance": [500.0] * count,
            "event_timestamp": at,
            "arr_known_ts": [moment + timedelta(hours=8) for moment in at],
            "day": [DAY] * count,
            "late": [each % 2 for each in range(count)],
        }
    )


@pytest.fixture
def live(tmp_path):
    feedback = SimpleNamespace(
        kind=lambda _: SimpleNamespace(maturity_window=timedelta(hours=36)), find_prediction=lambda _: None
    )
    return KeptDays(
        case=CASE,
        deployment=CHAMPION,
        rows=rows(),
        clock=EventClock(tmp_path / "now"),
        feedback=feedback,
        store=RememberingStore(),
        bento=SlottedBento(CHAMPION),
        log=ReplayLog(tmp_path / "log"),
        written_until=NOON - timedelta(days=9),
    )


def test_a_day_is_asked_hour_by_hour_until_its_outcomes_are_mature(live):
    assert live.play([DAY]) == 40

    last = NOON.replace(hour=21)
    assert len(live.bento.predicted) == 40
    assert live.clock() == last + timedelta(hours=37)
    assert live.store.spans[0] == (NOON - timedelta(days=9), NOON)
    assert live.is_played([DAY])


def test_every_outcome_names_the_subject_and_no_prediction(live):
    live.play([DAY])

    events = list(live.bento.events)
    assert len(events) >= 38
    assert all(any(str(value).startswith("2013-12-20:AA") for value in event) for event in events)
    assert not any("ground_truth" not in event for event in events)


def test_a_stop_in_the_middle_is_gone_on_from(live):
    live.bento.fails_at = NOON + timedelta(hours=2)
    with pytest.raises(Unavailable):
        live.play([DAY])
    assert not live.is_played([DAY])

    live.play([DAY])

    asked = live.bento.asked
    live.play([DAY])
    assert live.bento.asked == asked
    assert len(live.bento.predicted) == 40


def test_another_champion_meanwhile_stops_it(live):
    live.bento.deployment = "deploy://local/flights/v9-abc"

    with pytest.raises(Conflict, match="v9-abc"):
        live.play([DAY])


def test_it_waits_until_the_challenger_answers_its_subjects(live):
    live.await_answers_of("v2", [DAY], lambda subject: "v2" if subject.endswith(":3:1000:JFK") else "champion")

    assert live.bento.asked == 4
    assert {name for _, name in live.bento.predicted} == {"2013-12-20:AA:3:1000:JFK"}
    assert live.clock() == NOON - timedelta(hours=1)


def test_without_a_subject_of_the_challenger_nothing_is_waited_for(live):
    live.await_answers_of("v2", [DAY], lambda _: "champion")

    assert live.bento.asked == 0


def test_a_day_without_rows_is_nothing_to_play(live):
    empty = replace(live, rows=live.rows.clear())

    assert (empty.hours([DAY]), empty.play([DAY]), empty.is_played([DAY])) == ([], 0, True)


def test_days_are_kept_near_the_end_of_a_long_time_and_never_replayed():
    days = pl.Series([date(2013, 8, 1) + timedelta(days=each) for each in range(153)])

    kept = kept_days(days)

    assert len(kept) == len(KEPT) == 8
    assert (kept[0], kept[-1]) == (date(2013, 12, 17), date(2013, 12, 29))
    assert kept == tuple(sorted(kept))
    assert not set(kept) & set(replayed_days(days_before(days, kept), 10))
    assert kept_days(days.head(60)) == ()
    assert days_before(days, ()).equals(days)
