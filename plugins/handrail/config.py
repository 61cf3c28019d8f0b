"""One way from a YAML file to a pydantic model, and one form for its errors: file, line, key, problem, remedy."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from handrail.clock import parse_moment
from handrail.errors import Misconfigured

REMEDY = "Correct it there."
LONGEST_VALUE = 60
MERGE = "tag:yaml.org,2002:merge"
MISSING_KEY = ("missing", "missing_argument")
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
EXPECTED = {
    "bool_type": "true or false",
    "dataclass_type": "'key: value' lines",
    "dict_type": "'key: value' lines",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number from {ge} up",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number up to {le}",
    "list_type": "a list",
    "model_attributes_type": "'key: value' lines",
    "model_type": "'key: value' lines",
    "string_pattern_mismatch": "a text that fits {pattern}",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "too_short": "at least {min_length} entry",
}
"""What was expected, by pydantic's type of error; its own words for any other."""
Location = tuple[int | str, ...]
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


@dataclass(frozen=True, slots=True)
class Mistake:
    """A value that no single field can find wrong: where it lies below the model that looks, and what to do.

    `problem` goes on after the key, as in `'metrics.main' is 'mae', which does not judge a binary label`.
    """

    location: Location
    problem: str
    remedy: str = REMEDY


def mistaken(*mistakes: Mistake) -> ValidationError:
    """Return the error that a model's own validator raises, so that each mistake is reported at its own line."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("mistake", "{problem}", {"problem": each.problem, "remedy": each.remedy}),
            loc=each.location,
            input=None,
        )
        for each in mistakes
    ]
    return ValidationError.from_exception_data("mistaken", details)


def read_config(file: Path, model: type[M], *, shown: str = "", remedy: str = REMEDY, secret: bool = False) -> M:
    """Read a YAML file as `model`.

    `shown` is what messages call the file, its path if empty; `remedy` is what to do about a wrong value. Values are
    not shown if the file may hold a `secret`.

    Raises:
        Misconfigured: the file is missing, is not YAML, writes a key twice, or a key is unknown, missing or wrong.
    """
    source = read_yaml(file, shown or str(file), secret=secret)
    try:
        return model.model_validate(source.values)
    except ValidationError as err:
        location, problem, mend = explained(err, model, secret=secret)
        raise source.wrong(location, problem, mend or remedy) from err


def explained(err: ValidationError, model: type[BaseModel], *, secret: bool = False) -> tuple[Location, str, str]:
    """Return where the first mistake lies, what it is, and its remedy where this mistake has a special one."""
    first, others = _first(err.errors(include_url=False))
    more = f" (and {others} more)" if others else ""
    problem, mend = _explain(first, model, secret)
    location = first["loc"][:-1] if first["loc"][-1:] == ("[key]",) else first["loc"]
    return location, f"{problem}{more}", mend


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
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.load(text, Loader=_OnceOnlyLoader)  # a SafeLoader underneath
    except FileNotFoundError as err:
        raise Misconfigured(name, "it is missing", "Restore it from the repository.") from err
    except (OSError, UnicodeDecodeError) as err:
        problem = "it is not UTF-8" if isinstance(err, UnicodeDecodeError) else f"it cannot be read: {err.strerror}"
        raise Misconfigured(name, problem, "Save it as UTF-8, readable by this user.") from err
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
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    return None


def _first(errors: Sequence[Any]) -> tuple[Any, int]:
    """Return the mistake to report, and how many others there are; a misspelt key explains a missing one beside it."""
    first = min(errors, key=lambda error: error["type"] not in UNKNOWN_KEY)
    explained = [
        error
        for error in errors
        if first["type"] in UNKNOWN_KEY and error["type"] in MISSING_KEY and error["loc"][:-1] == first["loc"][:-1]
    ]
    return first, len(errors) - 1 - len(explained)


def _explain(error: Any, model: type[BaseModel], secret: bool) -> tuple[str, str]:
    """Return what is wrong, and the remedy if this mistake has a special one."""
    kind, location = error["type"], error["loc"]
    if kind in MISSING_KEY:
        return "is missing", "Add it."
    if kind in UNKNOWN_KEY:
        known = _keys_at(model, location[:-1])
        return "is unknown", _one_of(known, str(location[-1]))
    if kind == "literal_error" and isinstance(error["input"], str) and "'" in error["ctx"]["expected"]:
        known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        found = "is unknown" if location[-1:] == ("[key]",) else f"{_shown(error['input'], secret)}which is unknown"
        return found, _one_of(known, error["input"])
    if kind == "mistake":
        return error["ctx"]["problem"], error["ctx"]["remedy"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if kind == "value_error" and message.startswith("expected "):
        return f"{_shown(error['input'], secret)}{message}", ""
    if kind == "value_error":
        return f"cannot be used: {_lowered(message)}", ""
    if kind in EXPECTED:
        expected = f"expected {EXPECTED[kind].format(**error.get('ctx', {}))}"
    else:
        expected = _lowered(message.replace("Input should be ", "expected "))
    return f"{_shown(error['input'], secret)}{expected}{'' if secret else _hint(error)}", ""


def _one_of(known: Sequence[str], given: str) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Write one of: {', '.join(known)}."


def _hint(error: Any) -> str:
    """Return how to write a number that YAML reads as text."""
    value = error["input"]
    if not (isinstance(value, str) and error["type"].startswith(("float", "int")) and _is_number(value)):
        return ""
    written = re.sub(r"e([+-])0+", r"e\1", f"{float(value):.1e}")
    return f" (YAML reads {value} as text, write {written})"


def _shown(value: Any, secret: bool) -> str:
    if secret or isinstance(value, Mapping | list | tuple) or len(repr(value)) > LONGEST_VALUE:
        return "cannot be used: "
    return f"is {value!r}, "


def _lowered(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _keys_at(model: Any, location: Location) -> list[str]:
    """Return the keys that a model knows at a location."""
    if isinstance(model, type) and issubclass(model, RootModel):
        model = _inner(model.__pydantic_fields__["root"].annotation)
    for part in location:
        if (fields := _fields(model)) is not None:
            model = _inner(fields.get(str(part)))
        else:
            inner = get_args(model)
            model = _inner(inner[-1 if get_origin(model) is dict else 0]) if inner else None
    if (fields := _fields(model)) is not None:
        return list(fields)
    keys = get_args(get_args(model)[0]) if get_origin(model) is dict else ()
    return [str(each) for each in keys if isinstance(each, str)]


def _fields(model: Any) -> dict[str, Any] | None:
    """Return the annotation of each key of a pydantic model or dataclass; None for anything else."""
    found = getattr(model, "__pydantic_fields__", None)
    return None if found is None else {field.alias or name: field.annotation for name, field in found.items()}


def _inner(annotation: Any) -> Any:
    """Return what an optional or annotated type is about."""
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return next((each for each in get_args(annotation) if each is not type(None)), None)
    return annotation
