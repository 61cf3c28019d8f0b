"""What a pull request says about the model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.ci.report import MOST_CHARACTERS, main, report

ROOT = Path(__file__).parents[3]
GRAPH = {"stages": {"evaluate": {"cmd": "evaluate", "metrics": [{"reports/evaluate.json": {"cache": False}}]}}}
OLD = {"roc_auc": 0.75, "roc_auc_low": 0.74, "roc_auc_high": 0.76, "brier": 0.17}


def project(folder: Path, figures: dict[str, Any], observed: float, worth: dict[str, float]) -> Path:
    (folder / "config").mkdir(parents=True)
    shutil.copy(ROOT / "config" / "use_case.yaml", folder / "config")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    (folder / "reports" / "evaluate").mkdir(parents=True)
    (folder / "reports" / "evaluate.json").write_text(json.dumps(figures))
    bands = [{"observed": observed * number / 10, "predicted": number / 10, "rows": 9} for number in range(10)]
    (folder / "reports" / "evaluate" / "calibration.json").write_text(json.dumps(bands))
    importance = [{"feature": name, "value": value} for name, value in worth.items()]
    (folder / "reports" / "evaluate" / "importance.json").write_text(json.dumps(importance))
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return (
        project(tmp_path / "old", OLD, 0.9, {'dist"ance': 0.02, "hour": 0.01}),
        project(tmp_path / "new", OLD | {"roc_auc": 0.7652}, 0.8, {"hour": 0.03, 'dist"ance': 0.01}),
    )


def test_it_begins_with_the_metric_that_decides(two: tuple[Path, Path]) -> None:
    said = report(*two)

    assert "**ROC-AUC 0.7652**, +0.0152 against main's 0.7500, outside main's own interval 0.7400 to 0.7600." in said
    assert "1 of 4 figures changed" in said
    assert "| `reports/evaluate.json` | `roc_auc` | 0.75 | 0.7652 | +0.0152 |" in said
    assert "`brier`" not in said


def test_its_charts_hold_the_values_of_both(two: tuple[Path, Path]) -> None:
    said = report(*two)

    assert "    line [0, 0.09, 0.18, 0.27, 0.36, 0.45, 0.54, 0.63, 0.72, 0.81]" in said
    assert "    line [0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.48, 0.56, 0.64, 0.72]" in said
    assert '    x-axis ["hour", "dist\\"ance"]\n    bar [0.03, 0.01]\n    line [0.01, 0.02]' in said
    assert said.count("```mermaid") == 2


def test_a_project_against_itself_changed_nothing(two: tuple[Path, Path]) -> None:
    assert "**ROC-AUC 0.7500**, as on main." in report(two[0], two[0])
    assert "None of 4 figures changed." in report(two[0], two[0])


def test_what_the_model_must_do_stands_above_the_charts(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "behaviour.md").write_text("**Behaviour**: all hold.\n")

    said = report(*two, tmp_path / "behaviour.md")

    assert said.index("**Behaviour**") < said.index("```mermaid")


def test_it_is_never_longer_than_github_takes(two: tuple[Path, Path]) -> None:
    many = OLD | {f"{'slice' * 60}{number}": number for number in range(300)}
    (two[1] / "reports" / "evaluate.json").write_text(json.dumps(many))

    assert len(report(*two)) < MOST_CHARACTERS + 100


def test_missing_charts_are_left_out_and_missing_metrics_are_one_sentence(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(two[0] / "reports" / "evaluate")
    assert "Calibration" not in report(*two)
    (two[0] / "reports" / "evaluate.json").unlink()

    assert main([str(folder) for folder in two]) == 1

    assert "Run there: dvc repro." in capsys.readouterr().err


def test_every_owner_is_a_role_and_every_path_is_there() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]
    roles = {
        f"@your-organisation/{role}s"
        for role in (
            *("business-stakeholder", "solution-architect", "data-scientist", "data-engineer"),
            *("software-engineer", "devops-engineer", "ml-engineer"),
        )
    }
    assert {owner for _, *owners in rules for owner in owners} == roles
    for path, *_ in rules[1:]:
        assert (ROOT / path[1:]).exists(), path
