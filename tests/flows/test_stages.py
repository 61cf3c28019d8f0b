"""What every stage of dvc.yaml gets before its own code is loaded."""

import os
import sys
from types import ModuleType

from flows.steps import stages


def test_waiting_threads_sleep_in_every_stage_unless_somebody_said_otherwise(tmp_path, monkeypatch):
    seen = []
    body = ModuleType("a_stage")
    body.run = lambda project: seen.append(os.environ["OMP_WAIT_POLICY"])
    monkeypatch.setitem(sys.modules, "a_stage", body)
    monkeypatch.setitem(stages.STAGES, "a", stages.StageBody("a_stage", ()))
    monkeypatch.setenv("OMP_WAIT_POLICY", "restored after the test")
    monkeypatch.delenv("OMP_WAIT_POLICY")

    stages.run_stage("a", tmp_path)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    stages.run_stage("a", tmp_path)

    assert seen == ["PASSIVE", "ACTIVE"]
