"""How differently the candidate treats groups of the rows. Runs confined, as `measuring`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from handrail.approvals.adapters.measuring_cases import Beside
from handrail.approvals.adapters.row_groups import groups_of
from handrail.statistics import disparities

MOST_GROUPS = 40
"""All pairs of groups are compared, so that twice as many cost four times as much."""


def measured_fairness(beside: Beside, table: pa.Table, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the groups of each segment, under the draws that all intervals are made from.

    Args:
        beside: the versions; `predicted` is the label that each package decides.
        table: the rows (n,) that they were asked about.
        plan: the fields of an `EvaluationPlan` with `fairness`.

    Returns:
        what `read_fairness` reads; a segment for which the rows have no column is left out.
    """
    asked, groupings = plan["fairness"], {one["name"]: one for one in plan["cases"]["groupings"]}
    found = {}
    for segment in asked["segments"]:
        grouping = groupings[segment]
        if table.column_names.count(grouping["column"]) == 1:
            groups = groups_of(table[grouping["column"]], grouping, asked["least_rows"], MOST_GROUPS)
            found[segment] = _compared(beside, groups.code, groups.values, plan)
    return found


def _compared(
    beside: Beside, code: np.ndarray, values: tuple[str | None, ...], plan: Mapping[str, Any]
) -> dict[str, Any]:
    least_rows = plan["fairness"]["least_rows"]
    rates = disparities(plan["kind"], beside.candidate, code, beside.weights, least_rows)
    judged = max((int(np.isfinite(rate.rates).sum()) for rate in rates.values()), default=0)
    apart = {
        name: rate.as_dict() | {"highest": values[rate.highest], "lowest": values[rate.lowest]}
        for name, rate in rates.items()
    }
    return {"groups": len(values), "judged": judged, "rows": len(code)} | apart
