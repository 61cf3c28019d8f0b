from pathlib import Path

import pytest

from flows.steps.retraining.limits import read_limits, read_source_rules
from flows.steps.retraining.sources import SourceRules
from handrail.delivery import TurnLimits
from handrail.errors import Misconfigured

ROOT = Path(__file__).parents[3]


def test_the_project_has_limits_and_a_project_without_the_file_has_the_defaults(tmp_path: Path) -> None:
    assert read_limits(ROOT / "config") == read_limits(tmp_path) == TurnLimits()
    assert read_source_rules(ROOT / "config") == read_source_rules(tmp_path) == SourceRules()


def test_a_wrong_limit_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "retraining.yaml").write_text("most_a_week: 0\n", encoding="utf-8")

    with pytest.raises(Misconfigured, match="most_a_week"):
        read_limits(tmp_path)
