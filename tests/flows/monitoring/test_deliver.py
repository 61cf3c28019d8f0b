"""A month's findings reach the version's page in MLflow and the gate, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from mlflow import MlflowClient

from flows.steps.monitoring import deliver as delivering
from flows.steps.monitoring.config import GateRules
from flows.steps.monitoring.deliver import deliver, opened, tags_of, text_of
from flows.steps.release import as_account
from handrail.http import GateClient
from handrail.settings import Settings


def finding(state: str = "alert", kind: str = "drift") -> dict[str, Any]:
    return {
        "kind": kind,
        "state": state,
        "month": "2013-09",
        "checks": [],
        "reasons": ["temp moved.", "It costs 0.04."],
    }


def record(*findings: dict[str, Any]) -> dict[str, Any]:
    return {"model": "flights", "month": "2013-09", "deployment": "deploy://local/flights/v1", "findings": findings}


class Gate:
    """A gate that keeps findings."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def findings(self, model: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["model"] == model]

    def open_finding(self, model: str, text: str, severity: str, *, version: int) -> dict[str, Any]:
        row = {"finding_id": f"fi-{len(self.rows)}", "model": model, "text": text, "version": version}
        self.rows.append(row | {"severity": severity})
        return row


def test_a_finding_is_opened_once_even_if_it_was_closed_or_its_digits_changed() -> None:
    gate = Gate()
    rules, version = GateRules(shut_on=("drift",), severity="high"), ("flights", 3)

    said = [opened(cast("GateClient", gate), rules, version, finding())]
    again = finding() | {"reasons": ["temp moved a little more."]}
    said.append(opened(cast("GateClient", gate), rules, version, again))

    assert said == ["fi-0 shuts the gate for flights/3.", "The gate holds fi-0 about drift in 2013-09."]
    assert [(row["version"], row["severity"]) for row in gate.rows] == [(3, "high")]


def test_tags_and_description_show_the_findings_and_keep_what_people_wrote(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_registered_model("flights")
    client.create_model_version("flights", str(tmp_path), description="Made by hand.")
    login = {"MLFLOW_TRACKING_URI": uri}

    for months in (record(finding()), record(finding()), record(finding("ok"))):
        as_account.show_findings(login, ("flights", 1), tags_of(months), text_of(months))
        shown = client.get_model_version("flights", "1")
        assert str(shown.description).startswith("Made by hand.\n")
        assert str(shown.description).count("Monitoring, 2013-09") == 1

    assert shown.tags["production.finding.drift"] == "ok in 2013-09. temp moved."
    assert str(shown.description).endswith("**Monitoring, 2013-09**: in order.\n<!-- /handrail:monitoring -->")


def test_one_place_that_fails_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "version_of", lambda *_: ("flights", 1))
    settings = Settings(project=Path(__file__).parents[3], home=tmp_path, mlflow_url="http://127.0.0.1:9")

    said = deliver(settings, record(finding()), "nobody")

    assert len(said) == 1
    assert said[0].startswith("MLflow does not show the findings. ")
    assert "no such account file" in said[0]


def test_the_gate_stays_open_unless_the_rules_shut_it() -> None:
    assert GateRules().shut_on == ()
