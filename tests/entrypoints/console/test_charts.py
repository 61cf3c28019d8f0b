"""Coordinates of the small pictures."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handrail.entrypoints.console.charts import WIDTH, Scale, bars, interval, lanes, scale_around

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(FINITE, min_size=1, max_size=5), st.booleans(), st.booleans())
def test_every_value_lies_inside_the_picture_and_better_is_to_the_right(values, zero, lower):
    scale = scale_around(values, zero=zero, better_is_lower=lower)

    places = [scale.x(value) for value in sorted(values)]

    assert all(0 <= place <= WIDTH for place in places)
    assert places == sorted(places, reverse=lower)


def test_nothing_known_still_gives_a_scale():
    assert 0 <= scale_around([None, float("nan")]).x(0.5) <= WIDTH


def test_zero_is_in_the_middle_of_a_scale_of_differences():
    assert scale_around([-0.01, 0.03], zero=True).x(0) == WIDTH / 2


def test_what_a_rule_refuses_is_on_the_side_that_the_rule_names():
    scale = Scale(0.0, 1.0)

    below = interval(scale, 0.6, 0.5, 0.7, limit=0.4, forbidden="below", label="")
    above = interval(scale, 0.6, 0.5, 0.7, limit=0.4, forbidden="above", label="")

    assert below.off[0] < below.limit == round(below.off[0] + below.off[1], 1)
    assert above.off[0] == above.limit


def test_an_interval_is_drawn_from_left_to_right_on_a_turned_scale_too():
    drawn = interval(Scale(1.0, 0.0), 0.6, 0.5, 0.7, label="")

    assert drawn.low < drawn.x < drawn.high
    assert drawn.line.startswith(f"M{drawn.low} ")


def test_a_value_without_an_interval_has_no_line():
    assert interval(Scale(0.0, 1.0), 0.5, None, None, label="").line == ""


def test_each_version_of_an_alias_has_its_lane_and_each_move_the_same_width():
    start = datetime(2026, 11, 28, 21, 53, 26, tzinfo=UTC)
    moves = [(f"flights {version}", start + timedelta(hours=n), "by request") for n, version in enumerate((1, 3, 1))]

    picture = lanes(moves)

    assert [name for _, name in picture.names] == ["flights 1", "flights 3"]
    widths = [each.to - each.x for each in picture.stretches]
    assert max(widths) - min(widths) < 0.5
    assert picture.stretches[0].y == picture.stretches[2].y > picture.stretches[1].y
    assert len(picture.jumps) == 2


def test_a_bar_is_as_high_as_what_is_mature_and_filled_as_far_as_it_is_known():
    first, second = bars([("2013-08", 200, 100, 50), ("2013-09", 0, 0, 0)])

    assert (first.mature_height, first.known_height) == (70, 35)
    assert first.mature_y + first.mature_height == first.known_y + first.known_height == 160
    assert (second.mature_height, second.known_height) == (0, 0)
    assert first.x + first.width < second.x
    assert bars([]) == ()
