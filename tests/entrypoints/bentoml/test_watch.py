"""What a process counts reaches the record, once, whatever happens between."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from handrail.delivery import HealthSample
from handrail.delivery.domain.health import REQUESTS, Fault
from handrail.entrypoints.bentoml.logs import JsonLines, RequestLog
from handrail.entrypoints.bentoml.observed import Observed, Routes
from handrail.entrypoints.bentoml.watch import KEEP_FOR, Watch, answered_with
from handrail.errors import Unavailable
from tests.fakes.health import HealthInMemory

AT = datetime(2026, 11, 30, 12, 0, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHAMPION = "deploy://local/flights/1"


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


def total(records: HealthInMemory, name: str) -> int:
    return sum(each.load.asked for each in records.samples.values() if each.name == name)


def test_a_minute_that_is_kept_twice_counts_once() -> None:
    clock, records = Clock(), HealthInMemory()
    watch = Watch("deploy://local/flights", clock)
    for _ in range(3):
        watch.ended("/predict", 200, 0.01, True)
        watch.keep(records)
    clock.now += MINUTE
    watch.keep(records)

    assert total(records, REQUESTS) == 3
    assert len(records.samples) == 2


def test_a_minute_that_ends_while_it_is_kept_loses_nothing() -> None:
    clock = Clock()
    watch = Watch("deploy://local/flights", clock)

    class Slow(HealthInMemory):
        def keep(self, samples: Sequence[HealthSample]) -> None:
            super().keep(samples)
            if clock.now == AT:
                watch.ended("/predict", 200, 0.01, True)
                clock.now += MINUTE
                watch.ended("/predict", 200, 0.01, True)

    records = Slow()
    watch.ended("/predict", 200, 0.01, True)
    watch.keep(records)
    watch.keep(records)

    assert total(records, REQUESTS) == 3


def test_what_cannot_be_written_waits() -> None:
    class Away(HealthInMemory):
        def keep(self, samples: Sequence[HealthSample]) -> None:
            raise Unavailable("The store", "it is away", "Wait.")

    clock, records = Clock(), HealthInMemory()
    watch = Watch("deploy://local/flights", clock)
    for _ in range(5):
        watch.ended("/predict", 503, 0.01, True)
        with pytest.raises(Unavailable):
            watch.keep(Away())
        clock.now += MINUTE
    watch.keep(records)

    assert total(records, REQUESTS) == 5
    assert len(records.samples) == 6


def test_old_samples_are_forgotten() -> None:
    clock, records = Clock(), HealthInMemory()
    watch = Watch("deploy://local/flights", clock)
    watch.keep(records)
    clock.now += KEEP_FOR + timedelta(hours=2)
    watch.keep(records)

    assert [each.minute for each in records.samples.values()] == [clock.now.replace(second=0)]


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        (None, {}),
        (Unavailable("The store", "it is away", "Wait."), {Fault.UNAVAILABLE: 1}),
        (ValueError("no number"), {Fault.FAILED: 1}),
        (TimeoutError(), {Fault.SLOW: 1}),
        (asyncio.CancelledError(), {Fault.SLOW: 1}),
    ],
)
def test_a_slot_is_counted_by_how_it_ended(raised: BaseException | None, fault: dict[Fault, int]) -> None:
    records = HealthInMemory()
    watch = Watch("deploy://local/flights", Clock())

    def answer() -> None:
        with watch.slot("champion", CHAMPION, 4):
            if raised is not None:
                raise raised

    if raised is None:
        answer()
    else:
        with pytest.raises(type(raised)):
            answer()
    watch.keep(records)

    (load,) = [each.load for each in records.samples.values() if each.name == "champion"]
    assert (load.asked, load.items, load.faults) == (1, 0 if raised else 4, fault)


def ask(app: object, path: str = "/predict", headers: Sequence[tuple[bytes, bytes]] = ()) -> tuple[str, HealthInMemory]:
    """Send one request through the layer; return what it logged and counted."""
    stream, records = io.StringIO(), HealthInMemory()
    watch = Watch("deploy://local/flights", Clock())

    async def talk() -> None:
        log = RequestLog(stream, Clock())
        layer = Observed(app, watch, Routes(frozenset({"/predict", "/livez"}), frozenset({"/predict"})), log)  # type: ignore[arg-type]
        scope = {"type": "http", "path": path, "method": "POST", "headers": list(headers)}
        try:
            await layer(scope, asyncio.Queue[object]().get, _nobody)  # type: ignore[arg-type]
        except RuntimeError:
            pass
        finally:
            log.flush()

    asyncio.run(talk())
    watch.keep(records)
    return stream.getvalue(), records


async def _nobody(_message: object) -> None:
    return None


def test_a_request_is_logged_with_its_ids_and_without_its_path() -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        answered_with([{"prediction_id": f"p{number}", "secret": "s3cret"} for number in range(30)], {"two"}, CHAMPION)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"r-1")]})  # type: ignore[operator]

    said, _ = ask(app, "/no-such-path/s3cret")

    line = json.loads(said)
    assert (line["route"], line["request_id"], line["predictions"], line["slots"]) == ("other", "r-1", 30, ["two"])
    assert line["prediction_ids"] == [f"p{number}" for number in range(20)]
    assert "s3cret" not in said


def test_a_caller_who_left_and_a_layer_that_raises_are_counted_and_logged() -> None:
    async def app(_scope: object, _receive: object, _send: object) -> None:
        raise RuntimeError("s3cret")

    said, records = ask(app)

    assert json.loads(said)["status"] == 499
    assert total(records, REQUESTS) == 1


def test_what_machines_ask_again_and_again_is_not_logged() -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]

    said, records = ask(app, "/livez")

    assert said == ""
    assert total(records, REQUESTS) == 0


def test_a_line_of_any_logger_is_one_object_and_an_exception_has_no_text() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.Logger("handrail.test")
    log.addHandler(handler)
    try:
        int("s3cret")
    except ValueError:
        log.exception("Request %s failed\nagain", "r-1")

    line = json.loads(stream.getvalue())
    assert (line["message"], line["exception"]) == ("Request r-1 failed\nagain", "ValueError")
    assert "test_watch.py" in line["places"][0]
    assert "s3cret" not in line["message"]
    assert stream.getvalue().count("\n") == 1
