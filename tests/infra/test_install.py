"""What `make setup` checks and reads before it installs; .ci/run itself is the test of a whole installation."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra import install
from infra.install import CannotInstall

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 15)])
def test_a_python_that_does_not_fit_is_refused_with_the_way_out(version):
    with pytest.raises(CannotInstall, match=r"3\.11 to 3\.14 is needed.*PYTHON=python3\.11"):
        install.check_machine(version, has_venv=True)


def test_a_missing_venv_is_said_with_the_command_that_installs_it():
    with pytest.raises(CannotInstall, match="apt-get install python3-venv"):
        install.check_machine((3, 11), has_venv=False)


def test_a_fitting_python_passes():
    install.check_machine((3, 11), has_venv=True)


def test_uv_is_taken_from_the_lock_with_its_hashes():
    lines = install.locked_lines("uv").splitlines()

    assert lines[0].startswith("uv==")
    assert sum("--hash=sha256:" in line for line in lines) >= 2
    assert not any("==" in line for line in lines[1:])


def test_what_builds_the_project_is_in_the_lock():
    for package in ("pip", "setuptools", "wheel", "uv"):
        assert install.locked_lines(package)


def test_a_package_that_the_lock_lacks_is_named():
    with pytest.raises(CannotInstall, match="does not name left-pad.*make lock"):
        install.locked_lines("left-pad")


def test_the_lock_names_no_index_and_no_place():
    text = install.LOCK.read_text()

    for word in ("index-url", "find-links", "://", "file:", " @ "):
        assert word not in text, word


def test_what_only_pip_was_given_reaches_uv(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)

    told = install.environment()

    assert told["UV_DEFAULT_INDEX"] == "https://mirror.invalid/simple"
    assert "VIRTUAL_ENV" not in told


def test_the_installer_itself_needs_nothing_but_the_standard_library():
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('infra/install.py')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr


def test_every_make_target_that_runs_something_installs_first():
    lines = (ROOT / "Makefile").read_text().splitlines()
    targets = {line.split(":")[0]: line.split(":")[1].split("##")[0].split() for line in lines if "  ## " in line}

    assert all(needs == ["setup"] for name, needs in targets.items() if name not in ("help", "setup", "clean"))
    assert {"demo", "demo-short", "up", "test", "check", "lock", "soak"} <= set(targets)


def test_ctrl_c_is_exit_code_1_and_one_sentence(monkeypatch, capsys, tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(install, "install", interrupted)

    assert install.main() == 1
    assert capsys.readouterr().err == "Interrupted. Run make setup again to continue.\n"
