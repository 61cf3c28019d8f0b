"""The question of a project reads as a person would ask it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handrail.scaffold.inspecting import inspect
from handrail.scaffold.options import Options, take_guesses


@pytest.mark.parametrize(
    ("subject", "question"),
    [("order_id", "Will 'broken' of an order be true?"), ("parcel_id", "Will 'broken' of a parcel be true?")],
)
def test_the_article_fits_the_word(tmp_path: Path, subject: str, question: str) -> None:
    rows = [f"x{number},{number % 7},{'yes' if number % 5 == 0 else 'no'}" for number in range(300)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join([f"{subject},pieces,broken", *rows]), encoding="utf-8")
    (tmp_path / "place").mkdir()

    seen = inspect(table, Options(label="broken", name="shop"), tmp_path / "place", take_guesses, lambda *_: None)

    assert seen.draft.question == question
