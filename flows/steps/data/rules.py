"""The rules of config/validation.yaml: read, checked and closed against what an expectation ignores in silence."""

# pydantic reads the annotations at run time, so they stay real.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import polars as pl
from pydantic import Field, RootModel, field_validator, model_validator

from flows.steps.data.batch_tables import NAMED_BY as TABLES
from handrail.config import Section, read_config
from handrail.errors import Misconfigured

FILE = "config/validation.yaml"
if TYPE_CHECKING:
    Table = str
else:
    Table = Literal[tuple(TABLES)]
AtFault = Literal["stop", "quarantine", "report"]
ROW_COUNT = "expect_table_row_count_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation over one table, and what happens to rows at fault."""

    name: str
    expect: str
    arguments: Mapping[str, Any]
    at_fault: AtFault
    max_share: float
    says: str
    values_from: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that this rule checks; none if it is about the table."""
        one = self.arguments.get("column")
        return (one,) if one else tuple(self.arguments.get("column_list", ()))

    def bound(self, tables: Mapping[str, pl.DataFrame]) -> Mapping[str, Any]:
        """Return the arguments with the set of allowed values read from another table of the batch."""
        if self.values_from is None:
            return self.arguments
        table, column = self.values_from.split(".")
        values = tables[table].get_column(column).drop_nulls().unique().sort().to_list()
        return {**self.arguments, "value_set": values}


class RuleKeys(Section):
    """One rule as the file writes it."""

    name: str
    expect: str
    arguments: dict[str, Any] = Field(alias="with")
    at_fault: AtFault
    says: str
    max_share: Annotated[float, Field(ge=0, lt=1, strict=True)] | None = None
    values_from: str | None = None

    @field_validator("values_from")
    @classmethod
    def _names_a_column(cls, text: str | None) -> str | None:
        if text is not None and (text.count(".") != 1 or text.split(".")[0] not in TABLES):
            raise ValueError("expected table.column")
        return text

    @model_validator(mode="after")
    def _has_a_share_unless_it_stops(self) -> Self:
        if self.at_fault == "stop" and self.max_share is not None:
            raise ValueError("at_fault is stop, which takes no max_share")
        if self.at_fault != "stop" and self.max_share is None:
            raise ValueError("max_share is missing, expected a share from 0 up to, not including, 1")
        return self

    def rule(self) -> Rule:
        """Return what it says."""
        share = self.max_share or 0.0
        return Rule(self.name, self.expect, self.arguments, self.at_fault, share, self.says, self.values_from)


class RulesFile(RootModel[dict[Table, Annotated[list[RuleKeys], Field(min_length=1)]]]):
    """The whole file: the rules of every table."""


def read_rules(project: Path) -> dict[str, tuple[Rule, ...]]:
    """Read the rules of every table.

    Raises:
        Misconfigured: a table has no rules, a key is misspelt, or a rule leaves a hole; the sentence names it.
    """
    given = read_config(project / FILE, RulesFile, shown=FILE).root
    for table in TABLES:
        if table not in given:
            raise _wrong(table, "it has no rules, so any batch would pass")
    rules = {str(table): tuple(each.rule() for each in entries) for table, entries in given.items()}
    for table, of in rules.items():
        names = [rule.name for rule in of]
        for name in names:
            if names.count(name) > 1:
                raise _wrong(table, f"two rules are named {name!r}")
        close_holes(table, of)
    return {table: rules[table] for table in TABLES}


def close_holes(table: str, rules: Sequence[Rule]) -> None:
    """Refuse rules that an empty table, or a column of nulls, would satisfy.

    Raises:
        Misconfigured: there is no row-count rule above zero, or a checked column may be null throughout.
    """
    counts = [rule for rule in rules if rule.expect == ROW_COUNT and rule.arguments.get("min_value", 0) >= 1]
    if not any(rule.at_fault == "stop" for rule in counts):
        raise _wrong(table, f"no rule stops a table without rows, expected {ROW_COUNT} with min_value of at least 1")
    filled = {column for rule in rules if rule.expect == NOT_NULL for column in rule.columns}
    for rule in rules:
        for column in sorted(set(rule.columns) - filled):
            raise _wrong(
                f"{table}: {rule.name!r}", f"{column!r} may be null throughout, expected a rule {NOT_NULL} too"
            )


def _wrong(where: str, problem: str) -> Misconfigured:
    return Misconfigured(FILE, f"{where}: {problem}", "Correct it there.")
