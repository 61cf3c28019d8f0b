"""The question of a project reads as a person would ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handrail.errors import InvalidInput
from handrail.scaffold.draft import Draft
from handrail.scaffold.inspecting import inspect
from handrail.scaffold.options import Options, take_guesses


def _looked_at(place: Path, subject: str = "order_id", words: tuple[str, str] = ("yes", "no"), **flags: Any) -> Draft:
    rows = [f"x{number},{number % 7},{words[number % 5 > 0]}" for number in range(300)]
    table = place / "table.csv"
    table.write_text("\n".join([f"{subject},pieces,broken", *rows]), encoding="utf-8")
    (place / "place").mkdir()
    options = Options(label="broken", name="shop", **flags)
    return inspect(table, options, place / "place", take_guesses, lambda *_: None).draft


@pytest.mark.parametrize(
    ("subject", "question"),
    [("order_id", "Will 'broken' of an order be yes?"), ("parcel_id", "Will 'broken' of a parcel be yes?")],
)
def test_the_article_fits_the_word(tmp_path: Path, subject: str, question: str) -> None:
    assert _looked_at(tmp_path, subject).question == question


@pytest.mark.parametrize("positive", ["No", "no", "false"])
def test_the_positive_value_is_named_as_the_file_writes_it_or_as_a_truth(tmp_path: Path, positive: str) -> None:
    draft = _looked_at(tmp_path, words=("Yes", "No"), positive=positive)

    assert (draft.positive, draft.negative, draft.question) == ("No", "Yes", "Will 'broken' of an order be No?")
    assert "'No' in 'broken' is stored as true, and 'Yes' as false." in draft.notes


def test_values_that_are_truths_already_need_no_word_about_it(tmp_path: Path) -> None:
    draft = _looked_at(tmp_path, words=("TRUE", "FALSE"), positive="True")

    assert (draft.positive, draft.negative) == ("TRUE", "FALSE")
    assert not [note for note in draft.notes if "stored as" in note]


def test_a_value_that_the_label_does_not_have_brings_the_words_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no value 'maybe'\. Write 'Yes' or 'No'\.|Write 'No' or 'Yes'\."):
        _looked_at(tmp_path, words=("Yes", "No"), positive="maybe")
