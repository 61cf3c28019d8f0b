"""The promises of `PackageList`, kept by pip or uv and by the fake."""

import platform
import sys
from pathlib import Path

import pytest

from handrail.errors import UnknownReference
from handrail.reproduction.adapters.pip_packages import PipPackages
from tests.fakes.reproduction import FakePackages


@pytest.fixture(params=["memory", "pip"])
def packages(request):
    return FakePackages({"typer": "1.0"}) if request.param == "memory" else PipPackages()


def test_without_a_lock_nothing_was_recorded(packages, tmp_path):
    recorded = packages.recorded(tmp_path, None, None)

    assert (recorded.sources, dict(recorded.pins), recorded.lock) == ((), {}, "")


def test_the_lock_of_the_commit_is_read(packages, tmp_path):
    (tmp_path / "requirements.lock").write_text("NumPy==2.0.1\nscikit_learn==1.5\n")

    recorded = packages.recorded(tmp_path, None, None)

    assert dict(recorded.pins) == {"numpy": "2.0.1", "scikit-learn": "1.5"}
    assert (recorded.sources, recorded.lock) == (("requirements.lock",), "requirements.lock")


def test_a_lock_may_be_named(packages, tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "all.txt").write_text("numpy==2.0\n")

    assert packages.recorded(tmp_path, None, "locks/all.txt").lock == "locks/all.txt"
    with pytest.raises(UnknownReference, match=r"none\.txt"):
        packages.recorded(tmp_path, None, "none.txt")


def test_an_interpreter_has_python_and_packages_by_normalised_name(packages):
    found = packages.installed(Path(sys.executable))

    assert found["python"].count(".") == platform.python_version().count(".")
    assert "typer" in found
    assert all(name == name.lower() and "_" not in name for name in found)


def test_an_environment_of_its_own_can_be_made_again(packages, tmp_path):
    (tmp_path / "requirements.lock").write_text("# nothing\n")

    for _ in range(2):
        python = packages.install(tmp_path / "requirements.lock", tmp_path / "venv")
        assert python == tmp_path / "venv" / "bin" / "python"
        assert python.exists()


def test_a_source_folder_is_imported_from(packages, tmp_path):
    assert packages.import_roots(tmp_path) == ()

    (tmp_path / "src").mkdir()

    assert packages.import_roots(tmp_path) == (tmp_path / "src",)
