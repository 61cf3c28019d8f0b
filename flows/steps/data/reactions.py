"""What people and the billing system report about flights after they landed: ratings, and what rebooking cost.

Simulated, since the recorded data has neither: each value follows from the flight's real delay by the rule below and
from numbers that depend on its id alone, so that every run gives the same ones.

- Rating: passengers of one flight in five rate it, from 1 to 5. A punctual one gets about 5, each 40 minutes of delay
  take one off, and moods differ by up to one.
- Rebooking: 1 to 30 passengers have a connection, which has an hour of reserve. Of them a share of (delay - 60) / 120
  misses it, all if the flight never landed as planned. A new ticket costs 120 to 300 USD; who is more than three hours
  late or never came gets a hotel for 95 USD.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from flows.steps.data.flight_times import NEVER_LANDED_KNOWN_AFTER

HOUR = timedelta(hours=1)
RATE, RATED_SHARE = "rating", 0.2
COST, RESERVE, ALL_MISS, HOTEL_AFTER = "rebooking_cost", 60.0, 120.0, 180.0
HOTEL_USD = 95.0
SCHEMA: dict[str, Any] = {
    "kind": pl.String,
    "source": pl.String,
    "item": pl.String,
    "subject": pl.String,
    "value": pl.Float64,
    "mistaken": pl.Float64,
    "known_at": pl.Datetime("us", "UTC"),
}
"""A row is one thing that becomes known of a subject at `known_at`; a wrong first report of it says `mistaken`."""

Share = Callable[[str, str], float]
"""Of a subject and a purpose: a number in [0, 1) that depends on these two texts alone."""


def reactions_of(rows: pl.DataFrame, share: Share) -> pl.DataFrame:
    """Return what is reported about those rows of `Live` beside their outcome, in the columns of `SCHEMA`."""
    found: list[dict[str, Any]] = []
    for name, due, landed in zip(rows["flight_id"], rows["sched_arr_ts"], rows["arr_known_ts"], strict=True):
        delay = None if landed is None else (landed - due) / timedelta(minutes=1)
        if landed is not None and delay is not None:
            found += _rated(name, landed, delay, share)
        found += _rebooked(name, landed or due + NEVER_LANDED_KNOWN_AFTER, delay, share)
    return pl.DataFrame(found, schema=SCHEMA)


def _rated(name: str, landed: datetime, delay: float, share: Share) -> Iterator[dict[str, Any]]:
    if share(name, "rates") >= RATED_SHARE:
        return
    mood = 2 * share(name, "mood") - 1
    stars = float(min(max(round(4.8 - max(delay, 0.0) / 40 + mood), 1), 5))
    known_at = landed + HOUR * (1 + 11 * share(name, "rated after"))
    yield _row(RATE, "passenger-survey", "", name, stars, stars % 5 + 1, known_at)


def _rebooked(name: str, known: datetime, delay: float | None, share: Share) -> Iterator[dict[str, Any]]:
    missing = 1.0 if delay is None else min((delay - RESERVE) / ALL_MISS, 1.0)
    if missing <= 0:
        return
    missed = math.ceil(missing * (1 + math.floor(30 * share(name, "connecting"))))
    ticket = 120 + 180 * share(name, "ticket")
    known_at = known + HOUR * (2 + 24 * share(name, "billed after"))
    yield _money("tickets", name, missed * ticket, known_at)
    if delay is None or delay > HOTEL_AFTER:
        yield _money("hotel", name, missed * HOTEL_USD, known_at + HOUR)


def _money(item: str, name: str, amount: float, known_at: datetime) -> dict[str, Any]:
    cents = round(amount, 2)
    # A wrong first bill has a slipped point.
    return _row(COST, "billing", item, name, cents, round(cents * 10, 2), known_at)


def _row(*values: str | float | datetime) -> dict[str, Any]:
    return dict(zip(SCHEMA, values, strict=True))
