"""What pydantic found wrong, said for people: where it lies, what was expected, and what to do about it."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

REMEDY = "Correct it there."
LONGEST_VALUE = 60
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


def explained(err: ValidationError, model: type[BaseModel], *, secret: bool = False) -> tuple[Location, str, str]:
    """Return where the first mistake lies, what it is, and its remedy where this mistake has a special one."""
    first, others = _first(err.errors(include_url=False))
    more = f" (and {others} more)" if others else ""
    problem, mend = _explain(first, model, secret)
    location = first["loc"][:-1] if first["loc"][-1:] == ("[key]",) else first["loc"]
    return location, f"{problem}{more}", mend


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
