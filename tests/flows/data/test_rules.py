from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.steps.data.rules import FILE, read_rules
from handrail.errors import Misconfigured
from tests.fakes.flights_project import ROOT, write_project

Rules = dict[str, list[dict[str, Any]]]


def test_the_shipped_rules_look_at_every_table_and_leave_no_hole() -> None:
    rules = read_rules(ROOT)

    assert len(rules["flights"]) > 30
    assert all(any(rule.at_fault == "stop" for rule in of) for of in rules.values())


def _empty_table(rules: Rules) -> None:
    rules["weather"] = []


def _no_row_count(rules: Rules) -> None:
    rules["planes"] = rules["planes"][1:]


def _row_count_of_zero(rules: Rules) -> None:
    rules["planes"][0]["with"] = {"min_value": 0}


def _column_may_be_null(rules: Rules) -> None:
    rules["weather"] = [rule for rule in rules["weather"] if rule["name"] != "wind speed given"]


def _misspelt_key(rules: Rules) -> None:
    rules["flights"][0]["att_fault"] = "stop"


def _missing_key(rules: Rules) -> None:
    del rules["flights"][0]["says"]


def _unknown_consequence(rules: Rules) -> None:
    rules["flights"][0]["at_fault"] = "shrug"


def _no_threshold(rules: Rules) -> None:
    del rules["flights"][1]["max_share"]


def _threshold_above_one(rules: Rules) -> None:
    rules["flights"][1]["max_share"] = 20


def _threshold_on_stop(rules: Rules) -> None:
    rules["flights"][0]["max_share"] = 0.1


def _unknown_table(rules: Rules) -> None:
    rules["trains"] = rules["planes"]


def _same_name_twice(rules: Rules) -> None:
    rules["planes"][2]["name"] = rules["planes"][1]["name"]


def _values_from_nowhere(rules: Rules) -> None:
    rules["flights"][1]["values_from"] = "airlines"


def _no_mapping(rules: Rules) -> None:
    rules["planes"] = ["row count"]  # type: ignore[list-item]  # that is the fault


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_empty_table, "'weather' cannot be used: expected at least 1 entry"),
        (_no_row_count, "planes: no rule stops a table without rows"),
        (_row_count_of_zero, "planes: no rule stops a table without rows"),
        (_column_may_be_null, "weather: 'wind speed in range': 'wind_speed' may be null throughout"),
        (_misspelt_key, "'flights[0].att_fault' is unknown. Did you mean 'at_fault'?"),
        (_missing_key, "'flights[0].says' is missing"),
        (
            _unknown_consequence,
            "'flights[0].at_fault' is 'shrug', which is unknown. Write one of: stop, quarantine",
        ),
        (_no_threshold, "'flights[1]' cannot be used: max_share is missing"),
        (_threshold_above_one, "'flights[1].max_share' is 20, expected a number below 1"),
        (_threshold_on_stop, "'flights[0]' cannot be used: at_fault is stop, which takes no max_share"),
        (_unknown_table, "'trains' is unknown. Write one of: flights,"),
        (_same_name_twice, "planes: two rules are named 'aircraft given'"),
        (_values_from_nowhere, "'flights[1].values_from' is 'airlines', expected table.column"),
        (_no_mapping, "'planes[0]' is 'row count', expected 'key: value' lines"),
    ],
)
def test_rules_with_a_hole_or_a_slip_are_refused_by_name(
    tmp_path: Path, harm: Callable[[Rules], None], sentence: str
) -> None:
    project = write_project(tmp_path)
    rules = yaml.safe_load((project / FILE).read_text(encoding="utf-8"))
    harm(rules)
    (project / FILE).write_text(yaml.safe_dump(rules), encoding="utf-8")

    with pytest.raises(Misconfigured) as caught:
        read_rules(project)

    assert sentence in str(caught.value)
