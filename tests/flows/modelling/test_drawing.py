from __future__ import annotations

from pathlib import Path

from flows.steps.modelling import drawing
from flows.steps.modelling.drawing import draw_bars, shown

BAR = {"value": 0.6, "low": 0.5, "high": 0.7}


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        draw_bars("title", "label", {"a": BAR}, tmp_path / name / "bars.png")

    assert (tmp_path / "first" / "bars.png").read_bytes() == (tmp_path / "second" / "bars.png").read_bytes()


def test_names_that_a_formula_or_the_font_would_stumble_over_are_drawn(tmp_path: Path) -> None:
    bars = dict.fromkeys((r"$\frac$ per $", "🚲 bike", "SELECT * FROM", "x" * 500), BAR)

    draw_bars("by $price and $cost", "$", bars, tmp_path / "bars.png")

    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    assert len(shown("x" * 500)) == drawing.LONGEST


def test_bars_are_cut_only_where_all_are_longer(tmp_path: Path) -> None:
    pictures = {}
    for name, bars, cut in (
        ("whole", {"a": BAR}, None),
        ("cut", {"a": BAR}, 0.4),
        ("short", {"a": BAR | {"low": 0.3}}, None),
        ("short and cut", {"a": BAR | {"low": 0.3}}, 0.4),
    ):
        draw_bars("title", "label", bars, tmp_path / f"{name}.png", cut=cut)
        pictures[name] = (tmp_path / f"{name}.png").read_bytes()

    assert pictures["whole"] != pictures["cut"]
    assert pictures["short"] == pictures["short and cut"]
