"""Health of services in SQL, added up there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handrail.delivery.domain.health import BOUNDS_S, Fault, HealthBin, HealthSample, Load
from handrail.delivery.health_ports import HealthRecords
from handrail.storage import Store
from handrail.storage.bulk import fetch, repeat

MIGRATIONS = Path(__file__).parent / "health_migrations"

_KEY = ("minute", "pointer", "name", "deployment", "process")
_FAULTS = tuple(Fault)
_BUCKETS = tuple(f"b{place}" for place in range(len(BOUNDS_S) + 1))
_COUNTS = ("asked", "items", *_FAULTS, "degraded", "dropped", "micros", *_BUCKETS)
_INSERT = (
    f"insert into delivery_health ({', '.join((*_KEY, *_COUNTS))}) "  # noqa: S608 - names of ours alone
    f"values ({', '.join(['{p}'] * (len(_KEY) + len(_COUNTS)))}) on conflict ({', '.join(_KEY)}) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in _COUNTS)
)
# Two processes in one minute are one minute of life.
_READ = (
    "select pointer, name, deployment, minute / {step} as bin, min(minute), count(distinct minute), "
    + ", ".join(f"sum({name})" for name in _COUNTS)
    + " from delivery_health where minute >= {start} and minute < {end} "
    "group by pointer, name, deployment, bin order by bin, pointer, name, deployment"
)
_MINUTE = timedelta(minutes=1)


class SqlHealth(HealthRecords):
    """One row a sample; a minute is a number since 1970."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, samples: Sequence[HealthSample]) -> None:
        """Insert the rows, or put them in place of earlier ones."""
        if samples:
            with self._store.write() as connection:
                repeat(connection, _INSERT, [_row(each) for each in samples])

    def forget(self, before: datetime) -> None:
        """Delete the rows."""
        old = sa.text("delete from delivery_health where minute < :minute")
        with self._store.write() as connection:
            connection.execute(old, {"minute": _minute(before)})

    def read(self, start: datetime, end: datetime, step: timedelta) -> Sequence[HealthBin]:
        """Add the rows up in one query."""
        length = step // _MINUTE
        query = _READ.format(step=length, start=_minute(start), end=_minute(end))
        with self._store.read() as connection:
            return [_bin(row, length) for row in fetch(connection, query)]


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _row(sample: HealthSample) -> tuple[Any, ...]:
    load = sample.load
    key = (_minute(sample.minute), sample.pointer, sample.name, sample.deployment, sample.process)
    faults = (load.faults.get(each, 0) for each in _FAULTS)
    micros = round(load.seconds * 1e6)
    return (*key, load.asked, load.items, *faults, load.degraded, load.dropped, micros, *load.latencies)


def _bin(row: Sequence[Any], length: int) -> HealthBin:
    pointer, name, deployment, place, first, minutes = row[:6]
    asked, items, *rest = (int(count) for count in row[6:])
    faults = {each: count for each, count in zip(_FAULTS, rest, strict=False) if count}
    degraded, dropped, micros, *latencies = rest[len(_FAULTS) :]
    load = Load(asked, items, faults, tuple(latencies), micros / 1e6, degraded, dropped)
    start, seen = (datetime.fromtimestamp(int(minute) * 60, UTC) for minute in (int(place) * length, first))
    return HealthBin(pointer, name, deployment, start, seen, int(minutes), load)
