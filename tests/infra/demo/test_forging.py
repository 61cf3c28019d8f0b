"""A claimed number stops the demo unless the gate judged by one of its own."""

import pytest

from handrail.errors import Refused
from infra.demo.forging import judged_by_its_own_number

REFUSED = "evaluation.roc_auc is 0.56, recomputed by the gate; the policy wants at least 0.74. 0.8 was claimed by ada."


def _request(*measured, reasons=()):
    rows = [{"measure": "evaluation.roc_auc", "value": value, "level": level} for value, level in measured]
    return {"measures": [*rows, {"measure": "parity.x", "value": 0.8, "level": "claimed"}], "reasons": list(reasons)}


def test_the_reason_of_the_gate_is_shown():
    request = _request((0.56, "recomputed"), reasons=["Something else.", REFUSED])

    assert judged_by_its_own_number(request, "roc_auc", 0.8) == REFUSED


def test_where_the_policy_is_lenient_the_measured_number_is_shown():
    shown = judged_by_its_own_number(_request((0.7512345678, "recomputed")), "roc_auc", 0.8)

    assert shown == "evaluation.roc_auc is 0.751235, recomputed, not 0.8."


@pytest.mark.parametrize(
    "measured",
    [(), ((0.8, "claimed"),), ((0.56, "claimed"),), ((0.8, "recomputed"),), ((0.56, "recomputed"), (0.8, "claimed"))],
)
def test_a_number_that_is_only_claimed_or_is_the_claim_stops_the_demo(measured):
    with pytest.raises(Refused, match="A weaker model was judged by"):
        judged_by_its_own_number(_request(*measured), "roc_auc", 0.8)
