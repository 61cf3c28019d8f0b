"""A bento over ONNX Runtime that looks features up, without guard, record, metrics, logs and permit.

`BENCH_LOOKUP=reader` reads them as Handrail's own bento does, `feast` by Feast's `get_online_features`.
`BENCH_PROJECT` and `BENCH_HOME` say where the store is.
"""

# BentoML reads these annotations at run time, so they stay real.

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import bentoml

sys.path.insert(0, os.environ["BENCH_PROJECT"])

from bare_bento import OPTIONS, settle  # noqa: E402
from messages import Answers, Flight  # noqa: E402
from onnx_rows import Rows  # noqa: E402

from feature_repo.definitions import DEFAULT_SERVICE, ENTITIES, request_fields  # noqa: E402
from feature_repo.online import reader, through_feast  # noqa: E402
from feature_repo.store import open_feature_store  # noqa: E402
from handrail.settings import Settings  # noqa: E402


@bentoml.service(name="lookup", **OPTIONS)
class LookupBento:
    """Scores items whose features are in the online store."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Load the model, and open the store."""
        self.rows = Rows()
        settings = Settings(project=Path(os.environ["BENCH_PROJECT"]), home=Path(os.environ["BENCH_HOME"]))
        self.store = open_feature_store(settings)
        self.read = reader(self.store, DEFAULT_SERVICE)
        settle()

    @bentoml.api(route="/predict")
    async def predict(self, flights: list[Flight]) -> Answers:
        """Look features up and score each item."""
        items = [vars(flight) for flight in flights]
        found = self._columns(items)
        rows = [item | {name: values[place] for name, values in found.items()} for place, item in enumerate(items)]
        return Answers.model_validate(self.rows.answers(rows))

    def _columns(self, items):
        now = datetime.now(UTC)
        if os.environ["BENCH_LOOKUP"] == "reader":
            return self.read(items, now).columns
        asked = {key: [item[key] or "" for item in items] for key in ENTITIES} | request_fields(items)
        return through_feast(self.store, asked, now, DEFAULT_SERVICE)
