"""How feedback is doing, as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/) at `/metrics`."""

# FastAPI reads the annotations at run time, so they stay real.

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.feedback import open_spool
from handrail.clock import Clock, system_time
from handrail.entrypoints.http.monitoring_metrics import MonitoringMetrics
from handrail.errors import MissingTool
from handrail.feedback import Health, Spooled, Summary

try:
    from fastapi import APIRouter
    from fastapi.responses import Response
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.registry import Collector, CollectorRegistry
except ImportError as err:
    raise MissingTool("prometheus_client", "server") from err

KEPT_FOR = timedelta(seconds=15)
_SHARES = {
    "mature_ratio": ("mature", "Share of predictions whose window for outcomes has passed."),
    "coverage_ratio": ("coverage", "Share of mature predictions whose outcome is known."),
    "so_far": ("so_far", "The figure over every label that is there, immature ones too."),
    "figure": ("figure", "The figure over mature predictions alone."),
}
_DELAYS = {"0.5": "delay_p50_h", "0.9": "delay_p90_h", "0.99": "delay_p99_h"}


def metrics(platform: Platform, guard: list[Any], problems: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the route of the metrics, behind `guard`."""
    routes, desk = APIRouter(dependencies=guard, responses=problems), FeedbackMetrics(platform)

    @routes.get("/metrics", summary="How feedback is doing, as OpenMetrics")
    def scrape() -> Response:
        """Return counters and gauges of predictions and feedback; at most 15 seconds old."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(desk)
        registry.register(MonitoringMetrics(platform.settings.home))
        text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes


@dataclass(eq=False, slots=True)
class FeedbackMetrics(Collector):
    """Collects what is known at a scrape, and keeps it for some seconds."""

    platform: Platform
    clock: Clock = system_time
    _kept: tuple[datetime, Health, Spooled] | None = field(default=None, init=False)

    def describe(self) -> list[Metric]:
        """Return nothing: names are known at a scrape, and registering asks for no figures."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric.

        Raises:
            HandrailError: the store or the spool cannot be read.
        """
        health, waiting = self._now()
        recorded = CounterMetricFamily("handrail_feedback_recorded", "Rows of the logs.", labels=["log"])
        for what, count in health.recorded.items():
            recorded.add_metric([what], count)
        yield recorded
        yield from _recent(health)
        for summary in _SHARES:
            yield _gauge(health.summaries, summary)
        yield _delays(health.summaries)
        about = "Answered predictions that are not in the log yet."
        yield GaugeMetricFamily("handrail_feedback_spool_bytes", about, value=waiting.bytes, unit="bytes")
        age = 0.0 if waiting.oldest is None else max((health.as_of - waiting.oldest).total_seconds(), 0.0)
        about = "Age of the oldest of them, 0 if there is none."
        yield GaugeMetricFamily("handrail_feedback_spool_age_seconds", about, value=age, unit="seconds")

    def _now(self) -> tuple[Health, Spooled]:
        at = self.clock()
        if self._kept is None or at - self._kept[0] > KEPT_FOR:
            health = self.platform.feedback.health(self.platform.event_clock())
            self._kept = at, health, open_spool(self.platform.settings).waiting()
        return self._kept[1:]


def _recent(health: Health) -> Iterator[Metric]:
    recent = health.recent
    for name, label, rates in (
        ("predictions", "deployment", recent.predictions),
        ("events", "kind", recent.feedback),
    ):
        for span in ("hour", "day"):
            about = f"How many came within the last {span}."
            family = GaugeMetricFamily(f"handrail_feedback_{name}_last_{span}", about, labels=[label])
            for key, rate in rates.items():
                family.add_metric([key], getattr(rate, span))
            yield family
    about = "Share of the newest events whose prediction is not known."
    orphans = GaugeMetricFamily("handrail_feedback_orphan_ratio", about, labels=["kind"])
    for kind, each in recent.orphans.items():
        orphans.add_metric([kind], each.share)
    yield orphans
    quarantined = GaugeMetricFamily("handrail_feedback_quarantined", "Rows that wait for a person.", labels=["reason"])
    for reason, count in recent.quarantined.items():
        quarantined.add_metric([reason], count)
    yield quarantined


def _gauge(summaries: tuple[Summary, ...], name: str) -> Metric:
    attribute, about = _SHARES[name]
    labels = ["kind", "deployment", "metric"] if name in ("so_far", "figure") else ["kind", "deployment"]
    family = GaugeMetricFamily(f"handrail_feedback_{name}", about, labels=labels)
    for each in summaries:
        value = getattr(each, attribute)
        if each.sampled and value is not None:
            family.add_metric([each.kind, each.deployment or "", each.measured][: len(labels)], value)
    return family


def _delays(summaries: tuple[Summary, ...]) -> Metric:
    about = "Time from a mature prediction to its first answer."
    labels = ["kind", "deployment", "quantile"]
    family = GaugeMetricFamily("handrail_feedback_delay_seconds", about, labels=labels, unit="seconds")
    for each in summaries:
        for quantile, attribute in _DELAYS.items():
            hours = getattr(each, attribute)
            if hours is not None:
                family.add_metric([each.kind, each.deployment or "", quantile], hours * 3600)
    return family
