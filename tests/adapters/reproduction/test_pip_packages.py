"""What a lock and a model pin, read from files as uv and MLflow write them."""

import sys

import pytest

from handrail.reproduction.adapters.pip_packages import PipPackages, applies_here

UNIVERSAL = """\
async-timeout==5.0.1 ; python_full_version < '3.0' \\
    --hash=sha256:00
numpy==2.4.6 \\
    --hash=sha256:11
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:22
uvloop==0.23.0 ; sys_platform != 'win32' \\
    --hash=sha256:33
"""


def test_packages_of_another_system_or_python_are_not_expected(tmp_path):
    (tmp_path / "requirements.lock").write_text(UNIVERSAL)

    recorded = PipPackages().recorded(tmp_path, None, None)

    assert recorded.pins == {"numpy": "2.4.6", "uvloop": "0.23.0"}


def test_what_the_model_pins_wins_over_the_lock(tmp_path):
    (tmp_path / "requirements.lock").write_text(UNIVERSAL)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "requirements.txt").write_text("numpy==2.4.5\npywin32==311; sys_platform == 'win32'\n")

    recorded = PipPackages().recorded(tmp_path, tmp_path / "tree", None)

    assert recorded.pins == {"numpy": "2.4.5", "uvloop": "0.23.0"}


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        (f"sys_platform == '{sys.platform}'", True),
        (f"sys_platform != '{sys.platform}'", False),
        ("python_full_version < '3.0'", False),
        ("no marker at all", True),
    ],
)
def test_a_marker_is_asked_of_this_python(marker, holds):
    assert applies_here(marker) is holds
