"""What an interpreter has installed, and a new environment made from a lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker

from handrail.errors import Unavailable, UnknownReference
from handrail.reproduction.domain.environments import PYTHON, RecordedPackages, normal_name, read_pins, read_python
from handrail.reproduction.ports import PackageList

LIST = (
    "import importlib.metadata as m, json, platform; "
    "print(json.dumps([platform.python_version(), [[d.metadata['Name'], d.version] for d in m.distributions()]]))"
)


LOCKS = ("requirements.lock", "infra/requirements.lock", "requirements.txt")
OF_MODEL = "requirements.txt"
PYTHON_OF_MODEL = "python_env.yaml"


class PipPackages(PackageList):
    """The packages that were recorded, and those of an interpreter."""

    def recorded(self, project: Path, tree: Path | None, lock: str | None) -> RecordedPackages:
        """Return what the commit's lock and the model's own requirements pin; of two pins the model's stands.

        MLflow wrote the model's requirements from what was installed when it was trained.

        Raises:
            UnknownReference: the file `lock` is not in the commit.
        """
        if lock is not None and not (project / lock).is_file():
            raise UnknownReference("lock file", lock, "Name a file of that commit with name==version lines.")
        chosen = lock or next((name for name in LOCKS if (project / name).is_file()), "")
        pins = read_pins((project / chosen).read_text(encoding="utf-8"), applies_here) if chosen else {}
        sources = [chosen] if pins else []
        if tree is not None and (tree / OF_MODEL).is_file():
            pins |= read_pins((tree / OF_MODEL).read_text(encoding="utf-8"), applies_here)
            sources.append("the model's own requirements")
        if tree is not None and (tree / PYTHON_OF_MODEL).is_file():
            pins |= read_python((tree / PYTHON_OF_MODEL).read_text(encoding="utf-8"))
        return RecordedPackages(tuple(sources), pins, chosen)

    def installed(self, python: Path) -> dict[str, str]:
        """Return the version of each installed package by normalised name, and that of Python itself.

        Raises:
            Unavailable: the interpreter does not answer.
        """
        run = subprocess.run([str(python), "-c", LIST], capture_output=True, text=True, check=False)
        if run.returncode:
            raise Unavailable(str(python), "it does not list its packages", "Name another interpreter.")
        version, packages = json.loads(run.stdout)
        # The first of a name is the one that an import finds.
        return {PYTHON: version} | {normal_name(name): found for name, found in reversed(packages) if name}

    def install(self, lock: Path, folder: Path) -> Path:
        """Make a virtual environment in `folder` with what `lock` pins, and return its interpreter.

        Raises:
            Unavailable: a package cannot be installed; the sentence is the installer's own.
        """
        python = folder / "bin" / "python"
        uv = _uv()
        try:
            if not python.is_file():
                venv.EnvBuilder(with_pip=uv is None, symlinks=True).create(folder)
        except (OSError, subprocess.CalledProcessError) as err:
            raise Unavailable(str(folder), "no virtual environment can be made there", "Free the disk.") from err
        if uv is not None:
            _must([uv, "pip", "sync", "--quiet", "--python", str(python), str(lock)])
        else:
            _must([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(lock)])
        return python

    def import_roots(self, project: Path) -> tuple[Path, ...]:
        """Return the folders of a project that its own packages are imported from, as pyproject.toml and habit say."""
        roots = [*_package_folders(project / "pyproject.toml"), "src"]
        return tuple(folder for root in dict.fromkeys(roots) if (folder := project / root).is_dir())


def applies_here(marker: str) -> bool:
    """Return whether an environment marker (PEP 508) holds for this Python on this system; one that is damaged does."""
    try:
        return Marker(marker).evaluate()
    except InvalidMarker:
        return True


def _package_folders(file: Path) -> Sequence[str]:
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("setuptools", {})
    except (OSError, tomllib.TOMLDecodeError, AttributeError):
        return ()
    folders: dict[str, Any] = tool.get("package-dir", {})
    found = tool.get("packages", {})
    where = found.get("find", {}).get("where", []) if isinstance(found, dict) else []
    return [*([folders[""]] if folders.get("") else []), *where]


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def _must(command: Sequence[str]) -> None:
    variables = dict(os.environ)
    # uv gets the index and certificates that only pip was configured with.
    for pip_name, uv_name in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if pip_name in variables:
            variables.setdefault(uv_name, variables[pip_name])
    variables.pop("VIRTUAL_ENV", None)
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if run.returncode:
        printed = [line.strip() for line in (run.stderr or run.stdout).splitlines() if line.strip()]
        problem = " ".join((printed or ["it printed nothing"])[-2:]).rstrip(".")
        raise Unavailable("The recorded environment", problem, "Leave out --install to run in the present one.")
