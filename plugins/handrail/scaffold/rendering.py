"""Writes the files of a project into a folder: the template rendered from a draft, and the machinery beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from handrail.errors import Misconfigured
from handrail.files import REMEDY, unwritable
from handrail.scaffold.asking import example_outcome, example_request
from handrail.scaffold.defaults import defaults_of
from handrail.scaffold.draft import Draft
from handrail.scaffold.machinery import LOCK, machinery
from handrail.scaffold.record import FILE, recorded
from handrail.scaffold.requirement import pinned_versions
from handrail.tools import require

HERE = Path(__file__).parent
TEMPLATE = HERE / "template"
RENDERED = ".jinja"
NAME, HIDDEN = "__name__", "dot."
"""In paths of the template: the project's name, and what becomes a dot at the beginning of a part."""
SOURCE = Path("data") / "source" / "table.parquet"


class _OneLine(yaml.SafeDumper):
    """Writes texts and moments in double quotes: nothing in them is read as something else, and all is one line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_OneLine.add_representer(str, _text)
_OneLine.add_representer(tuple, lambda dumper, values: dumper.represent_list(values))
_OneLine.add_representer(date, lambda dumper, day: _text(dumper, day.isoformat()))
_OneLine.add_representer(
    datetime, lambda dumper, moment: _text(dumper, moment.astimezone(UTC).isoformat().replace("+00:00", "Z"))
)


def render(draft: Draft, target: Path, template: Path = TEMPLATE) -> int:
    """Write every file of a project except for its table; return how many there are.

    Raises:
        Misconfigured: this installation lacks the machinery.
        MissingTool: Jinja2 is not installed.
        Unavailable: the folder cannot be written.
    """
    written = 0
    root = machinery_root()
    with unwritable(target, REMEDY):
        for relative, content in rendered(draft, template):
            _write(target / relative, content)
            written += 1
        for name in machinery(root):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)
            written += 1
        _write(target / FILE, recorded(draft))
    return written + 1


def machinery_root() -> Path:
    """Return the folder that holds the machinery: in a wheel beside this module, otherwise the checkout around it.

    Raises:
        Misconfigured: it is at neither place.
    """
    for root in (HERE / "machinery", HERE.parents[2]):
        if (root / "flows").is_dir() and (root / LOCK).is_file():
            return root
    raise Misconfigured("handrail", "its installation lacks the machinery", "Install Handrail again.")


def as_yaml(value: Any) -> str:
    """Return a value as YAML in one line; days and moments become texts, as DVC's parameters need them."""
    text = yaml.dump(value, Dumper=_OneLine, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return text.removesuffix("\n").removesuffix("...").rstrip("\n")


def rendered(draft: Draft, template: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the path in a project and the content of each file of a template.

    Raises:
        Misconfigured: this installation lacks the machinery.
        MissingTool: Jinja2 is not installed.
    """
    require("jinja2", "project")
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["yaml"] = as_yaml
    examples = {"example_request": example_request(draft), "example_outcome": example_outcome(draft)}
    known = {"draft": draft, "pins": pinned_versions(machinery_root()), **defaults_of(draft), **examples}
    for file in sorted(template.rglob("*")):
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        name = file.relative_to(template).as_posix()
        target = _target(name, draft)
        if name.endswith(RENDERED):
            yield target, environment.get_template(name).render(known).encode()
        else:
            yield target, file.read_bytes()


def _target(name: str, draft: Draft) -> Path:
    """Return where a file of the template belongs in a project."""
    parts = name.removesuffix(RENDERED).replace(NAME, draft.name).split("/")
    return Path(*(f".{part.removeprefix(HIDDEN)}" if part.startswith(HIDDEN) else part for part in parts))


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
