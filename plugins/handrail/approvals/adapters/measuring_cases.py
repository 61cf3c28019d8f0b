"""What both versions come to on the same cases: each measure, and each group of rows. Runs confined, as `measuring`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from handrail.approvals.adapters.row_groups import groups_of
from handrail.approvals.domain.cases import DECIDED, LONGEST_VALUE, gain_of, kept_apart
from handrail.statistics import (
    METRICS_OF,
    Metric,
    Scored,
    called_share,
    estimate,
    found_share,
    metric_named,
    right_share,
)

LEAST_CLUSTERS = 5
"""An interval over fewer clusters would say more than they do: that of one cluster has no width."""
DIGITS = 9
Plan = Mapping[str, Any]
Values = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Beside:
    """Versions on the same rows: `candidate`, and `champion` if there is one, with the `weights` (draws, clusters).

    `drawn` has metrics of the candidate that are known already, (draws,) each.
    """

    candidate: Scored
    champion: Scored | None
    weights: np.ndarray
    drawn: Values = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, Scored]:
        """The versions that there are, by what they are."""
        return {"candidate": self.candidate, **({"champion": self.champion} if self.champion else {})}

    def part(self, chosen: np.ndarray) -> Beside:
        """Return the chosen rows (boolean mask), under the same draws as far as they have one of these rows."""
        present, counts = np.unique(self.candidate.cluster[chosen], return_counts=True)
        weights = self.weights[:, present]
        champion = self.champion.part(chosen) if self.champion else None
        return Beside(self.candidate.part(chosen), champion, weights[weights @ counts > 0])


def measured_cases(beside: Beside, table: pa.Table, plan: Plan, known: Mapping[str, Any]) -> dict[str, Any]:
    """Measure all that the plan's `cases` ask for.

    Args:
        beside: the versions; `predicted` is the label that each package decides.
        table: the rows (n,) that they were asked about.
        plan: the fields of an `EvaluationPlan`.
        known: `evaluation`, and `comparison` or None, whose numbers are not computed again.

    Returns:
        what `read_cases` reads: `measures` by name, `groups`, `missing`, the places of slices without a column, and
        `span`, the first and the last cluster by name.
    """
    asked, groups, missing = plan["cases"], [], []
    for place, grouping in enumerate(asked["groupings"]):
        if table.column_names.count(grouping["column"]) == 1:
            groups += list(_groups(beside, table[grouping["column"]], place, plan))
        else:
            missing.append(place)
    measures = {measure["name"]: _measured(measure["name"], beside, plan, known) for measure in asked["measures"]}
    return {"measures": measures, "groups": groups, "missing": missing, "span": _span(table, plan)}


def _span(table: pa.Table, plan: Plan) -> list[str]:
    names = {str(name)[:LONGEST_VALUE] for name in table[plan["columns"]["cluster"]].unique().to_pylist()}
    return [min(names), max(names)]


def _measured(name: str, beside: Beside, plan: Plan, known: Mapping[str, Any]) -> dict[str, float | None]:
    found = _figures(_values(name, beside, plan), beside.candidate.clusters)
    evaluation, comparison = known["evaluation"], known["comparison"]
    if name in evaluation:
        ends = {f"candidate{end}": evaluation[f"{name}{end}"] for end in ("", "_low", "_high")}
        found |= ends
    if name == plan["main"] and comparison is not None:
        found |= gain_of(comparison, metric_named(plan["kind"], name).better)
    return found


def _values(name: str, beside: Beside, plan: Plan) -> Values:
    """Return a measure of each version, (draws,) each."""
    metrics = {metric.name: metric.values for metric in METRICS_OF[plan["kind"]]}
    of = metrics.get(name) or _decided(name)
    values = {"champion": of(beside.champion, beside.weights)} if beside.champion else {}
    known = beside.drawn.get(name)
    return values | {"candidate": of(beside.candidate, beside.weights) if known is None else known}


def _decided(name: str) -> Any:
    word, _, code = name.partition("_")
    share = {"found": found_share, "right": right_share, "called": called_share}[word]
    return partial(share, code=int(code or 1))


def _figures(values: Values, clusters: int) -> dict[str, float | None]:
    """Return both versions with the difference, and what intervals can be said over so many clusters."""
    figures: dict[str, float | None] = dict.fromkeys(("champion", "delta", "low", "high"))
    mine = estimate(values["candidate"])
    figures |= {"candidate": mine.value, "candidate_low": mine.low, "candidate_high": mine.high}
    if "champion" in values:
        delta = estimate(values["candidate"] - values["champion"])
        figures |= {"champion": float(values["champion"][0])}
        figures |= {"delta": delta.value, "low": delta.low, "high": delta.high}
    if clusters < LEAST_CLUSTERS:
        figures |= dict.fromkeys(("low", "high", "candidate_low", "candidate_high"))
    return {name: _number(value) for name, value in figures.items()}


def _number(value: float | None) -> float | None:
    return round(value, DIGITS) if value is not None and np.isfinite(value) else None


def _groups(beside: Beside, column: pa.ChunkedArray, place: int, plan: Plan) -> Iterator[dict[str, Any]]:
    asked = plan["cases"]
    most = kept_apart(asked["groupings"], asked["most"])
    groups = groups_of(column, asked["groupings"][place], asked["least_rows"], most)
    metric = metric_named(plan["kind"], plan["main"])
    for code, value in enumerate(groups.values):
        chosen = groups.code == code
        about = {"grouping": place, "value": value, "rows": int(chosen.sum())}
        yield about | _group(beside.part(chosen), metric, plan["kind"])


def _group(part: Beside, metric: Metric, kind: str) -> dict[str, Any]:
    values = {who: metric.values(scored, part.weights) for who, scored in part.versions.items()}
    found: dict[str, Any] = dict.fromkeys(DECIDED)
    if kind == "binary":
        once, shares = part.weights[:1], {"found": found_share, "right": right_share, "called": called_share}
        found |= {
            f"{name}_{who}": _number(float(share(of, once)[0]))
            for name, share in shares.items()
            for who, of in part.versions.items()
        }
    called = (of.predicted is not None and bool(of.predicted.any()) for of in part.versions.values())
    return {**_figures(values, part.candidate.clusters), **found, "silent": kind == "binary" and not any(called)}
