"""Makes a project: everything into a hidden folder beside it, which takes its place when it is whole."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import FolderNotEmpty, InvalidInput, MissingFile, Unavailable
from handrail.files import REMEDY, unwritable
from handrail.scaffold.draft import Draft
from handrail.scaffold.dvc import dvc
from handrail.scaffold.git import TEMPLATE_BRANCH, commit_all, git, has_git, start
from handrail.scaffold.inspecting import inspect
from handrail.scaffold.options import Ask, Options, take_guesses
from handrail.scaffold.reading import Progress, by_polars
from handrail.scaffold.rendering import SOURCE, TEMPLATE, render
from handrail.tools import require
from handrail.version import __version__


@dataclass(frozen=True, slots=True)
class Created:
    """A project that is there: its folder, how many files it has, and whether git keeps them."""

    folder: Path
    draft: Draft
    files: int
    in_git: bool


@dataclass(frozen=True, slots=True)
class Dialogue:
    """How a person takes part: who answers questions, and who is shown how far the table has been read."""

    ask: Ask = take_guesses
    progress: Progress = lambda _part: None


def create(
    file: Path, folder: Path, options: Options, dialogue: Dialogue | None = None, template: Path = TEMPLATE
) -> Created:
    """Look at a table and write a project for it into `folder`; on an error nothing is left of it.

    Raises:
        InvalidInput: the table or an option cannot be used.
        FolderNotEmpty: the folder holds something.
        Unavailable: the folder cannot be written, or a tool is missing.
    """
    dialogue = dialogue or Dialogue()
    for package in ("polars", "pyarrow", "jinja2", "dvc"):
        require(package, "project")
    with building(folder) as (project, scratch):
        (project / SOURCE).parent.mkdir(parents=True)
        with by_polars(file.name):
            inspected = inspect(file, options, scratch, dialogue.ask, dialogue.progress)
            inspected.write(project / SOURCE)
        files = render(inspected.draft, project, template)
        _keep(project, scratch)
    return Created(folder, inspected.draft, files, has_git())


@contextmanager
def building(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give an empty folder for a project and one for what is needed meanwhile; the first gets the name `folder`.

    Raises:
        FolderNotEmpty: `folder` holds something.
        InvalidInput: `folder` is a file.
        MissingFile: the folder around it is missing.
        Unavailable: the folder around it cannot be written.
    """
    target = folder.resolve()
    _check(target, folder)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.next")
    with unwritable(folder, REMEDY):
        beside.mkdir()
    try:
        project, scratch = beside / "project", beside / "scratch"
        project.mkdir()
        scratch.mkdir()
        with unwritable(folder, REMEDY, beside):
            yield project, scratch
        with unwritable(folder, REMEDY):
            _move(project, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check(target: Path, shown: Path) -> None:
    if target.is_dir():
        try:
            is_empty = not any(target.iterdir())
        except OSError as err:
            raise Unavailable(str(shown), "it cannot be read", REMEDY) from err
        if not is_empty:
            raise FolderNotEmpty(str(shown))
    elif target.exists():
        raise InvalidInput("DIR", f"{str(shown)!r} is a file", "Give a new or empty folder.")
    if not target.parent.is_dir():
        raise MissingFile(str(target.parent), "Make that folder first, or give another one.")


def _move(project: Path, target: Path) -> None:
    if target != Path.cwd():
        project.rename(target)
        return
    # A shell that stands in the folder would stay in the one that was replaced.
    for entry in project.iterdir():
        entry.rename(target / entry.name)


def _keep(project: Path, scratch: Path) -> None:
    """Give the table to DVC, and everything else to git."""
    with_git = has_git()
    if with_git:
        start(project)
    else:
        dvc(project, scratch, "config", "--local", "core.no_scm", "true")
    dvc(project, scratch, "add", SOURCE.as_posix())
    if with_git:
        commit_all(project, f"Project as Handrail {__version__} wrote it")
        git(project, "branch", TEMPLATE_BRANCH)
