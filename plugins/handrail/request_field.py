"""One field of a request: its type, what it may hold, and an example that has to be what the service takes."""

# pydantic reads the annotations at run time, so they stay real.

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from handrail.config import Mistake, Section, as_moment, mistaken
from handrail.errors import InvalidInput

FieldType = Literal["text", "whole", "number", "truth", "moment"]
Words = Annotated[str, Field(min_length=1, max_length=400)]
HELD: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "text": ("a text, in quotes", (str,)),
    "whole": ("a whole number", (int,)),
    "number": ("a finite number", (int, float)),
    "truth": ("true or false", (bool,)),
    "moment": ("a moment with its zone, such as 2013-08-01T04:00:00Z", (str,)),
}
"""What a field of each type holds, in words and as the types that YAML and JSON read."""


def moment_of(name: str, value: Any) -> datetime:
    """Read the moment of a field of a request, as UTC.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        return as_moment(value)
    except ValueError as err:
        raise InvalidInput(name, f"{value!r} is not a moment", "Write it as 2013-08-01T04:00:00Z.") from err


def _pattern(text: str) -> str:
    # Compiled by what checks requests, which knows no look-ahead and no back-reference.
    try:
        SchemaValidator(core_schema.str_schema(pattern=text))
    except SchemaError as err:
        raise ValueError("expected a regular expression without look-around and back-references") from err
    return text


class RequestField(Section):
    """One field of a request: its type, what it may hold, and an example for the page at /docs."""

    type: FieldType
    says: Words = "not described"
    example: str | int | float | bool | None = None
    nullable: bool = False
    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    at_least: float | None = None
    at_most: float | None = None
    unit: Words | None = None

    @field_validator("example", mode="before")
    @classmethod
    def _as_json_holds_it(cls, value: Any, info: ValidationInfo) -> Any:
        """Take a moment as YAML reads it without quotes."""
        if isinstance(value, datetime) and info.data.get("type") == "moment":
            return value.isoformat()
        is_endless = isinstance(value, float) and not math.isfinite(value)
        if is_endless or (isinstance(value, date | Sequence | Mapping) and not isinstance(value, str)):
            raise ValueError(f"expected {_expected(info.data.get('type', 'text'))}")
        return value

    @model_validator(mode="after")
    def _agrees_with_its_type(self) -> Self:
        if mistakes := [*self._mistakes()] or [*self._mistakes_of_example()]:
            raise mistaken(*mistakes)
        return self

    def _mistakes(self) -> Iterator[Mistake]:
        belongs = {"pattern": ("text",), "at_least": ("whole", "number"), "at_most": ("whole", "number")}
        for name, types in belongs.items():
            if getattr(self, name) is not None and self.type not in types:
                problem = f"belongs to {' and '.join(types)}, and the field is a {self.type}"
                yield Mistake((name,), problem, "Remove it, or correct the type.")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            problem = f"is {self.at_most:g}, expected at least {self.at_least:g}, which is 'at_least'"
            yield Mistake(("at_most",), problem)

    def _mistakes_of_example(self) -> Iterator[Mistake]:
        if self.example is not None and (wanted := self._wanted_instead()):
            yield Mistake(("example",), f"is {self.example!r}, expected {wanted}", "Write one that a client may send.")

    def _wanted_instead(self) -> str:
        """Return what was expected of the example, empty if it is what the service takes."""
        value, types = self.example, HELD[self.type][1]
        # True is a whole number to Python.
        if not isinstance(value, types) or isinstance(value, bool) is not (self.type == "truth"):
            return _expected(self.type)
        if self.type == "moment" and not _has_zone(str(value)):
            return _expected(self.type)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.at_least is not None and value < self.at_least:
                return f"a number from {self.at_least:g} up, which is 'at_least'"
            if self.at_most is not None and value > self.at_most:
                return f"a number up to {self.at_most:g}, which is 'at_most'"
        if self.pattern is not None and not _fits(self.pattern, value):
            return f"a text that fits {self.pattern}"
        return ""


def _expected(kind: str) -> str:
    return HELD[kind][0]


def _has_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is not None
    except ValueError:
        return False


def _fits(pattern: str, value: Any) -> bool:
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern)).validate_python(value)
    except ValidationError:
        return False
    return True
