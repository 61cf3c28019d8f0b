"""A bento over ONNX Runtime without Handrail: `BareBento` as it comes, `Batched` with BentoML's adaptive batching.

`BENCH_TUNED=1` takes off what Handrail takes off: OpenTelemetry, the access log, the garbage collector's pauses.
"""

# BentoML reads these annotations at run time, so they stay real.

import gc
import os

import bentoml
from _bentoml_sdk import Service
from messages import Answers, Row
from onnx_rows import Rows

IS_TUNED = bool(os.environ.get("BENCH_TUNED"))


class Lean(Service):
    """A service without BentoML's tracing and metrics."""

    def to_asgi(self, is_main=True):
        """Return the app without what `BENCH_TUNED` takes off."""
        app = super().to_asgi(is_main)
        unwanted = {"OpenTelemetryMiddleware", "HTTPTrafficMetricsMiddleware"}
        app.user_middleware = [entry for entry in app.user_middleware if entry.cls.__name__ not in unwanted]
        return app


OPTIONS = {"workers": 1, "threads": 1, "traffic": {"timeout": 30}}
if IS_TUNED:
    OPTIONS |= {"logging": {"access": {"enabled": False}}, "service_class": Lean}


def settle():
    """Keep the garbage collector from walking over what was imported."""
    if IS_TUNED:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)


@bentoml.service(name="bare", **OPTIONS)
class BareBento:
    """Scores rows that bring their features."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the model."""
        self.rows = Rows()
        settle()

    @bentoml.api(route="/predict")
    async def predict(self, flights: list[Row]) -> Answers:
        """Score each row."""
        return Answers.model_validate(self.rows.answers([vars(row) for row in flights]))


@bentoml.service(name="batched", **OPTIONS)
class Batched:
    """The same, with requests that arrive together scored together."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the model."""
        self.rows = Rows()
        settle()

    @bentoml.api(route="/predict", batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, flights: list[Row]) -> list[float]:
        """Score each row."""
        return self.rows.scores([vars(row) for row in flights])
