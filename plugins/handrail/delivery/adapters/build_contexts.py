"""A folder from which an image of a bento is built: the bento as it is, its packages with hashes, the Containerfile."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from handrail.delivery.adapters.alone import __file__ as _ALONE
from handrail.delivery.adapters.locked_packages import pinned
from handrail.delivery.domain import BuiltBento
from handrail.errors import FolderNotEmpty, InvalidInput

OWN = "handrail[postgresql]"
"""Beside what the bento names: replicas share a store in PostgreSQL."""
_PINNED = re.compile(r"^[A-Za-z0-9._-]+(\[[A-Za-z0-9._,-]+\])?==[^\s;]+")


def write_context(built: BuiltBento, containerfile: str, lock: Path, to: Path) -> None:
    """Write the folder.

    Args:
        built: the bento; what it carries was verified.
        containerfile: the text of Containerfile.
        lock: the lock with the hashes of packages.
        to: a new or empty folder.

    Raises:
        FolderNotEmpty: something is in it.
        InvalidInput: the bento carries no wheel of Handrail, or two.
        MissingTool, Misconfigured: a package is not installed here, or the lock does not hold it.
    """
    if to.exists() and any(to.iterdir()):
        raise FolderNotEmpty(str(to))
    (wheel,) = wheels if len(wheels := sorted(built.folder.rglob("handrail-*.whl"))) == 1 else (None,)
    if wheel is None:
        problem = f"{len(wheels)} wheels of Handrail are in {built.tag.uri}"
        raise InvalidInput("bento", problem, "Deploy the model again: its bento then carries one.")
    lines = (built.folder / "env" / "python" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [found[0] for line in lines if (found := _PINNED.match(line.strip()))]
    packages = [pinned([*wanted, OWN], lock, apart_from="handrail")]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    packages.append(f"./{wheel.name} --hash=sha256:{digest}\n")
    to.mkdir(parents=True, exist_ok=True)
    # All of it: a replica records what it serves by this digest, and a folder less would be another bento.
    shutil.copytree(built.folder, to / "bento", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(wheel, to / wheel.name)
    shutil.copyfile(Path(_ALONE).with_name("start.py"), to / "start.py")
    (to / "requirements.lock").write_text("".join(packages), encoding="utf-8")
    (to / "Containerfile").write_text(containerfile, encoding="utf-8")
