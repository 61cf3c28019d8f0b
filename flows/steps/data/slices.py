"""The parts of the flights for which a model is judged apart, by the names that config/use_case.yaml lists."""

from __future__ import annotations

import numpy as np
import polars as pl


def slice_values(flights: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return carrier, origin and hour (scheduled departure, New York) of each flight, (n,) text each."""
    hour = flights["flight_id"].str.split(":").list.get(3).str.slice(0, 2)
    return {
        "carrier": flights["carrier"].to_numpy(),
        "origin": flights["origin"].to_numpy(),
        "hour": hour.to_numpy(),
    }
