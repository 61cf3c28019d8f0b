"""What a path means that is typed in a shell: that file of the project, in the version that is on disk now."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from handrail.bootstrap import Platform
from handrail.bootstrap.dvc_files import md5_on_disk, repository_of
from handrail.entrypoints.cli.output import messages
from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage import AmbiguousReference, Direction
from handrail.refs import DataVersion

OF_OTHERS = ("models:/", "runs:/")
SHOWN = 5
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


def as_typed_here(platform: Platform, ref: str) -> str:
    """Return the reference that lineage knows for what was typed; whatever is no path of the project stays as it is.

    A path may be absolute, or relative to the current folder. Of several recorded versions the one on disk is meant.

    Raises:
        InvalidInput: several versions are recorded, and what is on disk is none of them.
    """
    path, hash_sign, column = ref.partition("#")
    project = platform.settings.project
    place = _below(project, path)
    if place is None:
        return ref
    known = f"{repository_of(project)[1]}{place}"
    versions = _versions(platform, known)
    if not versions:
        return f"{known}{hash_sign}{column}"
    return f"{_choose(platform, known, place, versions)}{hash_sign}{column}"


def _below(project: Path, path: str) -> str | None:
    """Return the path from the project on; None if it lies elsewhere, is not there, or is no path."""
    if not path or "://" in path or path.startswith(OF_OTHERS):
        return None
    target = Path(os.path.abspath(path))  # noqa: PTH100 - a link in the project is what DVC names, not its target
    for found in (target, target.parent.resolve() / target.name):
        if found != project and found.is_relative_to(project) and (os.path.lexists(found) or Path(path).is_absolute()):
            return found.relative_to(project).as_posix()
    return None


def _versions(platform: Platform, path: str) -> Sequence[str]:
    """Return the recorded versions of a path, none if the path is not recorded or means something else."""
    try:
        found: Sequence[str] = (platform.lineage.show(path).node.uri,)
    except AmbiguousReference as err:
        found = err.candidates
    except UnknownReference:
        return ()
    beginning = DataVersion(platform.settings.repository, path, "").uri
    return found if all(uri.startswith(beginning) for uri in found) else ()


def _choose(platform: Platform, path: str, place: str, versions: Sequence[str]) -> str:
    on_disk = md5_on_disk(platform.settings.project, place)
    current = next((uri for uri in versions if on_disk and uri.endswith(f"@{on_disk}")), None)
    if current and len(versions) > 1:
        _say(f"{path} has {len(versions)} recorded versions; this is about the one on disk now, @{on_disk}.")
    if current:
        return current
    if len(versions) == 1:
        version = versions[0].rpartition("@")[2]
        if on_disk and _MD5.fullmatch(version):
            _say(f"{path} was changed since: on disk is @{on_disk}, which nothing recorded; this is about @{version}.")
        return versions[0]
    listed = ", ".join(f"{uri}{_first_use(platform, uri)}" for uri in versions[:SHOWN])
    more = f" and {len(versions) - SHOWN} more" if len(versions) > SHOWN else ""
    now = f"@{on_disk}, which nothing recorded" if on_disk else "nothing"
    raise InvalidInput(
        "ref", f"{path!r} has several recorded versions: {listed}{more}; on disk now is {now}", "Give one of them."
    )


def _first_use(platform: Platform, uri: str) -> str:
    """Return when the first activity started that made or used a version, in brackets; empty if that is unknown."""
    around = [
        node
        for direction in (Direction.CAUSES, Direction.EFFECTS)
        for node in platform.lineage.trace(uri, depth=1, direction=direction).nodes
    ]
    first = min((node.started for node in around if node.started), default=None)
    return f" (first used {first:%Y-%m-%d %H:%M}Z)" if first else ""


def _say(sentence: str) -> None:
    messages.print(sentence, markup=False, highlight=False)
