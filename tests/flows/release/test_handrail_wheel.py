"""A project that has no source of Handrail still puts Handrail into its bento."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest

from flows.steps.release.handrail_wheel import build_wheel, wheel_digest
from handrail.settings import Settings

WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: handrail\nVersion: 9.9\n"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a project that holds nothing but its configuration."""
    return Settings(project=tmp_path / "project", home=tmp_path / "project" / ".handrail")


@pytest.fixture
def installed(tmp_path: Path) -> Distribution:
    """Return an installed Handrail of two modules, as pip leaves it."""
    site = tmp_path / "site"
    files = {
        "handrail/__init__.py": "",
        "handrail/version.py": "__version__ = '9.9'\n",
        "handrail/__pycache__/version.cpython-311.pyc": "compiled",
        "handrail-9.9.dist-info/METADATA": METADATA,
        "handrail-9.9.dist-info/WHEEL": WHEEL,
        "handrail-9.9.dist-info/INSTALLER": "pip\n",
        "handrail-9.9.dist-info/licenses/LICENSE": "Apache\n",
        "../../bin/handrail": "#!/a/machine/python\n",
    }
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    information = site / "handrail-9.9.dist-info"
    (information / "RECORD").write_text("".join(f"{name},,\n" for name in [*files, "handrail-9.9.dist-info/RECORD"]))
    return PathDistribution(information)


def test_what_is_installed_is_packed_without_what_belongs_to_this_machine(
    settings: Settings, installed: Distribution
) -> None:
    with zipfile.ZipFile(build_wheel(settings, installed)) as wheel:
        names = set(wheel.namelist())

    information = "handrail-9.9.dist-info"
    parts = {f"{information}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")}
    assert names == {"handrail/__init__.py", "handrail/version.py", *parts}


def test_pip_installs_the_packed_wheel(settings: Settings, installed: Distribution, tmp_path: Path) -> None:
    wheel = build_wheel(settings, installed)

    flags = ("--quiet", "--no-deps", "--no-index", "--target", str(tmp_path / "there"))
    run = subprocess.run([sys.executable, "-m", "pip", "install", *flags, str(wheel)], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert (tmp_path / "there" / "handrail" / "version.py").read_text() == "__version__ = '9.9'\n"


def test_equal_files_give_equal_bytes_and_others_another_digest(
    settings: Settings, installed: Distribution, tmp_path: Path
) -> None:
    first, before = build_wheel(settings, installed).read_bytes(), wheel_digest(settings.project, installed)
    elsewhere = Settings(project=settings.project, home=tmp_path / "elsewhere")

    assert build_wheel(elsewhere, installed).read_bytes() == first
    (tmp_path / "site" / "handrail" / "version.py").write_text("__version__ = '10'\n")
    assert wheel_digest(settings.project, installed) != before


def test_an_editable_installation_is_built_from_its_checkout(settings: Settings) -> None:
    origin = json.loads(distribution("handrail").read_text("direct_url.json") or "{}")

    assert origin["dir_info"] == {"editable": True}
    assert wheel_digest(settings.project) == wheel_digest(ROOT)
