"""Reads YAML files as pydantic models. What a mistake is called is said beside it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from handrail.clock import parse_moment
from handrail.config.mistakes import REMEDY, explained
from handrail.errors import Misconfigured

MERGE = "tag:yaml.org,2002:merge"
M = TypeVar("M", bound=BaseModel)


STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)
"""For pydantic dataclasses: every key is known."""


class Section(BaseModel):
    """A part of a configuration file: frozen, and every key is known."""

    model_config = ConfigDict(frozen=True, **STRICT)


def as_moment(value: Any) -> datetime:
    """Return a moment that YAML or JSON holds, in UTC; ValueError where it is not ISO 8601."""
    try:
        return parse_moment(value.isoformat() if isinstance(value, datetime) else str(value))
    except ValueError as err:
        raise ValueError("expected an ISO 8601 moment such as 2013-08-01T04:00:00Z") from err


Moment = Annotated[datetime, BeforeValidator(as_moment)]
"""A key of a configuration file that holds a moment."""


def read_config(file: Path, model: type[M], *, shown: str = "", remedy: str = REMEDY, secret: bool = False) -> M:
    """Read a YAML file as `model`.

    `shown` is what messages call the file, its path if empty; `remedy` is what to do about a wrong value. Values are
    not shown if the file may hold a `secret`.

    Raises:
        Misconfigured: the file is missing, is not YAML, writes a key twice, or a key is unknown, missing or wrong.
    """
    return _as_model(read_yaml(file, shown or str(file), secret=secret), model, remedy, secret)


def parse_config(text: str, model: type[M], *, shown: str, remedy: str = REMEDY) -> M:
    """Read YAML text as `model`, as `read_config` reads a file; `shown` is what messages call the text.

    Raises:
        Misconfigured: the text is not YAML, writes a key twice, or a key is unknown, missing or wrong.
    """
    return _as_model(parse_yaml(text, shown), model, remedy)


def _as_model(source: YamlSource, model: type[M], remedy: str, secret: bool = False) -> M:
    try:
        return model.model_validate(source.values)
    except ValidationError as err:
        location, problem, mend = explained(err, model, secret=secret)
        raise source.wrong(location, problem, mend or remedy) from err


@dataclass(frozen=True, slots=True)
class YamlSource:
    """What a YAML file holds, and where in it."""

    name: str
    values: Mapping[str, Any]
    root: yaml.Node | None

    def wrong(self, location: Sequence[int | str], problem: str, remedy: str = REMEDY) -> Misconfigured:
        """Return the error about what lies at `location`: the keys and list positions that lead there."""
        where = f"{self.name}, line {_line(self.root, location)}" if self.root else self.name
        key = f"{spelled(location)!r} " if location else ""
        return Misconfigured(where, f"{key}{problem}", remedy)


def read_yaml(file: Path, shown: str = "", *, secret: bool = False) -> YamlSource:
    """Read one YAML file that holds a mapping; an empty file is an empty mapping.

    A file that may hold a `secret` is not quoted in messages, not even where it is not YAML.

    Raises:
        Misconfigured: the file is missing, cannot be read, is not YAML, or writes a key twice.
    """
    name = shown or str(file)
    return parse_yaml(read_text(file, name), name, secret=secret)


def read_text(file: Path, shown: str = "") -> str:
    """Return the text of a file of the configuration.

    Raises:
        Misconfigured: the file is missing, cannot be read, or is not UTF-8.
    """
    name = shown or str(file)
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise Misconfigured(name, "it is missing", "Restore it from the repository.") from err
    except (OSError, UnicodeDecodeError) as err:
        problem = "it is not UTF-8" if isinstance(err, UnicodeDecodeError) else f"it cannot be read: {err.strerror}"
        raise Misconfigured(name, problem, "Save it as UTF-8, readable by this user.") from err


def parse_yaml(text: str, name: str, *, secret: bool = False) -> YamlSource:
    """Read one YAML text that holds a mapping, as `read_yaml` reads a file; `name` is what messages call it.

    Raises:
        Misconfigured: the text is not YAML, or writes a key twice.
    """
    try:
        root, values = _read_once(text)
    except yaml.YAMLError as err:
        raise _not_yaml(name, err, secret) from err
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        # A day or a number that does not exist, a tag that does not fit its value, a mapping inside itself.
        problem = "it holds a value that cannot be read" + (
            f": {err}" if isinstance(err, ValueError) and not secret else ""
        )
        raise Misconfigured(name, problem, "Correct that value, or write it in quotes.") from err
    if values is not None and not isinstance(values, Mapping):
        raise Misconfigured(name, "it does not hold a mapping", "Write 'key: value' lines.")
    return YamlSource(name, values or {}, root)


def spelled(location: Sequence[int | str]) -> str:
    """Return the way to a value as people write it: `rules[0].at_least`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


class _OnceOnlyLoader(yaml.SafeLoader):
    """Refuses a key that is written twice, where YAML would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:  # the parent class takes its keys in, where they are not written here
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    problem="a key has to be a plain value", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key!r} is written twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read_once(text: str) -> tuple[yaml.Node | None, Any]:
    """Return the nodes of a text and what they mean; one pass makes both."""
    loader = _OnceOnlyLoader(text)  # a SafeLoader underneath
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _not_yaml(name: str, err: yaml.YAMLError, secret: bool) -> Misconfigured:
    mark = getattr(err, "problem_mark", None)
    problem = str(getattr(err, "problem", None) or err).rstrip(".")
    where = f"{name}, line {mark.line + 1}" if mark else name
    if "written twice" in problem:
        return Misconfigured(where, problem, "Remove one of the two.")
    quoted = "" if secret else f": {' '.join(problem.split())}"
    return Misconfigured(where, f"it is not YAML{quoted}", "Correct that line.")


def _line(root: yaml.Node | None, location: Sequence[int | str]) -> int:
    """Return the line of the deepest part of `location` that the file has, from 1."""
    node, line = root, 1
    for part in location:
        found = _below(node, part)
        if found is None:
            break
        node, line = found
    return line


def _below(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        # What a merge took in stands before what is written here, which counts.
        for key, value in reversed(node.value):
            if key.value == str(part):
                return value, key.start_mark.line + 1
    return None
