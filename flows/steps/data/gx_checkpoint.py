"""Runs the rules of one table as a Great Expectations checkpoint, and trusts its answer only where it gave one.

Great Expectations calls a run a success when nothing was evaluated: no expectations, or expectations whose class was
not registered. Every rule that was agreed must therefore come back, once, under its own name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.steps.data.rules import FILE, Rule
from handrail.errors import Misconfigured, Refused


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule found. `rows` are the positions of the rows at fault, empty for a rule about the table."""

    rule: Rule
    met: bool
    evaluated: int
    rows: tuple[int, ...]
    problem: str | None

    @property
    def share(self) -> float:
        """Share of the rows that are at fault."""
        return len(self.rows) / self.evaluated if self.evaluated else 0.0

    @property
    def stops(self) -> bool:
        """Whether the batch may not be used."""
        if self.met:
            return False
        return self.rule.at_fault == "stop" or self.problem is not None or self.share > self.rule.max_share


def run_checkpoint(
    table: str, frame: pl.DataFrame, rules: Sequence[Rule], tables: Mapping[str, pl.DataFrame]
) -> list[RuleResult]:
    """Evaluate `rules` over `frame`; the outcomes are in the order of the rules.

    `tables` are the tables that a rule may read allowed values from.

    Raises:
        Refused: there are no rules, or not every rule was evaluated exactly once.
        Misconfigured: a rule names an expectation that does not exist or gives it wrong arguments.
    """
    if not rules:
        raise Refused(f"Checking {table}", ("There is no rule for it, so any batch would pass.",))
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    expectations = [_expectation(table, rule, tables) for rule in rules]
    return accept_results(table, rules, _validate(table, frame, expectations), frame.height)


def accept_results(table: str, rules: Sequence[Rule], results: Sequence[Any], height: int) -> list[RuleResult]:
    """Turn a checkpoint's results into outcomes, one for each agreed rule.

    Raises:
        Refused: a rule was not evaluated, or one was evaluated that nobody agreed.
    """
    by_name = {(result.expectation_config.meta or {}).get("rule"): result for result in results}
    agreed = {rule.name for rule in rules}
    if len(results) != len(rules) or by_name.keys() != agreed:
        lost = ", ".join(sorted(agreed - by_name.keys())) or "none"
        count = f"{len(rules)} rules were agreed and {len(results)} evaluated (not evaluated: {lost})."
        raise Refused(f"Checking {table}", (count, "Import the expectation's class before the checkpoint runs."))
    return [_outcome(rule, by_name[rule.name], height) for rule in rules]


def _expectation(table: str, rule: Rule, tables: Mapping[str, pl.DataFrame]) -> Any:
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    where = f"{table}: {rule.name!r}"
    try:
        return ExpectationConfiguration(
            type=rule.expect, kwargs=dict(rule.bound(tables)), meta={"rule": rule.name}
        ).to_domain_obj()
    except ExpectationNotFoundError as err:
        problem = f"{where}: no expectation is named {rule.expect!r}"
        raise Misconfigured(FILE, problem, "Correct the name, or import the class that defines it.") from err
    except ValueError as err:
        problem = " ".join(str(err).split())
        raise Misconfigured(FILE, f"{where}: {problem}", "Correct the arguments in `with`.") from err


def _validate(table: str, frame: pl.DataFrame, expectations: Sequence[Any]) -> list[Any]:
    import great_expectations as gx
    from great_expectations.checkpoint.checkpoint import Checkpoint
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset(table)
    suite = context.suites.add(gx.ExpectationSuite(table, expectations=list(expectations)))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite)
    )
    checkpoint = context.checkpoints.add(
        Checkpoint(name=table, validation_definitions=[definition], result_format={"result_format": "COMPLETE"})
    )
    answer = checkpoint.run(batch_parameters={"dataframe": frame.to_pandas()})
    return [result for validation in answer.run_results.values() for result in validation.results]


def _outcome(rule: Rule, result: Any, height: int) -> RuleResult:
    found = result.result
    rows = tuple(sorted(int(row) for row in found.get("unexpected_index_list") or ()))
    if result.success:
        return RuleResult(rule, met=True, evaluated=height, rows=rows, problem=None)
    problem = _exception(result.exception_info)
    if problem is None and not rows:
        problem = f"found {found.get('observed_value', 'nothing')}"
    return RuleResult(rule, met=False, evaluated=height, rows=rows, problem=problem)


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """Return the first exception's own sentence; the mapping has one entry a metric when a metric failed."""
    for entry in (info or {}).values():
        if isinstance(entry, Mapping) and entry.get("exception_message"):
            return str(entry["exception_message"]).removeprefix("Error: ").rstrip(".")
    message = (info or {}).get("exception_message")
    return str(message) if message else None
