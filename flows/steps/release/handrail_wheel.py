"""Handrail as a wheel for a bento: built from the source that is at hand, else packed from what is installed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from handrail.errors import Unavailable
from handrail.settings import Settings

REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800"}
FIRST_YEAR = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file knows."""
SOURCES = ("pyproject.toml", "plugins/handrail/**/*")
OF_THIS_MACHINE = ("direct_url.json", "INSTALLER", "REQUESTED", "RECORD")


def wheel_digest(project: Path, installed: Distribution | None = None) -> str:
    """Return the sha256 (hex) of everything that goes into the wheel of a project."""
    source = hashlib.sha256()
    add_files(source, *_origin(project, installed or distribution("handrail")))
    return source.hexdigest()


def build_wheel(settings: Settings, installed: Distribution | None = None) -> Path:
    """Return Handrail's wheel, made from the source around the project unless that was done before.

    A project without Handrail's source takes that of an editable installation, or packs the installed files again.

    Raises:
        Unavailable: it cannot be built.
    """
    installed = installed or distribution("handrail")
    root, files = _origin(settings.project, installed)
    shelf = settings.home / "bentoml" / "wheels" / wheel_digest(settings.project, installed)[:16]
    if not list(shelf.glob("*.whl")):
        shelf.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="handrail-wheel-", dir=shelf.parent) as folder:
            out = Path(folder) / "out"
            out.mkdir()
            if (root / "pyproject.toml").is_file():
                _build_in(Path(folder), root, files)
            else:
                _pack(installed, root, files, out)
            shutil.rmtree(shelf, ignore_errors=True)
            out.rename(shelf)
    return next(iter(shelf.glob("*.whl")))


def add_files(digest: Any, root: Path, files: Iterable[Path]) -> None:
    """Feed the path and the content of each file into a running sha256."""
    for file in files:
        digest.update(f"{file.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())


def files_of(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Yield the files below `root` that a pattern finds, in order."""
    found = {file for pattern in patterns for file in root.glob(pattern) if file.is_file()}
    return (file for file in sorted(found) if "__pycache__" not in file.parts)


def _origin(project: Path, installed: Distribution) -> tuple[Path, list[Path]]:
    """Return the folder that the wheel is made from, and its files: source, or what is installed."""
    for root in (project, _editable(installed)):
        if root is not None and (root / "plugins" / "handrail").is_dir():
            return root, list(files_of(root, SOURCES))
    root = Path(str(installed.locate_file("")))
    named = [root / str(file) for file in installed.files or () if ".." not in file.parts]
    kept = (file for file in named if file.name not in OF_THIS_MACHINE and "__pycache__" not in file.parts)
    return root, sorted(file for file in kept if file.is_file())


def _editable(installed: Distribution) -> Path | None:
    """Return the checkout that an editable installation reads."""
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return Path(unquote(urlparse(origin["url"]).path)) if origin.get("dir_info", {}).get("editable") else None


def _build_in(folder: Path, root: Path, files: Sequence[Path]) -> None:
    """Build from a copy: setuptools leaves files beside what it builds."""
    for file in files:
        target = folder / "src" / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for named_in_pyproject in ("README.md", "LICENSE"):
        (folder / "src" / named_in_pyproject).touch()
    hook = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", hook, str(folder / "out")],
        cwd=folder / "src",
        env=os.environ | REPRODUCIBLE,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode:
        printed = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()]
        problem = (printed or ["it printed nothing"])[-1][:300].rstrip(".")
        raise Unavailable("Building Handrail's wheel", problem, "Correct that and deploy again; nothing was changed.")


def _pack(installed: Distribution, root: Path, files: Sequence[Path], out: Path) -> None:
    """Pack installed files as the wheel that they were installed from (PyPA: binary distribution format)."""
    information = next(part for file in files for part in file.parts if part.endswith(".dist-info"))
    record = f"{information}/RECORD"
    lines = []
    wheel = out / f"handrail-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            name, content = file.relative_to(root).as_posix(), file.read_bytes()
            archive.writestr(zipfile.ZipInfo(name, FIRST_YEAR), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")
        archive.writestr(zipfile.ZipInfo(record, FIRST_YEAR), "".join([*lines, f"{record},,\n"]))
