"""What a project puts into its bento around the model: source, features, configuration, and Handrail as a wheel.

The bento's root holds `model/` (the tree, byte for byte), `permit.json`, `bentos/<name>/`, `feature_repo/` and
`config/`; Handrail goes with it as a wheel. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from handrail.delivery import Recipe
from handrail.errors import Unavailable
from handrail.settings import Settings
from handrail.use_case import read_use_case

SOURCES = (
    "bentos/{name}/*.py",
    "bentos/{name}/bentofile.yaml",
    "feature_repo/*.py",
    "feature_repo/*.yaml",
    "config/handrail.yaml",
    "config/feedback.yaml",
    "config/use_case.yaml",
)
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800"}  # 1980, the first year that a zip file knows
WHEEL_SOURCES = ("pyproject.toml", "plugins/handrail/**/*")


@dataclass(frozen=True, slots=True)
class ProjectRecipe(Recipe):
    """The recipe of the bento of one project's use case, from that project's source."""

    settings: Settings

    @property
    def name(self) -> str:
        """The bento's name, which is that of the use case."""
        return read_use_case(self.settings.project).name

    def digest(self, permit: Path) -> str:
        """Hash the permit and every file that goes in, by path and content."""
        source = hashlib.sha256(permit.read_bytes())
        _add_files(source, self.settings.project, _files(self.settings.project, self._sources + WHEEL_SOURCES))
        return source.hexdigest()

    def lay_out(self, context: Path, labels: Mapping[str, str]) -> None:
        """Copy the source, build the wheel, and write the bentofile with pinned packages."""
        project, name = self.settings.project, self.name
        for file in _files(project, self._sources):
            target = context / file.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        wheel = build_wheel(self.settings)
        shutil.copyfile(wheel, context / wheel.name)
        plan = yaml.safe_load((project / "bentos" / name / "bentofile.yaml").read_text(encoding="utf-8"))
        plan["service"] = f"bentos.{name}.{plan['service']}"
        plan["labels"] = dict(labels)
        plan["python"]["packages"] = [_pinned(package) for package in plan["python"]["packages"]]
        plan["python"]["wheels"] = [wheel.name]
        (context / "bentofile.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")

    @property
    def _sources(self) -> tuple[str, ...]:
        return tuple(pattern.format(name=self.name) for pattern in SOURCES)


def build_wheel(settings: Settings) -> Path:
    """Return Handrail's wheel, built from the project's source unless that source was built before."""
    files = list(_files(settings.project, WHEEL_SOURCES))
    source = hashlib.sha256()
    _add_files(source, settings.project, files)
    shelf = settings.home / "bentoml" / "wheels" / source.hexdigest()[:16]
    if not list(shelf.glob("*.whl")):
        shelf.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="handrail-wheel-", dir=shelf.parent) as folder:
            _build_wheel_in(Path(folder), settings.project, files)
            shutil.rmtree(shelf, ignore_errors=True)
            (Path(folder) / "out").rename(shelf)
    return next(iter(shelf.glob("*.whl")))


def _build_wheel_in(folder: Path, project: Path, files: Sequence[Path]) -> None:
    """Build from a copy: setuptools leaves files beside what it builds."""
    for file in files:
        target = folder / "src" / file.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for named_in_pyproject in ("README.md", "LICENSE"):
        (folder / "src" / named_in_pyproject).touch()
    (folder / "out").mkdir()
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


def _add_files(digest: Any, root: Path, files: Iterable[Path]) -> None:
    """Feed the path and the content of each file into a running sha256."""
    for file in files:
        digest.update(f"{file.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())


def _pinned(package: str) -> str:
    return f"{package}=={version(package.partition('[')[0])}"


def _files(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    found = {file for pattern in patterns for file in root.glob(pattern) if file.is_file()}
    return (file for file in sorted(found) if "__pycache__" not in file.parts)
