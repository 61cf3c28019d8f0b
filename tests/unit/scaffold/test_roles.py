"""What columns are for: what is guessed of a table, what is suggested, and what is refused instead of guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.draft import Draft
from handrail.scaffold.inspecting import inspect
from handrail.scaffold.options import Options, take_guesses
from tests.fakes.tables import ROWS, shop, write_csv

Look = Callable[..., Draft]
START = datetime(2021, 1, 1)


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Look at a table that has these columns too, or instead; return what was understood."""

    def do(columns: Mapping[str, Sequence[str]], **flags: Any) -> Draft:
        table = write_csv(tmp_path / "shop.csv", shop() | columns)
        (tmp_path / "place").mkdir()
        options = Options(label="returned", name="shop", **flags)
        return inspect(table, options, tmp_path / "place", take_guesses, lambda *_: None).draft

    return do


def _moments(days: int, blanks: int = 0, every: int = 1) -> list[str]:
    """Return a moment for each row, from that many days after the year began on; the first rows have none."""
    found = [(START + timedelta(days=days + number // every % 300)).isoformat() for number in range(ROWS)]
    return [""] * blanks + found[blanks:]


def test_the_earliest_moments_are_refused_when_some_are_blank_and_no_other_column_is_guessed(look: Look) -> None:
    with pytest.raises(InvalidInput) as caught:
        look({"booked": _moments(-30, blanks=3)})

    assert str(caught.value) == (
        "--time: 'booked' is empty in 3 rows. "
        "Fill it, leave the rows out, give another column with --time, or write --time none."
    )


def test_a_named_time_is_taken_beside_blank_moments(look: Look) -> None:
    draft = look({"booked": _moments(-30, blanks=3)}, time="ordered")

    assert draft.time is not None
    assert draft.time.name == "ordered"


def test_moments_that_most_rows_lack_are_passed_over_and_named(look: Look) -> None:
    draft = look({"called": _moments(-200, blanks=ROWS - 50)})

    assert draft.time is not None
    assert draft.time.name == "ordered"
    assert [note for note in draft.notes if "'called' is passed over, as it is empty in 350 rows." in note]


def test_moments_in_the_future_are_passed_over_and_named(look: Look) -> None:
    draft = look({"due": [*_moments(-30)[:-1], "2999-01-01T00:00:00"]})

    assert draft.time is not None
    assert draft.time.name == "ordered"
    assert [note for note in draft.notes if "'due' is passed over, as it lies in the future, up to 2999-01-01." in note]


def test_later_moments_with_blanks_are_not_in_the_way(look: Look) -> None:
    draft = look({"called": _moments(30, blanks=9)})

    assert draft.time is not None
    assert draft.time.name == "ordered"
    assert not [note for note in draft.notes if "passed over" in note]


def _reason(draft: Draft, name: str) -> str:
    return next(reason for column, reason in draft.left_out if column.name == name)


def _after(hours: Sequence[int]) -> list[str]:
    """Return moments so many hours after each order."""
    ordered = map(datetime.fromisoformat, shop()["ordered"])
    return [(each + timedelta(hours=hours[n % len(hours)])).isoformat() for n, each in enumerate(ordered)]


@pytest.mark.parametrize(
    ("hours", "length"), [((30, 470, 99), "1 to 20 days"), ((1, 5), "1 to 5 hours"), ((0, 30, 48), "0 to 2 days")]
)
def test_moments_after_the_event_are_offered_as_when_the_label_is_known(
    look: Look, hours: tuple[int, ...], length: str
) -> None:
    draft = look({"arrived": _after(hours)}, time="ordered")

    assert _reason(draft, "arrived").startswith(
        f"it lies {length} after 'ordered', when nobody knows it yet: with --known-at it says when the label is known"
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"arrived": ["", *_after([30])[1:]]},
        {"arrived": _after([30] * (ROWS - 1) + [-1])},
        {"arrived": [*_after([30])[:-1], "2999-01-01T00:00:00"]},
        {"arrived": _after([30]), "known": _after([40])},
    ],
    ids=["blank", "one before", "one in the future", "another one is taken"],
)
def test_moments_that_known_at_would_refuse_are_not_offered(look: Look, columns: dict[str, list[str]]) -> None:
    draft = look(columns, time="ordered")

    assert _reason(draft, "arrived").startswith("it mostly lies after 'ordered', when nobody knows it yet; ")


def test_texts_that_come_again_often_are_suggested_as_entities_and_not_taken(look: Look) -> None:
    columns = {
        "the agency": [f"a{number % 20}" for number in range(ROWS)],
        "street": [f"s{number % 21}" for number in range(ROWS)],
    }

    draft = look(columns)

    assert [column.name for column in draft.entities] == ["buyer_id"]
    assert (
        "The values of 'the agency' come again often: with --entity 'the agency' what happened before to the same "
        "is a feature."
    ) in draft.notes
    assert not [note for note in draft.notes if "'street'" in note or "'colour'" in note]


@pytest.mark.parametrize(
    "names",
    [["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ["january", "february", "march", "april", "may", "june"]],
)
def test_days_and_months_are_not_suggested_as_entities(look: Look, names: list[str]) -> None:
    draft = look({"part": [names[number % len(names)] for number in range(ROWS)]})

    assert not [note for note in draft.notes if "'part'" in note]


def test_nothing_is_suggested_to_somebody_who_named_entities(look: Look) -> None:
    draft = look({"agency": [f"a{number % 20}" for number in range(ROWS)]}, entities=("buyer_id",))

    assert not [note for note in draft.notes if "come again often" in note]
