"""What is changed to see whether tests notice, and the report about it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.ci import mutants
from infra.ci.mutant_places import Place, places_of
from infra.ci.mutant_reach import Reach, function_at
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


@pytest.mark.parametrize(
    ("code", "operators"),
    [
        ("def f(*, a): return a", []),
        ("print(*rows, **more)", []),
        ("list(zip(a, b, strict=True))", []),
        ("f(strict=True)", ["ReplaceTrueWithFalse"]),
        ("f(*a * b)", ["ReplaceBinaryOperator_Mul_Div"]),
        ("x = (a) + (b -\n c)", ["ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add"]),
        ("def f(*a: int | None): return a | b", ["ReplaceBinaryOperator_BitOr_BitAnd"]),
    ],
)
def test_only_what_is_an_operator_is_changed_as_one(tmp_path: Path, code: str, operators: list[str]) -> None:
    (tmp_path / "code.py").write_text(code)

    assert [place.operator for place in places_of(tmp_path, "code.py")] == operators


def test_a_mutant_differs_from_the_code_in_its_line_alone(places: list[Place]) -> None:
    for place in places:
        changed = place.mutate(CODE)

        ast.parse(changed)
        lines = zip(CODE.splitlines(), changed.splitlines(), strict=True)
        assert [number for number, (one, other) in enumerate(lines, 1) if one != other] == [place.line]


def test_other_content_has_other_keys(places: list[Place], tmp_path: Path) -> None:
    (tmp_path / "bound.py").write_text(CODE.replace("value == 0", "value == 1"))

    assert not {place.key for place in places} & {place.key for place in places_of(tmp_path, "bound.py")}


def test_each_file_has_its_turn_before_any_has_its_second() -> None:
    made = [
        Place(f"{file}{number}", file, "AddNot", 0, number, "x") for file in "abc" for number in range(ord(file) - 95)
    ]

    spread = mutants._spread(list(made), seed=1)

    assert sorted(spread, key=made.index) == made
    assert [{place.file for place in spread[turn : turn + 3]} for turn in (0, 3)] == [{*"abc"}] * 2
    assert {place.file for place in spread[8:]} == {"c"}
    assert spread != mutants._spread(list(made), seed=2)


@pytest.mark.parametrize(("line", "begin"), [(1, None), (2, None), (4, 2), (5, 2), (6, 5), (7, 2), (8, None), (10, 10)])
def test_a_line_belongs_to_the_innermost_function_that_runs_it(line: int, begin: int | None) -> None:
    code = """import cache
@cache
def outer(bound=7):
    bound += 1
    def inner():
        return bound
    return inner
LIMIT = 3
class Limit:
    def holds(self): return LIMIT > 2
"""

    assert function_at(code, line) == begin


def test_tests_of_a_function_are_those_that_call_it_or_share_what_does_quick_ones_first(tmp_path: Path) -> None:
    seconds = {"a.py::slow": 3.0, "a.py::quick": 0.1, "b.py::middle": 1.0, "ab.py::other": 0.5}
    calls = {"a.py": {("m.py", 1)}, "b.py::middle": {("m.py", 1), ("m.py", 9)}, ".": {("m.py", 20)}}
    Reach(seconds, {node: frozenset(called) for node, called in calls.items()}, {"a.py": 7.0, "ab": 9.0}).write(
        tmp_path / "reach.json"
    )
    reach = Reach.read(tmp_path / "reach.json")

    assert reach.tests_of("m.py", 1) == ("a.py::quick", "b.py::middle", "a.py::slow")
    assert reach.tests_of("m.py", 9) == ("b.py::middle",)
    assert len(reach.tests_of("m.py", 20)) == len(reach.tests_of("m.py")) == 4
    assert reach.tests_of("n.py") == ()
    assert reach.usual_s(["a.py::quick", "ab.py::other"]) == pytest.approx(7.6)


@pytest.mark.parametrize(
    ("quick_s", "enough_s", "quick", "next_ones"),
    [(2, 60, "ab", "c"), (2, 2, "ab", ""), (0.2, 1.1, "a", "b"), (0, 0, "a", ""), (60, 60, "abc", "")],
)
def test_quick_tests_run_alone_first(quick_s: float, enough_s: float, quick: str, next_ones: str) -> None:
    reach = Reach({"a": 0.1, "b": 0.9, "c": 5.0}, {}, {})

    assert reach.split("abc", quick_s, enough_s) == ((*quick,), (*next_ones,))
    assert reach.split("", quick_s, enough_s) == ((), ())


TRY = """
import subprocess
import sys
from pathlib import Path
from infra.ci import mutants
from infra.ci.mutant_places import places_of

copy = Path(sys.argv[1])
reach = mutants._watch(copy, "test_bound.py test_fact.py", ["bound.py"])
print(*reach.tests_of("bound.py", 4))
print(len(reach.tests_of("bound.py", 8)), len(reach.seconds))
for place in places_of(copy, "bound.py"):
    if "Gt" in place.operator:
            print(place.operator, mutants._outcome(copy, place, "", reach))
try:
    mutants._run(copy, "test_loop.py", 0.1, None)
except subprocess.TimeoutExpired:
    print("a loop timed out")
"""


def test_a_mutant_is_tried_with_the_tests_that_reach_it_and_the_code_is_left_as_it_was(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    code = (
        "LEAST = 3\n\n\ndef holds(value):\n    return value > LEAST\n\n\ndef made():\n    return 1\n\n\nONE = made()\n"
    )
    (copy / "bound.py").write_text(code)
    (copy / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (copy / "test_bound.py").write_text(
        "import bound\n\ndef test_above():\n    assert bound.holds(5)\n\n"
        "def test_below():\n    assert not bound.holds(1)\n\ndef test_else():\n    assert bound.LEAST\n"
    )
    (copy / "test_fact.py").write_text("import bound\n\nFACT = bound.holds(4)\n\ndef test_fact():\n    assert FACT\n")

    (copy / "test_loop.py").write_text("def test_loop():\n    while True:\n        pass\n")

    ended = subprocess.run([sys.executable, "-c", TRY, copy], cwd=ROOT, capture_output=True, text=True, check=True)

    reaching, at_import, *outcomes = ended.stdout.splitlines()
    assert at_import == "4 4"
    assert set(reaching.split()) == {
        "test_bound.py::test_above",
        "test_bound.py::test_below",
        "test_fact.py::test_fact",
    }
    assert sorted(outcomes) == [
        "ReplaceComparisonOperator_Gt_GtE survived",
        "ReplaceComparisonOperator_Gt_LtE killed",
        "a loop timed out",
    ]
    assert (copy / "bound.py").read_text() == code


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
