"""Data as a user names it: a file or folder of the project, which DVC knows too, or a URI. It imports no tool."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from handrail.bootstrap.lineage import path_artifact
from handrail.entrypoints.hosts.masking import plain_url
from handrail.errors import InvalidInput, Unavailable
from handrail.lineage import artifact_at
from handrail.refs import ArtifactVersion
from handrail.settings import Settings


def named_data(settings: Settings, place: str, unchanged_since: datetime | None = None) -> ArtifactVersion:
    """Return the data at a path of the project or at a URI, without a digest.

    That rows in memory have the content of a file is the user's word: the file's sha256 is an attribute, no claim.

    Raises:
        InvalidInput: the path leads out of the project.
        Unavailable: nothing lies there, or it was written after `unchanged_since`.
    """
    if "://" in place:
        return artifact_at(plain_url(place))
    found = project_file(settings, place, unchanged_since)
    sha256 = (found.digest or "").partition(":")[2]
    return replace(found, digest=None, attributes={**found.attributes, "sha256": sha256})


def project_file(settings: Settings, place: str, unchanged_since: datetime | None = None) -> ArtifactVersion:
    """Hash a file or folder of the project and return it as the very version that DVC knows.

    `place` is relative to the current folder or to the project.

    Raises:
        InvalidInput: it leads out of the project.
        Unavailable: nothing lies there, or it was written after `unchanged_since`.
    """
    project = settings.project.resolve()
    given = Path(place) if Path(place).exists() else project / place
    # DVC may have put a link to its cache there: the path in the project is its name.
    path = given.parent.resolve() / given.name
    if not path.is_relative_to(project):
        problem = f"{place!r} lies outside {project.name}"
        raise InvalidInput("source", problem, "Move it in, or name a scheme://... URI.")
    before = _changed_at(path, place)
    found = path_artifact(settings, project, path.relative_to(project).as_posix())
    if before != _changed_at(path, place) or (unchanged_since is not None and before > unchanged_since):
        raise Unavailable(place, "it was written since it was read", "Read it once it is complete.")
    return found


def below_project(project: Path, path: Path) -> str | None:
    """Return an absolute path as it reads from the project; None if it lies outside.

    Links inside the project are not followed: DVC may keep what it tracks in a cache elsewhere, and link to it.
    """
    seen = (path, path.parent.resolve() / path.name)
    return next((each.relative_to(project).as_posix() for each in seen if each.is_relative_to(project)), None)


def _changed_at(path: Path, place: str) -> datetime:
    """Return when a file, or any file of a folder, was last written."""
    try:
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else []
        newest = max(each.stat().st_mtime for each in (path, *files))
    except OSError as err:
        raise Unavailable(place, "nothing lies there (any more)", "Correct the name, or keep it until then.") from err
    return datetime.fromtimestamp(newest, UTC)
