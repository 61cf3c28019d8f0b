"""Python as on a device: the three packages that a package needs, with what they need, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

NEEDED = ("numpy", "onnxruntime", "cryptography", "cffi", "pycparser", "flatbuffers", "protobuf", "packaging")


def bare_packages(folder: Path) -> Path:
    """Make a folder of links to the files of the packages that are needed, and return it."""
    folder.mkdir()
    for name in NEEDED:
        installed = distribution(name)
        tops = {Path(str(file)).parts[0] for file in installed.files or ()} - {"..", "__pycache__"}
        for top in tops:
            link = folder / top
            if not link.exists():
                link.symlink_to(str(installed.locate_file(top)))
    return folder


def command(*arguments: str) -> list[str]:
    """Return the command of a Python that sees the folder of its program, PYTHONPATH, and no other package."""
    return [sys.executable, "-S", "-s", *arguments]


def run(packages: Path, *arguments: str, sent: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run such a Python and return how it ended."""
    environment: Mapping[str, str] = {"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(command(*arguments), input=sent, env=environment, capture_output=True, text=True, timeout=60)
