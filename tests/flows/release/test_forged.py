"""The demo's forged number, through a real server: the gate measures the weaker model and refuses it."""

import pytest
import yaml

from handrail.bootstrap.approvals_rules import take_files
from infra.demo.forging import refuse_forged
from tests.flows.release.conftest import POLICY


@pytest.fixture
def measured(settings):
    """The project's policy wants the quality recomputed."""
    policy, plans = (settings.project / "config" / name for name in ("policies/champion.yaml", "evaluation.yaml"))
    before = policy.read_text()
    rules = [
        {"measure": "evaluation.roc_auc", "at_least": 0.6},
        {"measure": "parity.labels_differ", "equals": 0, "level": "claimed"},
    ]
    policy.write_text(yaml.safe_dump(POLICY | {"version": 2, "rules": rules}))
    plans.write_text(yaml.safe_dump({"version": 1, "models": {settings.model_name: {"least_rows": 20}}}))
    take_files(settings, "measured")
    yield settings
    policy.write_text(before)
    plans.unlink()
    take_files(settings, "claimed again")


def test_a_number_that_a_model_does_not_have_is_refused_once_and_again(measured, desk):
    desk.register(measured.project)

    reason = refuse_forged(desk, measured.project, "champion", "binary", "roc_auc")

    assert "recomputed by the gate; the policy wants at least 0.6" in reason
    assert reason.endswith("0.8 was claimed by ada.")
    assert refuse_forged(desk, measured.project, "champion", "binary", "roc_auc") == reason
