from __future__ import annotations

import json
from pathlib import Path

from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from handrail.entrypoints.http.monitoring_metrics import MonitoringMetrics
from handrail.monitored import record_file


def scraped(home: Path) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MonitoringMetrics(home))
    text: bytes = generate_latest(registry)
    return text.decode()


def write(home: Path, month: str, **states: str) -> None:
    file = record_file(home, month)
    file.parent.mkdir(parents=True, exist_ok=True)
    findings = [{"kind": kind, "state": state} for kind, state in states.items()]
    drift = {"evidence": {"score": 400.0}}
    record = {"format": "handrail.month/1", "model": "flights", "month": month, "findings": findings, "drift": drift}
    file.write_text(json.dumps(record), encoding="utf-8")


def test_the_findings_of_the_latest_period_are_gauges(tmp_path: Path) -> None:
    write(tmp_path, "2013-08", drift="alert")
    write(tmp_path, "2013-09", drift="information", performance="ok", health="alert")

    text = scraped(tmp_path)

    assert "2013-08" not in text
    for kind, value in (("drift", "1.0"), ("performance", "0.0"), ("health", "2.0")):
        labels = f'kind="{kind}",model="flights",period="2013-09"'
        assert f"handrail_monitoring_finding{{{labels}}} {value}" in text
    assert 'column="score"' in text
    assert "400.0" in text


def test_before_the_first_period_there_is_nothing_to_scrape(tmp_path: Path) -> None:
    text = scraped(tmp_path)

    assert "handrail_monitoring_finding{" not in text
    assert text.endswith("# EOF\n")


def test_a_file_that_is_no_record_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "2013-09", drift="alert")
    record_file(tmp_path, "2013-10").write_text("{", encoding="utf-8")

    assert 'period="2013-09"' in scraped(tmp_path)
