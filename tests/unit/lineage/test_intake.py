"""The intake: times that cannot be, and the place of a fault in a batch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.domain.contents import End, EventContent, facts_of
from handrail.lineage.domain.facts import NodeFact, activity_fact
from handrail.lineage.domain.vocabulary import Role
from handrail.lineage.service import intake as intake_module
from handrail.lineage.service.intake import EventIntake, IntakePorts
from tests.fakes.lineage_events import EventsInMemory, a_run_event, a_run_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT = "actor://service/airflow"


@pytest.fixture
def log():
    return EventsInMemory()


@pytest.fixture
def intake(log):
    return EventIntake(IntakePorts(read_event, log, lambda: NOON, ("marquez",)))


def at(moment):
    return a_run_event(eventTime=moment.isoformat())


@pytest.mark.parametrize("years", [-50, 50, 1, -21])
def test_a_time_far_from_now_is_refused(intake, log, years):
    with pytest.raises(InvalidInput, match="too far from now") as caught:
        intake.receive([at(NOON + timedelta(days=365 * years))], BOT)

    assert caught.value.field == "eventTime"
    assert not log.events


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_the_end_of_the_calendar_is_refused(intake, moment):
    with pytest.raises(InvalidInput, match="in UTC") as caught:
        intake.receive([a_run_event(eventTime=moment)], BOT)

    assert caught.value.field == "eventTime"


def derivation(run, width):
    def ends(side):
        return [{"namespace": "s3://lake", "name": f"{side}{run}-{number}"} for number in range(width)]

    facet = {"_producer": "https://x", "_schemaURL": "https://x", "verb": "derived_from"}
    told = {"run": {"runId": a_run_id(run), "facets": {"handrail_derivation": facet}}}
    return a_run_event(eventTime=NOON.isoformat(), inputs=ends("in"), outputs=ends("out")) | told


def test_the_last_derivation_that_fits_is_taken_and_the_next_is_refused(intake, log, monkeypatch):
    monkeypatch.setattr(intake_module, "MAX_DERIVED", 12)
    batch = [derivation(1, 2), at(NOON), derivation(2, 2), derivation(3, 2)]

    with pytest.raises(InvalidInput, match="more than 12 derivations") as caught:
        intake.receive([*batch, derivation(4, 1)], BOT)

    assert caught.value.field == "4.inputs"
    assert not log.events
    assert intake.receive(batch, BOT).accepted == 4


@pytest.mark.parametrize(("inputs", "outputs", "stated"), [([], [2], 0), ([1], [0], 1), ([0, 3], [2, 1], 12)])
def test_each_output_derives_from_each_input_by_each_of_their_digests(inputs, outputs, stated):
    def ends(side, digests):
        return tuple(
            End(NodeFact(f"s3://lake/{side}{place}", Role.ARTIFACT, "s3"), tuple(map(str, range(number))))
            for place, number in enumerate(digests)
        )

    content = EventContent(None, ends("in", inputs), ends("out", outputs))

    assert content.derivations == len(facts_of(content, "x").statements) == stated
    assert replace(content, activity=activity_fact("x://run")).derivations == 0


@pytest.mark.parametrize("end", [timedelta(days=-20 * 365), timedelta(days=1)])
def test_a_time_at_the_end_of_what_is_allowed_is_taken(intake, end):
    beyond = NOON + end + timedelta(microseconds=1 if end > timedelta() else -1)

    with pytest.raises(InvalidInput, match="1 day ahead and 20 years back"):
        intake.receive([at(beyond)], BOT)
    assert intake.receive([at(NOON + end)], BOT).accepted == 1


@pytest.mark.parametrize("hours", [-24 * 365 * 13, 0, 23])
def test_a_late_event_and_a_clock_that_is_a_little_fast_are_taken(intake, log, hours):
    assert intake.receive([at(NOON + timedelta(hours=hours))], BOT).accepted == 1


def test_one_bad_event_refuses_its_batch_and_its_place_is_named(intake, log):
    with pytest.raises(InvalidInput) as caught:
        intake.receive([at(NOON), a_run_event(run=2, eventType="DONE")], BOT)

    assert caught.value.field == "1.eventType"
    assert not log.events


def test_new_and_repeated_events_are_counted(intake):
    first, second = at(NOON), at(NOON - timedelta(hours=1))

    results = [intake.receive(batch, BOT) for batch in ([first], [first, second], [first, second], [])]

    assert [(result.accepted, result.repeated) for result in results] == [(1, 0), (1, 1), (0, 2), (0, 0)]


def test_new_events_are_queued_for_each_sink(intake, log):
    intake.receive([at(NOON)], BOT)
    intake.receive([at(NOON)], BOT)

    assert {sink for sink, _ in log.queue} == {"marquez"}
    assert len(log.queue) == 1
