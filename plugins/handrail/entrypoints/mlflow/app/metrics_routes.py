"""The gate's metrics as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from flask import Response, request
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from pydantic import SecretStr

from handrail.approvals import BOUNDS_S, Figures, GateFigures
from handrail.clock import Clock
from handrail.entrypoints.http.auth import is_bearer
from handrail.entrypoints.mlflow.app.foreign_calls import carries_no_login
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.refusals import Refusals


@dataclass(frozen=True, slots=True)
class MetricsDesk(Collector):
    """Collects what is known at each scrape; `last_look` gives when the watch last looked, None if it never did.

    Counters of refusals begin with the server; the other figures are those of the ledger.
    """

    figures: GateFigures
    refusals: Refusals
    last_look: Callable[[], datetime | None]
    clock: Clock
    token: SecretStr | None

    def is_foreign(self) -> bool:
        """Whether the call carries a token, and no login of this server's accounts."""
        return carries_no_login()

    def why_unknown(self) -> str | None:
        """Return why the token is not that of the settings, None if it is."""
        if self.token is None:
            return "Metrics by a token are off: whoever runs the server can set metrics_token."
        if is_bearer(request.headers.get("Authorization"), self.token.get_secret_value()):
            return None
        return "The bearer token is not that of the settings. Send the token of metrics_token."

    def answer(self) -> Response:
        """Answer a scrape.

        Raises:
            HandrailError: the ledger cannot be read.
        """
        read_query()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    def describe(self) -> list[Metric]:
        """Return nothing: names are known at a scrape, and registering asks for no figures."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it is now."""
        figures = self.figures.now()
        yield from self._about_requests(figures)
        yield from self._about_refusals()
        findings = GaugeMetricFamily("handrail_gate_open_findings", "Findings that are open.", labels=["severity"])
        for severity in ("low", "medium", "high"):
            findings.add_metric([severity], figures.findings.get(severity, 0))
        yield findings
        changes = "Proposed changes of rules that wait for decisions."
        yield GaugeMetricFamily("handrail_gate_rule_changes_waiting", changes, value=figures.rule_changes)
        if looked := self.last_look():
            seconds = max((self.clock() - looked).total_seconds(), 0.0)
            about = "Time since the watch last compared the aliases with the ledger."
            yield GaugeMetricFamily("handrail_gate_watch_age_seconds", about, value=seconds, unit="seconds")

    def _about_requests(self, figures: Figures) -> Iterator[Metric]:
        about = "Requests that people can still decide about."
        requests = GaugeMetricFamily("handrail_gate_open_requests", about, labels=["alias", "verdict"])
        for (alias, verdict), count in sorted(figures.open_requests.items()):
            requests.add_metric([alias, verdict], count)
        yield requests
        age = (self.clock() - figures.oldest_opened).total_seconds() if figures.oldest_opened else 0.0
        about = "Age of the oldest open request, 0 if none is open."
        yield GaugeMetricFamily("handrail_gate_oldest_request_age_seconds", about, value=max(age, 0.0), unit="seconds")
        about = "Time from a request to its last decision, without the time in which a question was open."
        bounds = [*map(str, BOUNDS_S), "+Inf"]
        buckets = list(zip(bounds, accumulate(figures.decisions), strict=True))
        name = "handrail_gate_decision_seconds"
        yield HistogramMetricFamily(name, about, buckets=buckets, sum_value=figures.decided_s, unit="seconds")
        moves = CounterMetricFamily("handrail_gate_moves", "Moves of aliases by the gate.", labels=["alias", "purpose"])
        for (alias, purpose), count in sorted(figures.moves.items()):
            moves.add_metric([alias, purpose], count)
        yield moves

    def _about_refusals(self) -> Iterator[Metric]:
        about = "Calls of the gate that were answered with an error, by its kind."
        refusals = CounterMetricFamily("handrail_gate_refusals", about, labels=["kind"])
        for kind, count in sorted(self.refusals.kinds.items()):
            refusals.add_metric([kind], count)
        yield refusals
        about = "Refused attempts that are noted in the log as alarms, by what was tried."
        attempts = CounterMetricFamily("handrail_gate_attempts", about, labels=["kind"])
        for tried, count in self.refusals.attempts.items():
            attempts.add_metric([str(tried)], count)
        yield attempts
