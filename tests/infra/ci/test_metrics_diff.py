"""The table of metrics that a pull request gets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.ci.metrics_diff import ABSENT, compare, main, markdown

ROOT = Path(__file__).parents[3]
GRAPH = {"stages": {"train": {"cmd": "train", "metrics": [{"reports/train.json": {"cache": False}}, "loss.json"]}}}


def project(folder: Path, report: Any, loss: Any) -> Path:
    (folder / "reports").mkdir(parents=True)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    (folder / "reports" / "train.json").write_text(json.dumps(report))
    (folder / "loss.json").write_text(json.dumps(loss))
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    old = {"rows": 1000000, "models": {"prior": {"auc": 0.5}, "tr|ees": {"auc": 0.75}}, "digest": "ab", "ok": True}
    new = {"rows": 1000000, "models": {"tr|ees": {"auc": 0.7625}, "deep": {"auc": 0.7}}, "digest": "cd", "ok": False}
    return project(tmp_path / "old", old, {"loss": 3}), project(tmp_path / "new", new, {"loss": 1})


def test_each_number_stands_with_old_new_and_change(two: tuple[Path, Path]) -> None:
    assert markdown(compare(*two)).splitlines() == [
        "4 of 5 figures changed.",
        "",
        "| File | Metric | Old | New | Change |",
        "|---|---|---:|---:|---:|",
        "| `loss.json` | `loss` | 3 | 1 | -2 |",
        f"| `reports/train.json` | `models.deep.auc` | {ABSENT} | 0.7 | {ABSENT} |",
        f"| `reports/train.json` | `models.prior.auc` | 0.5 | {ABSENT} | {ABSENT} |",
        "| `reports/train.json` | `models.tr\\|ees.auc` | 0.75 | 0.7625 | +0.0125 |",
        "| `reports/train.json` | `rows` | 1000000 | 1000000 | 0 |",
    ]


def test_it_is_printed_for_two_folders(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder) for folder in two]) == 0

    assert capsys.readouterr().out == markdown(compare(*two))


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("reports/train.json", None, r"old/reports/train.json.*missing.*dvc repro"),
        ("loss.json", "{", r"old/loss.json.*not JSON"),
        ("dvc.yaml", None, r"dvc.yaml.*missing"),
    ],
)
def test_what_cannot_be_read_is_named_in_a_sentence(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str], file: str, content: str | None, sentence: str
) -> None:
    (two[0] / file).unlink()
    if content is not None:
        (two[0] / file).write_text(content)

    assert main([str(folder) for folder in two]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert re.search(sentence, said.err)


def test_misuse_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["one"]) == 2
    assert "OLD NEW" in capsys.readouterr().err


def test_the_workflow_compares_two_reproduced_pipelines_that_share_a_cache() -> None:
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    commands = "\n".join(step.get("run", "") for step in steps["jobs"]["check"]["steps"])

    assert "git worktree add" in commands
    assert "cache dir --local" in commands
    assert "python -m infra.ci.report" in commands
    assert "metrics diff" not in commands
