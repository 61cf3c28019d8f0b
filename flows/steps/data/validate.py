"""Stage validate: clean and check data/raw, set rows at fault aside with the reason, and stop beyond the thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from flows.steps.data.batch_tables import NAMED_BY, QUARANTINED, tables_to_check
from flows.steps.data.cleaning import Cleaned, clean, cleaning_reasons, read_cleaning
from flows.steps.data.gx_checkpoint import RuleResult, run_checkpoint
from flows.steps.data.raw_files import read_raw
from flows.steps.data.rules import FILE, Rule, read_rules
from flows.steps.project.outputs import fresh_folder, write_json, write_parquet
from flows.steps.project.params import read_params
from handrail.errors import Refused

EXAMPLES = 5


def run(project: Path) -> None:
    """Write data/quarantine and data/validation.json of `project`, and data/validated if the batch may be used.

    Raises:
        InvalidInput: a raw file is missing or is not what the manifest says.
        Refused: more is at fault than config/validation.yaml allows, or more is corrected than config/cleaning.yaml
            allows; quarantine and evidence are kept for inspection.
    """
    params = read_params(project)
    rules = read_rules(project)
    raw, cleaned = clean(read_raw(project / "data" / "raw"), read_cleaning(project))
    checked = tables_to_check(raw, params.as_of)
    outcomes = check(checked, rules)
    kept, set_aside = split(raw, outcomes)
    with fresh_folder(project / "data" / "quarantine") as folder:
        for name, rows in set_aside.items():
            write_parquet(rows, folder / f"{name}.parquet")
    reasons = [*cleaning_reasons(cleaned), *stop_reasons(checked, outcomes)]
    write_json(project / "data" / "validation.json", evidence(params.as_of, checked, outcomes, set_aside, cleaned))
    if reasons:
        remedy = f"Look at data/validation.json and data/quarantine, then correct the source or {FILE}."
        raise Refused("Using data/raw", (f"{'; '.join(reasons)}.", remedy))
    with fresh_folder(project / "data" / "validated") as folder:
        for name, rows in kept.items():
            write_parquet(rows, folder / f"{name}.parquet")


def check(tables: Mapping[str, pl.DataFrame], rules: Mapping[str, Sequence[Rule]]) -> dict[str, list[RuleResult]]:
    """Run one checkpoint a table."""
    return {table: run_checkpoint(table, tables[table], agreed, tables) for table, agreed in rules.items()}


def split(
    raw: Mapping[str, pl.DataFrame], outcomes: Mapping[str, Sequence[RuleResult]]
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Separate the rows that a quarantine rule found from the rest; they get a column `reason`."""
    kept, set_aside = dict(raw), {}
    for table in QUARANTINED:
        reasons: dict[int, list[str]] = {}
        for outcome in outcomes[table]:
            if outcome.rule.at_fault == "quarantine":
                for row in outcome.rows:
                    reasons.setdefault(row, []).append(outcome.rule.says)
        rows = sorted(reasons)
        reason = pl.Series("reason", ["; ".join(reasons[row]) for row in rows], dtype=pl.String)
        set_aside[table] = raw[table][rows].with_columns(reason)
        kept[table] = raw[table].with_row_index("position").filter(~pl.col("position").is_in(rows)).drop("position")
    return kept, set_aside


def stop_reasons(tables: Mapping[str, pl.DataFrame], outcomes: Mapping[str, Sequence[RuleResult]]) -> list[str]:
    """Say for each rule beyond its threshold what was found, where, and how much is allowed."""
    return [
        _finding(table, tables[table], outcome)
        for table, found in outcomes.items()
        for outcome in found
        if outcome.stops
    ]


def evidence(
    as_of: datetime,
    tables: Mapping[str, pl.DataFrame],
    outcomes: Mapping[str, Sequence[RuleResult]],
    set_aside: Mapping[str, pl.DataFrame],
    cleaned: Sequence[Cleaned] = (),
) -> dict[str, Any]:
    """Return what was checked and found, without times and ids: the same for the same batch and rules."""
    every = [(table, outcome) for table, found in outcomes.items() for outcome in found]
    return {
        "as_of": as_of.isoformat(),
        "usable": not any(outcome.stops for _, outcome in every) and not any(each.stops for each in cleaned),
        "rows": {table: tables[table].height for table in outcomes},
        "cleaned": [each.entry() for each in cleaned],
        "quarantined": {table: rows.height for table, rows in set_aside.items()},
        "evaluated": len(every),
        "unmet": sum(not outcome.met for _, outcome in every),
        "findings": [_finding(table, tables[table], outcome) for table, outcome in every if not outcome.met],
        "expectations": [_entry(table, tables[table], outcome) for table, outcome in every],
    }


def _entry(table: str, frame: pl.DataFrame, outcome: RuleResult) -> dict[str, Any]:
    rule = outcome.rule
    return {
        "table": table,
        "rule": rule.name,
        "expectation": rule.expect,
        "arguments": dict(rule.arguments),
        "values_from": rule.values_from,
        "at_fault": rule.at_fault,
        "max_share": rule.max_share,
        "met": outcome.met,
        "stops": outcome.stops,
        "evaluated": outcome.evaluated,
        "unexpected": len(outcome.rows),
        "examples": _examples(table, frame, outcome.rows[:EXAMPLES]),
        "problem": outcome.problem,
    }


def _finding(table: str, frame: pl.DataFrame, outcome: RuleResult) -> str:
    rule = outcome.rule
    where = f"{table}: {rule.says}"
    if outcome.problem is not None:
        return f"{where} ({outcome.problem})"
    rows = f"{len(outcome.rows)} of {outcome.evaluated} rows"
    allowed = "" if rule.at_fault == "stop" else f", allowed is a share of {rule.max_share:g}"
    values = frame[list(outcome.rows[:1])].select(rule.columns).row(0) if rule.columns else ()
    first = ", ".join(f"{name} {value!r}" for name, value in zip(rule.columns, values, strict=True))
    return f"{where} ({rows}{allowed}; first {' '.join(_examples(table, frame, outcome.rows[:1]))}: {first})"


def _examples(table: str, frame: pl.DataFrame, rows: Sequence[int]) -> list[str]:
    moment = cs.datetime().dt.strftime("%Y-%m-%dT%H:%MZ")
    names = frame[list(rows)].select(NAMED_BY[table]).with_columns(moment)
    return names.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series().to_list()
