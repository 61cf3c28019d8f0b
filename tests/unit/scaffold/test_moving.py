"""Where windows move to when a table grows: all by as much, so that each keeps its length and training grows."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handrail.scaffold.moving import Params, moved
from handrail.use_case import UseCase


def _case(zone="UTC", replay=True):
    live = {"until": "2022-01-01T00:00:00Z", "outcomes_until": "2022-01-05T00:00:00Z"}
    return UseCase.model_validate(
        {
            "version": 1,
            "name": "orders",
            "question": "How many?",
            "subject": {"column": "order_id", "one": "order", "many": "orders"},
            "time": {"known": "known_at", "zone": zone},
            "label": {"column": "pieces", "kind": "count"},
            "request": {"order_id": {"type": "text"}},
            "features": {"default": "all", "sets": {"all": "orders_v1"}},
            "metrics": {"main": "rmse", "margin": 0.1},
            "replay": live if replay else None,
        }
    )


def _params(train="2021-07-01", validate="2021-09-01", live="2021-09-01T00:00:00Z"):
    windows = {"train": {"from": "2021-01-01", "until": train}, "validate": {"from": train, "until": validate}}
    return Params.model_validate({"as_of": live, "go_live": live, "model": {"seed": 0}, **windows})


def _end(year, month, day):
    event = datetime(year, month, day, 12, tzinfo=UTC)
    return event, event + timedelta(days=1)


FORMER = date(2022, 1, 1)


def test_windows_at_starts_of_months_move_by_whole_months():
    move = moved(_params(), _case(), FORMER, _end(2022, 2, 28))

    assert move.by == "2 months"
    assert move.params == {
        "as_of": datetime(2021, 11, 1, tzinfo=UTC),
        "go_live": datetime(2021, 11, 1, tzinfo=UTC),
        "train": {"from": date(2021, 1, 1), "until": date(2021, 9, 1)},
        "validate": {"from": date(2021, 9, 1), "until": date(2021, 11, 1)},
    }
    assert move.replay["until"] == datetime(2022, 3, 1, tzinfo=UTC)
    assert move.replay["outcomes_until"] == datetime(2022, 3, 6, tzinfo=UTC)


def test_other_windows_move_by_days():
    move = moved(_params("2021-07-05"), _case(), FORMER, _end(2022, 1, 20))

    assert move.by == "20 days"
    assert move.params["train"]["until"] == date(2021, 7, 25)
    assert move.params["go_live"] == datetime(2021, 9, 21, tzinfo=UTC)


def test_less_than_a_month_moves_nothing_that_starts_with_one():
    assert moved(_params(), _case(), FORMER, _end(2022, 1, 20)) is None
    assert moved(_params(), _case(), FORMER, _end(2021, 12, 31)) is None


def test_midnights_stay_midnights_of_the_zone_when_clocks_change():
    live = "2021-09-01T04:00:00Z"

    move = moved(_params(live=live), _case("America/New_York"), FORMER, _end(2022, 3, 31))

    assert move.by == "3 months"
    assert move.params["go_live"] == datetime(2021, 12, 1, 5, tzinfo=UTC)


def test_without_a_replay_none_moves():
    assert moved(_params(), _case(replay=False), FORMER, _end(2022, 1, 31)).replay is None


@given(st.dates(date(2021, 3, 1), date(2021, 8, 1)), st.integers(2, 60), st.integers(1, 900))
def test_each_window_keeps_its_place_after_the_others(train, length, grown):
    until = train + timedelta(days=length)
    live = f"{until}T00:00:00Z"
    last = FORMER + timedelta(days=grown - 1)

    move = moved(_params(str(train), str(until), live), _case(), FORMER, _end(last.year, last.month, last.day))

    if move is not None:
        found = move.params
        assert found["train"]["until"] == found["validate"]["from"] > train
        assert found["validate"]["until"] == found["go_live"].date() == found["as_of"].date()
        assert found["validate"]["from"] < found["validate"]["until"] < move.replay["until"].date()
