"""The rules of alerts by Prometheus's own checker, and every query of rules and dashboards against real metrics."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry
from pydantic import SecretStr

from handrail.entrypoints.http.feedback_metrics import FeedbackMetrics
from handrail.settings import Settings
from infra.servers.prometheus import configuration, folder_of
from tests.fakes.lineage_server import a_platform

INFRA = Path(__file__).parents[2] / "infra"
RULES = INFRA / "prometheus"
PLUGINS = INFRA.parent / "plugins" / "handrail" / "entrypoints"
WANTED = "HANDRAIL_TEST_PROMETHEUS"
"""Set where tests with Prometheus have to run; elsewhere they run if it is installed."""
NAME = re.compile(r"\bhandrail_[a-z_]+")
ENDS = re.compile(r"_(total|bucket|sum|count)$")

if os.environ.get(WANTED) or shutil.which("promtool"):

    def promtool(*words: str, where: Path = RULES) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["promtool", *words], cwd=where, check=False, capture_output=True, text=True)

    def test_every_rule_does_what_its_example_says() -> None:
        done = promtool("test", "rules", "rules_test.yml")

        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("> 0.0144 and", "> 0.5 and"),
            ('up{job="handrail-serving"} == 0', 'up{job="handrail-serving"} == 1'),
            ("> 0.25", "> 0.9"),
            ("== 0\n          and sum", "== 1\n          and sum"),
        ],
    )
    def test_a_changed_rule_does_not_pass(tmp_path: Path, before: str, after: str) -> None:
        rules = (RULES / "rules.yml").read_text()
        assert before in rules
        (tmp_path / "rules.yml").write_text(rules.replace(before, after))
        shutil.copy(RULES / "rules_test.yml", tmp_path)

        assert promtool("test", "rules", "rules_test.yml", where=tmp_path).returncode == 1

    @pytest.mark.parametrize("token", [None, SecretStr("t" * 40)])
    def test_the_configuration_is_one_that_prometheus_takes(tmp_path: Path, token: SecretStr | None) -> None:
        settings = Settings(project=tmp_path, home=tmp_path / "home", metrics_token=token)  # type: ignore[arg-type]
        content, notes = configuration(settings)
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(content))

        done = promtool("check", "config", "prometheus.yml", where=tmp_path)

        assert done.returncode == 0, done.stdout + done.stderr
        assert len(content["scrape_configs"]) == (1 if token is None else 3)
        assert bool(notes) is (token is None)
        if token is not None:
            assert stat.S_IMODE((folder_of(settings) / "token").stat().st_mode) == 0o600


def test_every_alert_has_an_example_and_says_what_to_do() -> None:
    alerts = [rule for rule in _rules() if "alert" in rule]
    tried = {
        case["alertname"]
        for test in yaml.safe_load((RULES / "rules_test.yml").read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }

    assert {rule["alert"] for rule in alerts} == tried
    for rule in alerts:
        assert rule["annotations"].keys() == {"summary", "remedy"}
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_rules_and_dashboards_ask_for_nothing_that_is_not_exported(tmp_path: Path) -> None:
    """Those of the bento are asked of a running one, in tests/bentos/test_prometheus.py."""
    with a_platform(tmp_path) as platform:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(FeedbackMetrics(platform))
        text = generate_latest(registry).decode()
    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    for file in (
        "bentoml/metrics.py",
        "bentoml/siblings.py",
        "http/monitoring_metrics.py",
        "mlflow/app/metrics_routes.py",
    ):
        source = (PLUGINS / file).read_text()
        known |= set(NAME.findall(source))
        known |= {f"handrail_serving_{name}" for name in re.findall(r'_(?:counter|gauge)\("(\w+)"', source)}
    known |= {"handrail_serving_request_seconds", "handrail_serving_slot_seconds"}
    known |= {ENDS.sub("", name) for name in known}

    asked = {
        ENDS.sub("", name)
        for query in (*_queries(), *(rule["expr"] for rule in _rules()))
        for name in NAME.findall(query)
    }

    assert asked
    assert asked <= known


def test_dashboards_take_their_source_from_whoever_opens_them() -> None:
    for file in sorted((INFRA / "grafana").glob("*.json")):
        dashboard = json.loads(file.read_text())
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)
        assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${datasource}"}
        assert dashboard["uid"] == f"handrail-{file.stem}"


def _rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((RULES / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _queries() -> list[str]:
    boards = [json.loads(file.read_text()) for file in sorted((INFRA / "grafana").glob("*.json"))]
    return [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
