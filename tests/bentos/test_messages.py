"""What a request may hold: form is checked, knowledge is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bentos.flights.messages import flight_of
from handrail.entrypoints.bentoml.messages import MOST_ITEMS, items_of
from handrail.use_case import read_use_case

GOOD: dict[str, Any] = {
    "flight_id": "2013-08-01:UA:1545:0515:EWR",
    "carrier": "UA",
    "origin": "EWR",
    "dest": "IAH",
    "tailnum": "N14228",
    "flight": 1545,
    "sched_dep": "2013-08-01T09:15:00Z",
    "sched_arr": "2013-08-01T12:19:00+00:00",
    "distance": 1400,
}
CASE = read_use_case(Path(__file__).parents[2])
READER = TypeAdapter(items_of(CASE, flight_of(CASE)))


def read(*flights: Any) -> list[Any]:
    return READER.validate_json(json.dumps(list(flights)))


def errors(*flights: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        read(*flights)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


def test_a_good_flight_is_read() -> None:
    (flight,) = read(GOOD)

    assert (flight.flight_id, flight.distance) == (GOOD["flight_id"], 1400.0)


@pytest.mark.parametrize("field", sorted(GOOD))
def test_a_missing_field_is_named(field: str) -> None:
    flight = {name: value for name, value in GOOD.items() if name != field}

    assert errors(flight)[0] == (f"0.{field}", "Field required")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flight_id", 7),
        ("flight_id", "2013-08-01"),
        ("carrier", "ua"),
        ("carrier", "United"),
        ("origin", "EW"),
        ("origin", "KEWR"),
        ("dest", "IÄH"),
        ("dest", None),
        ("tailnum", "N1; drop table"),
        ("flight", "1545"),
        ("flight", 1545.5),
        ("flight", 0),
        ("sched_dep", "2013-08-01T09:15:00"),
        ("sched_dep", "yesterday"),
        ("sched_dep", "0001-01-01T00:00:00Z"),
        ("sched_dep", "9999-12-31T23:59:59Z"),
        ("sched_arr", None),
        ("distance", "1400"),
        ("distance", float("nan")),
        ("distance", float("inf")),
        ("distance", 0),
        ("distance", -1),
        ("distance", 20_001),
        ("distance", None),
        ("distance", True),
    ],
)
def test_a_wrong_value_is_refused_and_its_field_named(field: str, value: Any) -> None:
    assert f"0.{field}" in [place for place, _ in errors(GOOD | {field: value})]


def test_a_number_beyond_float_is_refused() -> None:
    with pytest.raises(ValidationError, match="finite"):
        READER.validate_json(json.dumps([GOOD]).replace("1400", "1e999"))


def test_an_unknown_field_is_refused() -> None:
    assert errors(GOOD | {"arr_delay": 3}) == [("0.arr_delay", "Extra inputs are not permitted")]


def test_an_airport_and_a_carrier_that_nobody_knows_are_accepted() -> None:
    unknown = {"flight_id": "2013-08-01:ZZ:1545:0515:QQQ", "carrier": "ZZ", "origin": "QQQ", "dest": "XXX"}

    (flight,) = read(GOOD | unknown)

    assert flight.carrier == "ZZ"


def test_an_aircraft_may_not_be_assigned_yet() -> None:
    assert read(GOOD | {"tailnum": None})[0].tailnum is None


def test_an_arrival_before_the_departure_is_refused() -> None:
    assert errors(GOOD | {"sched_arr": GOOD["sched_dep"]}) == [("0.sched_arr", "It is not after sched_dep")]


@pytest.mark.parametrize("change", [{"carrier": "AA"}, {"origin": "JFK"}, {"flight": 1546}])
def test_an_id_that_contradicts_the_flight_is_refused(change: dict[str, Any]) -> None:
    assert errors(GOOD | change) == [("0.flight", "carrier, flight and origin do not agree with flight_id")]


def test_a_flight_may_come_once_a_batch() -> None:
    assert errors(GOOD, GOOD) == [("", f"{GOOD['flight_id']} is in it twice")]


def test_an_empty_and_an_oversized_batch_are_refused() -> None:
    assert "at least 1" in errors()[0][1]
    assert f"at most {MOST_ITEMS}" in errors(*[GOOD] * (MOST_ITEMS + 1))[0][1]
