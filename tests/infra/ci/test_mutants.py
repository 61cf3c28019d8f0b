"""What is changed to see whether tests notice, and the report about it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from infra.ci import mutants
from infra.ci.mutant_places import Place, places_of
from infra.ci.mutant_report import KILLED, SURVIVED, TIMED_OUT, Result, write_report

ROOT = Path(__file__).parents[3]
CODE = '''
@dataclass(frozen=True)
class Bound:
    """At least 1 < 2."""

    least: int | None = None

    def holds(self, value: "int | str" = 7) -> bool | None:
        if self.least is None:
            return True
        return value < self.least and not value == 0
'''


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    (tmp_path / "bound.py").write_text(CODE)
    return list(places_of(tmp_path, "bound.py"))


def test_what_a_developer_could_get_wrong_is_changed_and_nothing_that_means_nothing(places: list[Place]) -> None:
    assert {(place.operator, place.was) for place in places} == {
        ("NumberReplacer", 'def holds(self, value: "int | str" = 7) -> bool | None:'),
        ("ReplaceComparisonOperator_Is_IsNot", "if self.least is None:"),
        ("AddNot", "if self.least is None:"),
        ("ReplaceTrueWithFalse", "return True"),
        ("ReplaceComparisonOperator_Lt_LtE", "return value < self.least and not value == 0"),
        ("ReplaceComparisonOperator_Lt_GtE", "return value < self.least and not value == 0"),
        ("ReplaceComparisonOperator_Eq_NotEq", "return value < self.least and not value == 0"),
        ("ReplaceAndWithOr", "return value < self.least and not value == 0"),
        ("ReplaceUnaryOperator_Delete_Not", "return value < self.least and not value == 0"),
        ("NumberReplacer", "return value < self.least and not value == 0"),
    }
    assert len({place.key for place in places}) == len(places)


def test_a_mutant_differs_from_the_code_in_its_line_alone(places: list[Place]) -> None:
    for place in places:
        changed = place.mutate(CODE)

        ast.parse(changed)
        lines = zip(CODE.splitlines(), changed.splitlines(), strict=True)
        assert [number for number, (one, other) in enumerate(lines, 1) if one != other] == [place.line]


def test_other_content_has_other_keys(places: list[Place], tmp_path: Path) -> None:
    (tmp_path / "bound.py").write_text(CODE.replace("value == 0", "value == 1"))

    assert not {place.key for place in places} & {place.key for place in places_of(tmp_path, "bound.py")}


def test_the_report_counts_each_mutant_once_and_lists_the_survivors() -> None:
    made = [Place(f"k{line}", "a.py" if line < 5 else "b.py", "AddNot", 0, line, f"if x{line}:") for line in range(7)]
    outcomes = {0: KILLED, 1: TIMED_OUT, 2: SURVIVED, 3: SURVIVED, 5: KILLED}
    tried = {f"k{line}": Result(made[line], outcome) for line, outcome in outcomes.items()}
    explained = [{"file": "a.py", "operator": "AddNot", "line": "if x3:", "because": "x3 is never read"}]

    lines = write_report(made, tried, explained).splitlines()

    assert lines[0] == "| file | killed | timed out | explained | survived | not tried | noticed or explained |"
    assert lines[2:5] == [
        "| a.py | 1 | 1 | 1 | 1 | 1 | 75 % |",
        "| b.py | 1 | 0 | 0 | 0 | 1 | 100 % |",
        "| all | 2 | 1 | 1 | 1 | 2 | 80 % |",
    ]
    assert lines[5:] == ["", "survived: a.py:2 AddNot: if x2:"]


def test_every_pattern_and_every_test_that_belongs_to_it_is_there() -> None:
    for pattern, tests in mutants.TESTS.items():
        assert list(ROOT.glob(pattern)), pattern
        assert all((ROOT / test).exists() for test in tests.split()), tests


def test_every_explained_mutant_can_still_be_made() -> None:
    for row in yaml.safe_load((ROOT / mutants.EXPLAINED).read_text(encoding="utf-8")) or []:
        made = {(place.operator, place.was) for place in places_of(ROOT, row["file"])}
        assert (row["operator"], row["line"]) in made, row
        assert row["because"].endswith("."), row
