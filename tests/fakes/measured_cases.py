"""What the gate measured of two versions, as the page of a request gets it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from handrail.entrypoints.console.request_cases import cases_of
from tests.fakes.approvals_evidence import WORDING

BOUND = SimpleNamespace(model="flights", version=3, incumbent=1, alias="champion")
MEASURED = {
    "rows": 26857,
    "clusters": 30,
    "main": "roc_auc",
    "measures": [
        {"name": "roc_auc", "label": "ROC-AUC", "about": "", "better": "higher", "unit": ""}
        | {"champion": 0.7434, "candidate": 0.746, "delta": 0.0027, "low": -0.0026, "high": 0.0073},
        {"name": "found", "label": "Late flights found", "about": "", "better": "higher", "unit": "share"}
        | {"champion": 0.244, "candidate": 0.243, "delta": -0.001, "low": -0.028, "high": 0.026},
        {"name": "brier", "label": "Brier score", "about": "", "better": "lower", "unit": ""}
        | {"champion": 0.1, "candidate": 0.09, "delta": -0.01, "low": -0.012, "high": -0.008},
    ],
    "groups": [
        {"column": "hour", "value": "11", "label": "departs at 11 h", "rows": 1500, "champion": 0.71, "candidate": 0.69}
        | {"delta": -0.016, "low": -0.05, "high": -0.003, "found_champion": 0.2, "found_candidate": 0.1, "worse": True},
        {"column": "carrier", "value": "UA", "rows": 4615, "champion": 0.753, "candidate": None, "delta": None}
        | {"low": None, "high": None, "found_champion": None, "found_candidate": None, "worse": False},
    ],
    "silent": ["departs at 06 h"],
}


def cases_with(**changes: Any) -> dict[str, Any]:
    """Return the tables of a measurement with other facts."""
    evaluation: dict[str, Any] = {
        "problem": None,
        "measures": {"evaluation": {}},
        "custodians": ["ada"],
        "cases": MEASURED | changes,
    }
    return cases_of(evaluation, BOUND, wording=WORDING)
