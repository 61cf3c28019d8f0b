"""What the bare services take and answer: typed, and no more checks than pydantic makes of types."""

# pydantic reads these annotations at run time, so they stay real.

import json
import os
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, create_model

NAMES = json.loads((Path(os.environ["BENCH_MODEL"]) / "scoring.json").read_text())["features"]

Row = create_model(
    "Row",
    flight_id=(str, ...),
    carrier=(str, ...),
    **{name: (float | None, ...) for name in NAMES if name != "carrier"},
)
"""One item that brings its features."""


class Flight(BaseModel):
    """One item whose features are looked up."""

    flight_id: str
    carrier: str
    origin: str
    dest: str
    tailnum: str | None
    flight: int
    sched_dep: datetime
    sched_arr: datetime
    distance: float


class Answer(BaseModel):
    """The answer about one item."""

    flight_id: str
    probability: float


class Answers(BaseModel):
    """One answer for each item, in order."""

    predictions: list[Answer]
