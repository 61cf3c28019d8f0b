"""What a model must do: of a small tree whose answers grow with temperature and distance, and know no carrier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows.steps.modelling.behaviour import FILE, REPORT, ROWS, TREE, Behaviour, as_markdown, check_behaviour, main
from handrail.config import read_config
from tests.fakes.permitted_tree import write_tree

ROOT = Path(__file__).parents[3]
WANTED: dict[str, Any] = {
    "version": 1,
    "golden": {"file": "config/golden.csv", "within": 0.01, "most_moved": 0.05},
    "least": [{"says": "hot days are late", "where": {"temp": [90, 120]}, "at_least": 0.6}],
    "changes": [
        {"says": "carriers are alike", "become": {"carrier": "UA"}, "score": "same"},
        {"says": "heat delays", "add": {"temp": 10.0}, "score": "not lower"},
    ],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_tree(tmp_path / TREE, weights=(0.01, 0.001))
    (tmp_path / ROWS).parent.mkdir(parents=True)
    rows = {"carrier": ["AA", "UA"] * 200, "minute_of_day": [600] * 400, "temp": [float(n % 120) for n in range(400)]}
    pl.DataFrame(rows | {"distance_miles": [float(n) for n in range(400)]}).write_parquet(tmp_path / ROWS)
    (tmp_path / "config").mkdir()
    describe(tmp_path)
    assert main([str(tmp_path), "--keep"]) == 0
    return tmp_path


def describe(project: Path, **changed: Any) -> None:
    (project / FILE).write_text(yaml.safe_dump(WANTED | changed))


def failed(project: Path) -> list[str]:
    report = check_behaviour(project)
    assert report is not None
    assert json.loads((project / REPORT).read_text()) == report
    return [check["says"] for check in report["checks"] if not check["holds"]]


def test_the_model_that_was_kept_does_what_it_must(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(project) == []
    assert main([str(project)]) == 0
    assert "4 of 4 hold" in capsys.readouterr().out


def test_a_model_that_answers_otherwise_is_noticed(project: Path) -> None:
    for file in (project / TREE).rglob("*.*"):
        file.unlink()
    (project / TREE / "onnx").rmdir()
    (project / TREE / "MLmodel").unlink(missing_ok=True)
    write_tree(project / TREE, weights=(-0.01, 0.001))

    assert failed(project) == [
        "answers of the golden set stay within 0.01 of the champion's",
        "hot days are late",
        "heat delays",
    ]
    assert main([str(project)]) == 1


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({"least": [{"says": "far is late", "where": {"carrier": ["AA"]}, "at_least": 0.99}]}, ["far is late"]),
        ({"least": [{"says": "nobody", "where": {"temp": [500, 501]}, "at_most": 0.9}]}, ["nobody"]),
        ({"changes": [{"says": "heat is nothing", "add": {"temp": 10.0}, "score": "same"}]}, ["heat is nothing"]),
        ({"changes": [{"says": "heat helps", "add": {"temp": 10.0}, "score": "not higher"}]}, ["heat helps"]),
        ({"changes": [{"says": "unknown", "add": {"fog": 1.0}, "score": "same"}]}, []),
    ],
)
def test_each_sort_of_check_can_fail(project: Path, changed: dict[str, Any], fails: list[str]) -> None:
    describe(project, **changed)

    assert failed(project) == fails


def test_what_fails_stands_first(project: Path) -> None:
    describe(project, changes=[{"says": "heat is nothing", "add": {"temp": 10.0}, "score": "same"}])
    report = check_behaviour(project)
    assert report is not None

    lines = as_markdown(report).splitlines()

    assert lines[0] == "**What the model must do**: 2 of 3 hold."
    assert lines[4].startswith("| **fails** | heat is nothing (share of scores that are same, within 1e-06) |")


def test_a_project_without_a_description_is_asked_for_nothing(tmp_path: Path) -> None:
    assert check_behaviour(tmp_path) is None


@pytest.mark.parametrize("missing", [FILE.parent / "golden.csv", ROWS])
def test_what_is_missing_is_one_sentence(project: Path, missing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / missing).unlink()

    assert main([str(project)]) == 1
    assert f"error: {project / missing}" in capsys.readouterr().err


def test_the_project_describes_behaviour_and_keeps_a_golden_set() -> None:
    wanted = read_config(ROOT / FILE, Behaviour)

    assert wanted.golden is not None
    assert pl.read_csv(ROOT / wanted.golden.file).height == 200
    assert len(wanted.least) + len(wanted.changes) >= 4
