"""The rules of config/validation.yaml: read, checked and closed against what an expectation passes over in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from flows.steps.project.params import read_yaml
from handrail.errors import Misconfigured

FILE = "config/validation.yaml"
TABLES = ("flights", "weather", "weather_hours", "weather_days", "planes", "airports", "airlines")
AtFault = Literal["stop", "quarantine", "report"]
ROW_COUNT = "expect_table_row_count_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
REQUIRED = frozenset({"name", "expect", "with", "at_fault", "says"})
OPTIONAL = frozenset({"values_from", "max_share"})


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
        """The columns that this rule looks at; none if it is about the table."""
        one = self.arguments.get("column")
        return (one,) if one else tuple(self.arguments.get("column_list", ()))

    def bound(self, tables: Mapping[str, pl.DataFrame]) -> Mapping[str, Any]:
        """Return the arguments with the set of allowed values read from another table of the batch."""
        if self.values_from is None:
            return self.arguments
        table, column = self.values_from.split(".")
        values = tables[table].get_column(column).drop_nulls().unique().sort().to_list()
        return {**self.arguments, "value_set": values}


def read_rules(project: Path) -> dict[str, tuple[Rule, ...]]:
    """Read the rules of every table.

    Raises:
        Misconfigured: a table has no rules, a key is misspelt, or a rule leaves a hole; the sentence names it.
    """
    given = read_yaml(project / FILE)
    for table in given.keys() - set(TABLES):
        raise _wrong(str(table), f"there is no such table, expected {', '.join(TABLES)}")
    return {table: _table_rules(table, given.get(table)) for table in TABLES}


def close_holes(table: str, rules: Sequence[Rule]) -> None:
    """Refuse rules that an empty table, or a column of nulls, would satisfy.

    Raises:
        Misconfigured: there is no row-count rule above zero, or a column is looked at that may be null throughout.
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


def _table_rules(table: str, given: Any) -> tuple[Rule, ...]:
    if not isinstance(given, list) or not given:
        raise _wrong(table, "it has no rules, so any batch would pass")
    rules = tuple(_rule(table, number, entry) for number, entry in enumerate(given, 1))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(table, f"two rules are named {name!r}")
    close_holes(table, rules)
    return rules


def _rule(table: str, number: int, entry: Any) -> Rule:
    where = f"{table}, rule {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("with"), dict):
        raise _wrong(where, "it is no mapping with a mapping `with`")
    for key in sorted(REQUIRED - entry.keys()):
        raise _wrong(where, f"the key {key} is missing")
    for key in sorted(entry.keys() - REQUIRED - OPTIONAL):
        raise _wrong(where, f"the key {key!r} is unknown, expected {', '.join(sorted(REQUIRED | OPTIONAL))}")
    if entry["at_fault"] not in get_args(AtFault):
        raise _wrong(where, f"at_fault is {entry['at_fault']!r}, expected {', '.join(get_args(AtFault))}")
    return Rule(
        name=str(entry["name"]),
        expect=str(entry["expect"]),
        arguments=entry["with"],
        at_fault=entry["at_fault"],
        max_share=_max_share(where, entry),
        says=str(entry["says"]),
        values_from=_values_from(where, entry.get("values_from")),
    )


def _max_share(where: str, entry: Mapping[str, Any]) -> float:
    if entry["at_fault"] == "stop":
        if "max_share" in entry:
            raise _wrong(where, "at_fault is stop, which takes no max_share")
        return 0.0
    share = entry.get("max_share")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise _wrong(where, f"max_share is {share!r}, expected a share from 0 up to, not including, 1")
    return float(share)


def _values_from(where: str, text: Any) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str) or text.count(".") != 1 or text.split(".")[0] not in TABLES:
        raise _wrong(where, f"values_from is {text!r}, expected table.column")
    return text


def _wrong(where: str, problem: str) -> Misconfigured:
    return Misconfigured(FILE, f"{where}: {problem}", "Correct it there.")
