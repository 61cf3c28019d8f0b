"""What a wheel carries for `handrail init`, beside the packages: machinery, template and the lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from handrail.scaffold.machinery import LOCK, machinery
from handrail.scaffold.rendering import TEMPLATE
from handrail.scaffold.requirement import pinned_versions

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with what `setup.py` puts into a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_it_carries_each_file_that_a_project_gets(built):
    place = built / "handrail" / "scaffold"
    names = [*machinery(ROOT), LOCK]

    assert len(names) > 60
    assert all((place / "machinery" / name).read_bytes() == (ROOT / name).read_bytes() for name in names)
    template = [file.relative_to(TEMPLATE) for file in TEMPLATE.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert all((place / "template" / name).is_file() for name in template)


def test_from_there_a_project_gets_the_same_versions(built):
    code = (
        "from handrail.scaffold import rendering, requirement\n"
        "print(*requirement.pinned_versions(rendering.machinery_root()), sep='\\n')"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(built)!r})\n{code}"]
    said = subprocess.run(command, cwd=built, check=True, capture_output=True, text=True).stdout

    assert tuple(said.splitlines()) == pinned_versions(ROOT)


def test_a_build_leaves_out_what_python_compiled(built):
    assert not [file for file in built.rglob("*") if file.suffix == ".pyc" and "scaffold/template" in file.as_posix()]
