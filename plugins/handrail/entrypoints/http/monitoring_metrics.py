"""What monitoring found last, as gauges at `/metrics`: a rule of Prometheus alerts on them as on any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import MissingTool
from handrail.monitored import ALERT, INFORMATION, read_latest

try:
    from prometheus_client.core import GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ImportError as err:
    raise MissingTool("prometheus_client", "server") from err

STATES = {"ok": 0.0, INFORMATION: 1.0, ALERT: 2.0}


@dataclass(frozen=True, eq=False, slots=True)
class MonitoringMetrics(Collector):
    """Collects the findings of the period that was judged last, from its record below home."""

    home: Path

    def describe(self) -> list[Metric]:
        """Return nothing: names are known at a scrape, and registering asks for no figures."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the state of each finding, and the evidence of drift by column."""
        about = "What monitoring found in the period judged last: 0 in order, 1 information, 2 alert."
        states = GaugeMetricFamily("handrail_monitoring_finding", about, labels=["model", "period", "kind"])
        about = "e-value against the hypothesis that a column did not change."
        evidence = GaugeMetricFamily("handrail_monitoring_evidence", about, labels=["model", "period", "column"])
        record = read_latest(self.home)
        named = str(record.get("model", "")), str(record.get("month", ""))
        for finding in record.get("findings", ()):
            states.add_metric([*named, str(finding["kind"])], STATES.get(finding["state"], 2.0))
        for column, value in record.get("drift", {}).get("evidence", {}).items():
            evidence.add_metric([*named, str(column)], float(value))
        yield states
        yield evidence
