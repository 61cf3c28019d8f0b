"""Makes a bento out of a permitted tree: same bytes, permit and source give the same bento, built once.

The bento's root holds `model/` (the tree, byte for byte), `permit.json`, `bentos/flights/`, `feature_repo/` and
`config/`; Handrail goes with it as a wheel. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import yaml

from handrail.clock import parse_moment
from handrail.entrypoints.bentoml.collect import bento_digest
from handrail.entrypoints.cli.env import tool_environment
from handrail.errors import Unavailable
from handrail.refs import BentoTag
from handrail.settings import Settings

NAME = "flights"
SOURCES = (
    "bentos/flights/*.py",
    "bentos/flights/bentofile.yaml",
    "feature_repo/*.py",
    "feature_repo/*.yaml",
    "config/handrail.yaml",
    "config/feedback.yaml",
)
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800"}  # 1980, the first year that a zip file knows
WHEEL_SOURCES = ("pyproject.toml", "plugins/handrail/**/*")


@dataclass(frozen=True, slots=True)
class BuiltBento:
    """A bento in the local store; `digest` is `sha256:<hex>` over its content, `built_at` system time."""

    tag: BentoTag
    folder: Path
    built_at: datetime
    digest: str


def version_of(settings: Settings, permit: Path, model_version: int, tree_digest: str) -> str:
    """Name a bento by what goes into it: model version, tree digest, and a digest of permit and source."""
    source = hashlib.sha256(permit.read_bytes())
    for file in _files(settings.project, SOURCES + WHEEL_SOURCES):
        source.update(f"{file.relative_to(settings.project)}\0".encode())
        source.update(hashlib.sha256(file.read_bytes()).digest())
    return f"v{model_version}-{tree_digest.removeprefix('sha256:')[:12]}-{source.hexdigest()[:8]}"


def find_bento(settings: Settings, bento_version: str) -> BuiltBento | None:
    """Return a bento that was built before, None if there is none (or only the rest of an interrupted build)."""
    folder = settings.home / "bentoml" / "bentos" / NAME / bento_version
    try:
        written = yaml.safe_load((folder / "bento.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    built_at = written["creation_time"]
    return BuiltBento(
        tag=BentoTag(NAME, bento_version),
        folder=folder,
        built_at=parse_moment(built_at if isinstance(built_at, str) else built_at.isoformat()),
        digest=bento_digest(folder),
    )


def stage(settings: Settings, context: Path, labels: Mapping[str, str]) -> None:
    """Lay out the build context around the `model/` and `permit.json` that are in it already."""
    for file in _files(settings.project, SOURCES):
        target = context / file.relative_to(settings.project)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    wheel = build_wheel(settings)
    shutil.copyfile(wheel, context / wheel.name)
    plan = yaml.safe_load((settings.project / "bentos" / NAME / "bentofile.yaml").read_text(encoding="utf-8"))
    plan["service"] = "bentos.flights.service:FlightsService"
    plan["labels"] = dict(labels)
    plan["python"]["packages"] = [_pinned(package) for package in plan["python"]["packages"]]
    plan["python"]["wheels"] = [wheel.name]
    (context / "bentofile.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")


def build(settings: Settings, context: Path, bento_version: str) -> BuiltBento:
    """Run `bentoml build` over a staged context.

    Raises:
        Unavailable: it failed; the sentence holds the last line that BentoML wrote.
    """
    # What an interrupted build left behind has no bento.yaml, and BentoML would refuse to build over it.
    shutil.rmtree(settings.home / "bentoml" / "bentos" / NAME / bento_version, ignore_errors=True)
    command = [sys.executable, "-m", "bentoml", "build", str(context), "--version", bento_version, "--output", "tag"]
    _run("bentoml build", command, context, tool_environment(settings))
    built = find_bento(settings, bento_version)
    if built is None:
        raise Unavailable("bentoml build", f"it left no bento {NAME}:{bento_version}", "Run the deployment again.")
    return built


def build_wheel(settings: Settings) -> Path:
    """Return Handrail's wheel, built from the project's source unless that source was built before."""
    files = list(_files(settings.project, WHEEL_SOURCES))
    source = hashlib.sha256()
    for file in files:
        source.update(f"{file.relative_to(settings.project)}\0".encode())
        source.update(hashlib.sha256(file.read_bytes()).digest())
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
    _run("Building Handrail's wheel", [sys.executable, "-c", hook, str(folder / "out")], folder / "src", REPRODUCIBLE)


def _run(what: str, command: Sequence[str], folder: Path, extra: Mapping[str, str]) -> None:
    run = subprocess.run(
        command, cwd=folder, env=os.environ | dict(extra), capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if run.returncode:
        said = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()] or ["it said nothing"]
        raise Unavailable(what, said[-1][:300].rstrip("."), "Correct that and deploy again; nothing was changed.")


def _pinned(package: str) -> str:
    return f"{package}=={version(package.partition('[')[0])}"


def _files(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    found = {file for pattern in patterns for file in root.glob(pattern) if file.is_file()}
    return (file for file in sorted(found) if "__pycache__" not in file.parts)
