"""`python -m flows.steps.data.proposing`: rules that the raw tables suggest and config/validation.yaml lacks.

They are learned from the first half of each table's rows and tried on the second, so that whoever reviews them sees
which ones would have found something. A person copies what should hold; nothing here changes a rule that is in force.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.steps.data.batch_tables import NAMED_BY, QUARANTINED, tables_to_check
from flows.steps.data.cleaning import clean, read_cleaning
from flows.steps.data.gx_checkpoint import RuleResult, run_checkpoint
from flows.steps.data.raw_files import read_raw
from flows.steps.data.rules import FILE, NOT_NULL, ROW_COUNT, AtFault, Rule, read_rules
from flows.steps.project.params import read_params
from handrail.errors import HandrailError

REPORT = Path("reports") / "proposed_rules.yaml"
BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
UNIQUE, UNIQUE_TOGETHER = "expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"
MOST_VALUES, ROWS_A_VALUE = 30, 20
"""A text of so few values, each from so many rows on average, is a category."""
MARGIN = 0.1
"""A range is widened by this part of itself on both sides."""
SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule, and what it finds in the rows that it was not learned from."""

    table: str
    rule: Rule
    tried: RuleResult

    def line(self) -> str:
        """Return it as config/validation.yaml writes it, with a remark."""
        rule = self.rule
        entry: dict[str, Any] = {"name": rule.name, "expect": rule.expect, "with": dict(rule.arguments)}
        entry["at_fault"] = rule.at_fault
        if rule.at_fault != "stop":
            entry["max_share"] = rule.max_share
        entry["says"] = rule.says
        text = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=math.inf).strip()
        return f"  - {text}  # {self._remark()}"

    def _remark(self) -> str:
        if self.tried.met:
            return f"finds nothing in {self.tried.evaluated:,} later rows"
        found = f"finds {len(self.tried.rows):,} of {self.tried.evaluated:,} later rows"
        return f"{self.tried.problem or found}, and would have stopped the batch" if self.tried.stops else found


def propose(tables: Mapping[str, pl.DataFrame], rules: Mapping[str, Sequence[Rule]]) -> list[Proposal]:
    """Return what the rows of each table suggest beyond the rules in force, in the order of tables and columns.

    Args:
        tables: those that config/validation.yaml names, as they are checked.
        rules: what is in force.
    """
    found = []
    for table, frame in tables.items():
        first = frame.head((frame.height + 1) // 2)
        known = {(rule.expect, rule.columns) for rule in rules.get(table, ())}
        new = [rule for rule in _suggested(table, first) if (rule.expect, rule.columns) not in known]
        if new:
            tried = run_checkpoint(table, frame.slice(first.height), new, tables)
            found += [Proposal(table, rule, each) for rule, each in zip(new, tried, strict=True)]
    return found


def written(proposals: Sequence[Proposal]) -> str:
    """Return the proposals as a file of rules, for people."""
    lines = [f"# What data/raw suggests and {FILE} lacks. Read each; copy what should hold, with limits that you mean."]
    for table in dict.fromkeys(each.table for each in proposals):
        lines += ["", f"{table}:", *(each.line() for each in proposals if each.table == table)]
    return "\n".join([*lines, ""])


def _suggested(table: str, frame: pl.DataFrame) -> Iterator[Rule]:
    """Suggest rules for one table, with names that are its own."""
    at_fault: AtFault = "quarantine" if table in QUARANTINED else "report"
    yield Rule("row count", ROW_COUNT, {"min_value": max(frame.height // 2, 1)}, "stop", 0.0, "too few rows")
    names = [name for name in NAMED_BY[table] if name in frame.columns]
    if names and frame.height and not frame.select(names).is_duplicated().any():
        together: dict[str, Any] = {"column": names[0]} if len(names) == 1 else {"column_list": names}
        expect = UNIQUE if len(names) == 1 else UNIQUE_TOGETHER
        shown = " and ".join(names)
        yield Rule(f"{shown} once", expect, together, at_fault, SHARE, f"the same {shown} twice")
    for column in frame.iter_columns():
        yield from _of_column(column, at_fault)


def _of_column(column: pl.Series, at_fault: AtFault) -> Iterator[Rule]:
    name, some = column.name, column.drop_nulls()
    if some.is_empty():
        return
    if len(some) == len(column):
        yield Rule(f"{name} given", NOT_NULL, {"column": name}, at_fault, SHARE, f"no {name}")
    elif (mostly := _least_share(len(some), len(column))) > 0:
        yield Rule(f"{name} given", NOT_NULL, {"column": name, "mostly": mostly}, "stop", 0.0, f"too often no {name}")
    else:
        # A rule for what is in it would pass where it is always empty.
        return
    if column.dtype.is_numeric():
        low, high = _widened(some)
        limits = {"column": name, "min_value": low, "max_value": high}
        yield Rule(f"{name} in range", BETWEEN, limits, at_fault, SHARE, f"{name} below {low} or above {high}")
    elif column.dtype == pl.String and some.n_unique() <= min(MOST_VALUES, len(some) // ROWS_A_VALUE):
        values = some.unique().sort().to_list()
        known = {"column": name, "value_set": values}
        yield Rule(f"{name} known", IN_SET, known, at_fault, SHARE, f"{name} was never seen before")


def _least_share(some: int, rows: int) -> float:
    """Return a share that is surely exceeded while as much is given as now."""
    share = some / rows
    return math.floor((share - 0.01 - 3 * math.sqrt(share * (1 - share) / rows)) * 100) / 100


def _widened(values: pl.Series) -> tuple[float, float]:
    low, high = (values.cast(pl.Float64).quantile(each) or 0.0 for each in (0.0, 1.0))
    margin = MARGIN * (high - low)
    # What is never negative is a count or a size.
    least = max(low - margin, 0.0) if low >= 0 else low - margin
    if values.dtype.is_integer():
        return math.floor(least), math.ceil(high + margin)
    return round(least, 6), round(high + margin, 6)


def main(project: Path) -> int:
    """Write the proposals of a project and say how many there are; return 1 if they cannot be made."""
    try:
        raw, _ = clean(read_raw(project / "data" / "raw"), read_cleaning(project))
        proposals = propose(tables_to_check(raw, read_params(project).as_of), read_rules(project))
    except HandrailError as err:
        sys.stderr.write(f"proposing: {err}\n")
        return 1
    (project / REPORT).parent.mkdir(exist_ok=True)
    (project / REPORT).write_text(written(proposals), encoding="utf-8")
    for table in dict.fromkeys(each.table for each in proposals):
        tried = [each.tried for each in proposals if each.table == table]
        finding = sum(not each.met for each in tried)
        sys.stdout.write(f"{table}: {len(tried)} rules to review, {finding} find something in later rows\n")
    sys.stdout.write(f"Written to {REPORT.as_posix()}: read each, and copy what should hold into {FILE}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
