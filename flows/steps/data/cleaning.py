"""config/cleaning.yaml: what is corrected in the raw tables before they are checked, with how often it was."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from handrail.config import Section, read_config
from handrail.errors import Misconfigured

FILE = "config/cleaning.yaml"
EXAMPLES = 5
Value = bool | int | float | str
OPERATIONS = ("trim", "case", "replace", "missing", "between", "repeated")


class CleaningKeys(Section):
    """One rule as the file writes it: one operation on one column, or on whole rows."""

    name: Annotated[str, Field(min_length=1)]
    says: Annotated[str, Field(min_length=1)]
    max_share: Annotated[float, Field(ge=0, lt=1, strict=True)]
    column: str | None = None
    trim: Literal[True] | None = None
    case: Literal["upper", "lower"] | None = None
    replace: Annotated[dict[Value, Value], Field(min_length=1)] | None = None
    missing: Annotated[list[Value], Field(min_length=1)] | None = None
    between: Annotated[list[int | float], Field(min_length=2, max_length=2)] | None = None
    repeated: Literal["drop"] | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if sum(getattr(self, name) is not None for name in OPERATIONS) != 1:
            raise ValueError(f"expected one of {', '.join(OPERATIONS)}")
        if (self.column is None) is not (self.repeated is not None):
            raise ValueError(
                "column is missing" if self.column is None else "repeated is about whole rows, not a column"
            )
        return self


class CleaningFile(Section):
    """The whole file: the rules of each raw table that has some, in the order in which they are applied."""

    version: Literal[1]
    tables: dict[str, list[CleaningKeys]] = {}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What one rule did: so many of `of` cells that had a value, or of rows, are otherwise now.

    `rows` are the places of the first ones, with the value before and after; of dropped rows only how many they were.
    """

    table: str
    rule: CleaningKeys
    changed: int
    of: int
    examples: tuple[tuple[int, Any, Any], ...] = ()

    @property
    def stops(self) -> bool:
        """Whether it is more than somebody allowed: then the source changed, and the rule may be wrong."""
        return self.changed > self.rule.max_share * self.of

    def finding(self) -> str:
        """Return it as a sentence for whoever has to look."""
        rule = self.rule
        return (
            f"{self.table}: {rule.says}: {rule.name!r} changes {self.changed} of {self.of}, "
            f"allowed is a share of {rule.max_share:g}"
        )

    def entry(self) -> dict[str, Any]:
        """Return it as evidence."""
        rule = self.rule
        examples = [{"row": row, "before": before, "after": after} for row, before, after in self.examples]
        what = {name: found for name in OPERATIONS if (found := getattr(rule, name)) is not None}
        return {
            "table": self.table,
            "rule": rule.name,
            "column": rule.column,
            "does": {name: _plain(found) for name, found in what.items()},
            "changed": self.changed,
            "of": self.of,
            "max_share": rule.max_share,
            "stops": self.stops,
            "says": rule.says,
            "examples": examples,
        }


def read_cleaning(project: Path) -> dict[str, tuple[CleaningKeys, ...]]:
    """Read the rules of each table; none where there is no file.

    Raises:
        Misconfigured: a key is misspelt or wrong, or a name is used twice; the sentence names it.
    """
    if not (project / FILE).is_file():
        return {}
    given = read_config(project / FILE, CleaningFile, shown=FILE).tables
    for table, rules in given.items():
        names = [rule.name for rule in rules]
        for name in names:
            if names.count(name) > 1:
                raise _wrong(table, f"two rules are named {name!r}")
    return {table: tuple(rules) for table, rules in given.items()}


def clean(
    raw: Mapping[str, pl.DataFrame], rules: Mapping[str, Sequence[CleaningKeys]]
) -> tuple[dict[str, pl.DataFrame], list[Cleaned]]:
    """Apply the rules of each table in their order; return the tables, and what each rule did.

    Columns and their types stay. What is empty stays empty: a rule corrects values, it makes none up.

    Raises:
        Misconfigured: a rule names a table or column that is not there, or a value that is not of the column's type.
    """
    tables, done = dict(raw), []
    for table, of in rules.items():
        if table not in tables:
            raise _wrong(table, f"it is no raw table, expected one of {', '.join(sorted(tables))}")
        for rule in of:
            tables[table], outcome = _apply(table, tables[table], rule)
            done.append(outcome)
    return tables, done


def _apply(table: str, frame: pl.DataFrame, rule: CleaningKeys) -> tuple[pl.DataFrame, Cleaned]:
    if rule.column is None:
        kept = frame.unique(maintain_order=True, keep="first")
        return kept, Cleaned(table, rule, frame.height - kept.height, frame.height)
    if rule.column not in frame.columns:
        raise _wrong(table, f"{rule.name!r} is about {rule.column!r}, which is no column of it")
    before = frame.get_column(rule.column)
    after = _corrected(table, before, rule)
    at = (before.is_not_null() & before.ne_missing(after)).arg_true()
    first = tuple((row, _plain(before[row]), _plain(after[row])) for row in at.head(EXAMPLES).to_list())
    outcome = Cleaned(table, rule, len(at), len(before) - before.null_count(), first)
    return frame.with_columns(after.alias(rule.column)), outcome


def _corrected(table: str, values: pl.Series, rule: CleaningKeys) -> pl.Series:
    if (rule.trim or rule.case) and values.dtype != pl.String:
        raise _wrong(table, f"{rule.name!r} is for texts, and {rule.column} holds {values.dtype}")
    if rule.trim:
        return values.str.strip_chars()
    if rule.case:
        return values.str.to_uppercase() if rule.case == "upper" else values.str.to_lowercase()
    if rule.between:
        if not values.dtype.is_numeric():
            raise _wrong(table, f"{rule.name!r} is for numbers, and {rule.column} holds {values.dtype}")
        return values.set(~values.is_between(rule.between[0], rule.between[1]), None)
    named = rule.missing or list((rule.replace or {}).keys())
    old = _typed(table, values, rule, named)
    new = pl.Series([None] * len(old), dtype=values.dtype) if rule.missing else None
    new = _typed(table, values, rule, list((rule.replace or {}).values())) if new is None else new
    return values.replace(old, new)


def _typed(table: str, values: pl.Series, rule: CleaningKeys, given: Sequence[Value]) -> pl.Series:
    """Return values of the file as the column holds them."""
    try:
        typed = pl.Series(given, dtype=values.dtype, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as err:
        shown = ", ".join(repr(each) for each in given)
        raise _wrong(table, f"{rule.name!r} has {shown}, and {rule.column} holds {values.dtype}") from err
    return typed


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    return value if value is None or isinstance(value, Value | list) else str(value)


def cleaning_reasons(done: Sequence[Cleaned]) -> Iterator[str]:
    """Say for each rule that changed more than is allowed how much that is."""
    return (each.finding() for each in done if each.stops)


def _wrong(where: str, problem: str) -> Misconfigured:
    return Misconfigured(FILE, f"{where}: {problem}", "Correct it there.")
