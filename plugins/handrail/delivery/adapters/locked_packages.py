"""The packages that a target installs: those that are installed here, with the hashes of the project's lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from handrail.errors import Misconfigured, MissingTool

LOCK = Path("infra") / "requirements.lock"
_NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)")


def pinned(wanted: Iterable[str], lock: Path | None, apart_from: str = "") -> str:
    """Return the lines of a requirements file for these requirements and all that they need.

    Args:
        wanted: requirements, such as `feast[duckdb]`; their versions are those installed here.
        lock: a lock with hashes, as `uv pip compile --generate-hashes` writes it; None: versions without hashes.
        apart_from: a package that is left out, but for what it needs.

    Raises:
        MissingTool: one of them is not installed.
        Misconfigured: the lock cannot be read, lacks one, or holds another version of it.
    """
    versions = {name: version for name, version in sorted(_needed(wanted).items()) if name != apart_from}
    if lock is None:
        return "".join(f"{name}=={version}\n" for name, version in versions.items())
    locked = _locked(lock)
    return "".join(_entry(lock, locked, name, version) for name, version in versions.items())


def _needed(wanted: Iterable[str]) -> dict[str, str]:
    """Return name and version of each distribution that the requirements lead to, in this environment."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    open_ones = [Requirement(each) for each in wanted]
    while open_ones:
        needed = open_ones.pop()
        name = canonicalize_name(needed.name)
        extras = {extra for extra in ("", *needed.extras) if (name, extra) not in seen}
        seen |= {(name, extra) for extra in extras}
        if not extras:
            continue
        try:
            installed = distribution(needed.name)
        except PackageNotFoundError as err:
            raise MissingTool(needed.name, "bentoml") from err
        found[name] = installed.version
        open_ones += _requirements(installed.requires or (), extras)
    return found


def _requirements(lines: Iterable[str], extras: set[str]) -> Iterator[Requirement]:
    for line in lines:
        try:
            one = Requirement(line)
        except InvalidRequirement:
            continue
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield one


def _locked(lock: Path) -> Mapping[tuple[str, str], str]:
    """Return the entries of a lock by name and version, each with its hashes and without comments."""
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        remedy = "Write one: uv pip compile --generate-hashes requirements.in -o requirements.lock; name it by --lock."
        raise Misconfigured(str(lock), f"there is no lock to read: {err}", remedy) from err
    entries: dict[tuple[str, str], str] = {}
    current: tuple[str, str] | None = None
    for line in lines:
        named = _NAMED.match(line)
        if named:
            current = canonicalize_name(named[1]), named[2]
            # The marker says for which Python the lock has it: that is decided here already.
            line = f"{current[0]}=={current[1]} \\"
        elif not line.lstrip().startswith("--hash="):
            continue
        if current is not None:
            entries[current] = entries.get(current, "") + line + "\n"
    return entries


def _entry(lock: Path, locked: Mapping[tuple[str, str], str], name: str, version: str) -> str:
    entry = locked.get((name, version), "")
    if "--hash=" not in entry:
        problem = f"it holds no hashes of {name} {version}, which is installed here"
        raise Misconfigured(str(lock), problem, "Install what the lock says, or make the lock again.")
    return entry.rstrip().removesuffix("\\").rstrip() + "\n"
