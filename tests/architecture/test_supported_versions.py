"""What the README says is supported is what pyproject.toml allows and what the two locks test."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from infra import install
from infra.ci import oldest, pythons

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOOLS = ("mlflow", "feast", "prefect", "bentoml", "great-expectations", "evidently", "dvc")


def _pins(lock):
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def _direct():
    lines = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    return [need for need in map(Requirement, lines) if need.name != "handrail"]


NEWEST, OLDEST = _pins(install.LOCK), _pins(oldest.LOCK)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_readme_states_the_range_of_each_tool(tool):
    need = next(need for need in map(Requirement, EXTRAS[tool]) if need.name == tool)
    lower, upper = (
        next((part.version for part in need.specifier if part.operator == sign), None) for sign in (">=", "<")
    )
    allowed = f"from {lower}, below {upper}" if upper else next(iter(need.specifier)).version

    row = f"\n| `{tool}` | {allowed} | {OLDEST[tool]} | {NEWEST[tool]} |\n"

    assert row in README, "make lock moved it: write the row anew"


@pytest.mark.parametrize("name", sorted({need.name for need in _direct()}))
def test_the_lowest_version_that_is_allowed_is_the_one_that_is_tested(name):
    parts = [part for need in _direct() if need.name == name for part in need.specifier]

    assert Version(OLDEST[name]) == max(Version(part.version) for part in parts if part.operator in (">=", "=="))


@pytest.mark.parametrize("need", _direct(), ids=str)
def test_both_locks_keep_to_what_is_allowed(need):
    assert NEWEST[need.name] in need.specifier
    assert OLDEST[need.name] in need.specifier


def test_every_python_that_is_allowed_is_named():
    allowed = SpecifierSet(PROJECT["requires-python"])

    assert pythons.pythons() == [f"3.{minor}" for minor in range(50) if f"3.{minor}" in allowed]
    assert tuple(map(int, pythons.pythons()[0].split("."))) == install.OLDEST
    assert tuple(map(int, pythons.pythons()[-1].split("."))) < install.TOO_NEW


def test_the_sample_for_the_oldest_versions_has_tests_of_each_folder_that_meets_a_tool():
    sample = (ROOT / "tests" / "oldest_sample.txt").read_text(encoding="utf-8").split()
    (hosts,) = re.findall(r"addprefix tests/entrypoints/,(.+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    adapters = {file.relative_to(ROOT).parts[2] for file in (ROOT / "tests" / "adapters").rglob("test_*.py")}

    assert sample == sorted(set(sample))
    assert all((ROOT / test.partition("::")[0]).is_file() for test in sample)
    assert {test.split("/")[2] for test in sample} == adapters | set(hosts.split())
