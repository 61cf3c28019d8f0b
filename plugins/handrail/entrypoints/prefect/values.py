"""What a task's inputs and outputs may be given as, and which artifacts they name."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.errors import HandrailError, InvalidInput
from handrail.refs import ArtifactVersion

if TYPE_CHECKING:
    from handrail.bootstrap import Platform

Named = Any
"""A reference of `handrail.refs`, a URI, a path, a function that returns such, or several of these."""
RESULT = "result"


def parts_of(named: Named) -> tuple[Any, ...]:
    """Return what was given as a tuple of single things and callables."""
    if named is None:
        return ()
    return tuple(named) if isinstance(named, list | tuple | set | frozenset) else (named,)


def check_callables(parts: Iterable[Any], function: Callable[..., Any]) -> None:
    """Check that each callable asks for arguments of `function` or for its `result` only.

    Raises:
        InvalidInput: one asks for something else.
    """
    known = {*inspect.signature(function).parameters, RESULT}
    for name in (name for part in parts for name in asked_of(part)):
        if name not in known:
            raise InvalidInput(
                "inputs and outputs",
                f"a function asks for {name!r}, which {function.__qualname__} does not have",
                f"Ask for some of: {', '.join(sorted(known))}.",
            )


def asked_of(part: Any) -> tuple[str, ...]:
    """Return what a callable asks for, by the names of its parameters; nothing if it is not callable."""
    return tuple(inspect.signature(part).parameters) if callable(part) and not hasattr(part, "uri") else ()


def artifacts(
    parts: Iterable[Any], known: Mapping[str, Any], opener: Callable[[], Platform]
) -> tuple[list[ArtifactVersion], str]:
    """Return the artifacts that `parts` name, files hashed, and a sentence about the first part that names nothing.

    `known` are the arguments of the recorded function, and its `result` once there is one. Callables are the user's:
    whatever they raise ends in the sentence, never in the task.
    """
    found: dict[str, ArtifactVersion] = {}
    problem = ""
    for part in parts:
        with never_fail("an input or output", logging.DEBUG) as attempt:
            for item in _items(part, known):
                artifact = _artifact(item, opener())
                found[artifact.uri] = artifact
        if not attempt.done and not problem:
            is_ours = isinstance(attempt.error, HandrailError)
            problem = attempt.sentence if is_ours else f"What names it raised {attempt.sentence}."
    return list(found.values()), problem


def _items(part: Any, known: Mapping[str, Any]) -> Iterator[Any]:
    if callable(part) and not hasattr(part, "uri"):
        for item in parts_of(part(**{name: known[name] for name in asked_of(part)})):
            yield from _items(item, known)
    elif part is not None:
        yield part


def _artifact(item: Any, platform: Platform) -> ArtifactVersion:
    from handrail.bootstrap.lineage import path_artifact
    from handrail.entrypoints.hosts.masking import plain_url
    from handrail.lineage import artifact_at, check_uri

    if isinstance(item, ArtifactVersion):
        return item
    if hasattr(item, "uri"):
        return artifact_at(item.uri)
    if isinstance(item, str) and "://" in item:
        return artifact_at(check_uri("inputs and outputs", plain_url(item)))
    if isinstance(item, str | Path):
        return path_artifact(platform.settings, platform.settings.project, _below(item, platform.settings.project))
    raise InvalidInput(
        "inputs and outputs",
        f"a {type(item).__name__} names no artifact",
        "Give a reference, a URI, a path below the project, or a function that returns one.",
    )


def _below(path: str | Path, project: Path) -> str:
    """Return a path as it reads from the project; one that is relative is taken from the current folder."""
    from handrail.entrypoints.hosts.named_data import below_project

    base = Path.cwd() if Path(path).is_absolute() or Path(path).exists() else project
    below = below_project(project, Path(os.path.normpath(base / path)))
    if below is None:
        raise InvalidInput("path", f"{str(path)!r} lies outside of {project}", "Give one below the project, or a URI.")
    return below
