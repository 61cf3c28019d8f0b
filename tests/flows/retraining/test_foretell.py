"""What a challenger says before the outcome: which rows, in which file, and what is wrong with a table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.steps.release.promote import TREE, Registered
from flows.steps.retraining.foretell import foretell
from handrail.errors import Misconfigured, Unavailable
from handrail.scoring import Scorer
from handrail.settings import Settings
from tests.fakes.permitted_tree import write_tree

ROOT = Path(__file__).parents[3]
REGISTERED = Registered("flights", 3, "run-1", f"sha256:{'a' * 64}")
ROWS = {
    "flight_id": ["b", "a", "c"],
    "carrier": ["AA", "UA", "AA"],
    "minute_of_day": [600.0, 700.0, 800.0],
    "temp": [50.0, 60.0, 70.0],
    "distance_miles": [1000.0, 500.0, 100.0],
}


class Gate:
    """Keeps what was committed."""

    def __init__(self) -> None:
        self.committed: list[tuple[str, int, bytes]] = []

    def commit_predictions(self, model: str, version: int, predictions: Path) -> dict[str, Any]:
        """Keep the file's bytes."""
        self.committed.append((model, version, predictions.read_bytes()))
        return {"predictions": "sha256:1", "tree_digest": REGISTERED.tree_digest, "at": "2026-01-01T00:00:00+00:00"}


class ShadowDesk:
    """A desk as far as it commits predictions."""

    def __init__(self, project: Path) -> None:
        self.settings, self.gate = Settings(project=project, home=project / "home"), Gate()


@pytest.fixture
def desk(tmp_path: Path) -> ShadowDesk:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    write_tree(tmp_path / TREE)
    return ShadowDesk(tmp_path)


def _name_table(desk: ShadowDesk, said: str = "shadow: {rows: upcoming.parquet}") -> None:
    file = desk.settings.config / "monitoring.yaml"
    file.write_text(f"{file.read_text()}\n{said}\n")


def _foretell(desk: Any) -> dict[str, Any] | None:
    return foretell(desk, desk.settings.project, REGISTERED)


def test_without_a_table_nothing_is_foretold(desk: ShadowDesk) -> None:
    assert _foretell(desk) is None
    assert desk.gate.committed == []


def test_what_the_version_says_is_committed_by_subject(desk: ShadowDesk) -> None:
    _name_table(desk)
    pl.DataFrame(ROWS).write_parquet(desk.settings.project / "upcoming.parquet")

    answer = _foretell(desk)
    again = _foretell(desk)

    (first, second) = desk.gate.committed
    assert first == second
    assert answer == again
    assert answer is not None
    assert answer["rows"] == 3
    assert first[:2] == ("flights", 3)
    said = pl.read_parquet(first[2])
    scorer = Scorer.load(desk.settings.project / TREE)
    ordered = pl.DataFrame(ROWS).sort("flight_id")
    expected = scorer.answer({name: ordered[name].to_list() for name in scorer.features}).score
    assert said.columns == ["flight_id", "score"]
    assert said["flight_id"].to_list() == ["a", "b", "c"]
    assert said["score"].to_list() == pytest.approx(expected.tolist())


def test_rows_with_an_outcome_are_left_out(desk: ShadowDesk) -> None:
    _name_table(desk)
    label = _label(desk)
    pl.DataFrame(ROWS | {label: [1, None, 0]}).write_parquet(desk.settings.project / "upcoming.parquet")

    _foretell(desk)

    assert pl.read_parquet(desk.gate.committed[0][2])["flight_id"].to_list() == ["a"]


def _label(desk: ShadowDesk) -> str:
    from handrail.use_case import read_use_case

    return read_use_case(desk.settings.project).label.column


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows, _label: rows.drop("temp"), "lacks temp"),
        (lambda rows, _label: rows.drop("flight_id"), "lacks flight_id"),
        (lambda rows, _label: rows.clear(), "no row without an outcome"),
        (lambda rows, label: rows.with_columns(pl.lit(1).alias(label)), "no row without an outcome"),
    ],
)
def test_a_table_that_cannot_be_foretold_is_named(desk: ShadowDesk, change: Any, words: str) -> None:
    _name_table(desk)
    change(pl.DataFrame(ROWS), _label(desk)).write_parquet(desk.settings.project / "upcoming.parquet")

    with pytest.raises(Unavailable, match=words):
        _foretell(desk)
    assert desk.gate.committed == []


@pytest.mark.parametrize("content", [None, b"", b"late,1\n"])
def test_a_table_that_is_not_there_or_no_table_is_named(desk: ShadowDesk, content: bytes | None) -> None:
    _name_table(desk)
    if content is not None:
        (desk.settings.project / "upcoming.parquet").write_bytes(content)

    with pytest.raises(Unavailable, match="cannot be read as Parquet"):
        _foretell(desk)


@pytest.mark.parametrize("said", ["shadow: {}", "shadow: {row: x}", "shadow: {rows: ''}", "shadow: x"])
def test_a_mistake_in_the_settings_is_named(desk: ShadowDesk, said: str) -> None:
    _name_table(desk, said)

    with pytest.raises(Misconfigured, match="shadow"):
        _foretell(desk)
