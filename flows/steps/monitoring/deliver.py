"""Brings a month's findings to where people look beside Prefect: notifications, pages of MLflow, and the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flows.steps.monitoring.config import GateRules, read_monitoring
from flows.steps.monitoring.notify import notify
from flows.steps.project.accounts import read_account, tracking_environment
from flows.steps.release.as_account import show_findings
from handrail.bootstrap import open_platform
from handrail.bootstrap.feedback import version_behind
from handrail.errors import HandrailError
from handrail.http import GateClient
from handrail.monitored import ALERT
from handrail.settings import Settings

TAG = "production.finding."
Version = tuple[str, int]
"""A registered model and the number of its version."""


def deliver(
    settings: Settings, record: Mapping[str, Any], account: str, report: Callable[[str], None] | None = None
) -> list[str]:
    """Send alerts, show findings on the version's page in MLflow, shut the gate where the rules say so.

    Returns a sentence for each thing that was done or could not be. What fails is said and stops nothing else; all of
    it may be repeated and is done once.
    """
    steps: dict[str, Callable[[], list[str]]] = {
        "Nobody was notified.": lambda: notify(settings, record),
        "MLflow does not show the findings.": lambda: _show(settings, record, account),
        "The gate was not shut.": lambda: _shut(settings, record, account),
    }
    said: list[str] = []
    for failure, step in steps.items():
        try:
            said += step()
        except HandrailError as err:
            said.append(f"{failure} {err}")
    if report:
        for sentence in said:
            report(sentence)
    return said


def tags_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return a tag for each kind of finding: its state, its month, and the first reason behind it."""
    return {
        f"{TAG}{each['kind']}": f"{each['state']} in {record['month']}. {each['reasons'][0]}"
        for each in record["findings"]
    }


def text_of(record: Mapping[str, Any]) -> str:
    """Return what the description of a version says: the findings of the last judged month that are not in order."""
    open_ones = [each for each in record["findings"] if each["state"] != "ok"]
    if not open_ones:
        return f"**Monitoring, {record['month']}**: in order."
    lines = [f"- {each['kind']} {each['state']}: {' '.join(each['reasons'])}" for each in open_ones]
    return "\n".join([f"**Monitoring, {record['month']}**", *lines])


def version_of(settings: Settings, record: Mapping[str, Any]) -> Version | None:
    """Return the registered version that made the month's predictions, None if nobody recorded it."""
    with open_platform(settings) as platform:
        return version_behind(platform.feedback, record["deployment"])


def _show(settings: Settings, record: Mapping[str, Any], account: str) -> list[str]:
    version = version_of(settings, record)
    if version is None:
        return []
    login = tracking_environment(settings, account)
    show_findings(login, version, tags_of(record), text_of(record))
    return [f"MLflow shows the findings of {record['month']} on {_called(version)}."]


def _shut(settings: Settings, record: Mapping[str, Any], account: str) -> list[str]:
    rules = read_monitoring(settings.config).gate
    shutting = [each for each in record["findings"] if each["state"] == ALERT and each["kind"] in rules.shut_on]
    version = version_of(settings, record) if shutting else None
    if version is None:
        return []
    login = read_account(settings, account)
    with GateClient(settings.url("mlflow"), login.username, login.password) as gate:
        return [opened(gate, rules, version, each) for each in shutting]


def opened(gate: GateClient, rules: GateRules, version: Version, finding: Mapping[str, Any]) -> str:
    """Open a finding about the version unless one with the same words was opened before, closed or not."""
    model, number = version
    begin = f"Monitoring, {finding['month']}, {finding['kind']}: "
    text = begin + " ".join(finding["reasons"])
    for row in gate.findings(model):
        if row["version"] == number and row["text"].startswith(begin):
            return f"The gate holds {row['finding_id']} about {finding['kind']} in {finding['month']}."
    row = gate.open_finding(model, text[:4000], rules.severity, version=number)
    return f"{row['finding_id']} shuts the gate for {_called(version)}."


def _called(version: Version) -> str:
    return "{}/{}".format(*version)
