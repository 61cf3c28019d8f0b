"""Figures from production on the pages of MLflow: shown by monitoring, and nothing that it depends on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from flows import monitor
from flows.steps.monitoring import production
from flows.steps.release import as_account
from handrail.bootstrap import Platform
from handrail.settings import Settings
from tests.fakes.monitored import forecast


@pytest.fixture
def served(settings: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Forecasts of a registered version."""
    forecast(platform)
    (made_by,) = {each.uri for each in platform.feedback.deployments()}
    platform.feedback.register_deployment(made_by, None, "models:/flights/1")
    monkeypatch.setenv("HANDRAIL_HOME", str(settings.home))
    return settings


def an_account(settings: Settings) -> None:
    settings.credentials.mkdir(parents=True, exist_ok=True)
    login = {"username": "admin", "password": "x" * 16}
    (settings.credentials / "mlflow-admin.json").write_text(json.dumps(login), encoding="utf-8")


def test_a_version_shows_what_it_does_in_production(served: Settings, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_registered_model("flights")
    client.create_model_version("flights", str(tmp_path))

    first = as_account.show_production({"MLFLOW_TRACKING_URI": uri}, served.project)
    tags = client.get_model_version("flights", "1").tags

    assert first == {"flights/1": len(tags)}
    assert all(name.startswith("production.") for name in tags)
    assert float(tags["production.ground_truth.coverage"]) == 1
    assert as_account.show_production({"MLFLOW_TRACKING_URI": uri}, served.project) == first


@pytest.mark.parametrize(("has_account", "said"), [(True, "http://127.0.0.1:9"), (False, "no such account file")])
def test_an_mlflow_that_cannot_be_written_is_a_sentence(served: Settings, has_account: bool, said: str) -> None:
    away = served.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})
    if has_account:
        an_account(away)

    sentence = production.show_in_mlflow(away, "mlflow-admin")

    assert sentence.startswith("MLflow shows no new figures from production.")
    assert said in sentence
    assert sentence.endswith("by hand: handrail feedback mirror.")


def test_the_flow_shows_them_after_it_announced_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    record = {"month": "2013-09", "findings": []}
    steps = {
        "choose_month": lambda month: month,
        "check": lambda _: None,
        "measure": lambda _: record,
        "announce": lambda _: done.append("announced"),
        "answer_regression": lambda _: "",
        "deliver": lambda _, account: done.append(f"delivered as {account}"),
        "show_in_mlflow": done.append,
    }
    for name, step in steps.items():
        monkeypatch.setattr(monitor, name, step)

    assert monitor.monitor.fn(monitor.MonitorParameters(month="2013-09", account="shower")) == record
    assert done == ["announced", "delivered as shower", "shower"]
