"""What every `HealthRecords` promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail.delivery import HealthRecords, HealthSample, Load
from handrail.delivery.adapters.sql_health import MIGRATIONS, SqlHealth
from handrail.delivery.domain.health import BOUNDS_S, REQUESTS, Fault
from tests.fakes.feedback_store import DATABASES, a_migrated_store
from tests.fakes.health import HealthInMemory

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATENCIES = (1, 2, 0, 3, *(0,) * (len(BOUNDS_S) - 3))
LOAD = Load(6, 60, {Fault.FAILED: 2, Fault.BUSY: 1}, LATENCIES, 0.25, 4, 5)
ONE = HealthSample("deploy://local/flights", "champion", "deploy://local/flights/1", "host-1", AT, LOAD)


@pytest.fixture(params=["memory", *DATABASES])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HealthRecords]:
    if request.param == "memory":
        yield HealthInMemory()
        return
    with a_migrated_store(request.param, tmp_path, "delivery_health", MIGRATIONS) as store:
        yield SqlHealth(store)


def test_a_sample_comes_back_as_it_was(records: HealthRecords) -> None:
    records.keep([ONE])

    (found,) = records.read(AT, AT + MINUTE, MINUTE)

    assert (found.pointer, found.name, found.deployment, found.start) == (*(ONE.pointer, ONE.name, ONE.deployment, AT),)
    assert (found.minutes, found.load) == (1, LOAD)


def test_a_later_sample_of_the_same_minute_replaces_the_earlier_one(records: HealthRecords) -> None:
    records.keep([ONE])
    records.keep([replace(ONE, load=LOAD + LOAD)])

    (found,) = records.read(AT, AT + MINUTE, MINUTE)

    assert found.load == LOAD + LOAD


def test_processes_add_up_and_share_their_minutes(records: HealthRecords) -> None:
    records.keep([ONE, replace(ONE, process="host-2"), replace(ONE, process="host-2", minute=AT + MINUTE)])

    (found,) = records.read(AT, AT + timedelta(hours=1), timedelta(hours=1))

    assert (found.first, found.minutes, found.load) == (AT, 2, LOAD + LOAD + LOAD)


def test_stretches_are_in_order_and_those_without_a_sample_are_left_out(records: HealthRecords) -> None:
    late = replace(ONE, name=REQUESTS, deployment="", minute=AT + timedelta(minutes=14))
    records.keep([late, ONE])

    found = records.read(AT, AT + timedelta(minutes=15), timedelta(minutes=5))

    assert [(each.start - AT, each.name) for each in found] == [
        (timedelta(0), "champion"),
        (timedelta(minutes=10), REQUESTS),
    ]


def test_the_end_and_what_was_before_the_start_are_not_in_it(records: HealthRecords) -> None:
    records.keep([replace(ONE, minute=AT - MINUTE), ONE, replace(ONE, minute=AT + MINUTE)])

    assert [each.start for each in records.read(AT, AT + MINUTE, MINUTE)] == [AT]


def test_what_is_forgotten_is_gone_and_the_rest_stays(records: HealthRecords) -> None:
    records.keep([replace(ONE, minute=AT - MINUTE), ONE])

    records.forget(AT)

    assert [each.start for each in records.read(AT - timedelta(days=1), AT + MINUTE, MINUTE)] == [AT]


def test_nothing_is_kept_of_no_samples(records: HealthRecords) -> None:
    records.keep([])

    assert list(records.read(AT, AT + MINUTE, MINUTE)) == []
