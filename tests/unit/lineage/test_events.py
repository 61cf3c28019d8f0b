"""What an event says of its run: its times, its rank, its stream, and whether it is a run at all."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.lineage.domain.contents import EventContent
from handrail.lineage.domain.events import DatasetAt, JobName, LineageEvent, RunReport, RunState, run_uri
from handrail.lineage.domain.facts import ActivityDetails, activity_fact
from tests.fakes.lineage_events import a_run_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGAN, ENDED = NOON - timedelta(hours=2), NOON - timedelta(hours=1)
JOB, ORDERS = JobName("airflow", "clean"), DatasetAt("s3://lake", "orders")
STAGE = "dvc-stage://shop/train@1"


def an_event(state=RunState.COMPLETE, about=None):
    """Return an event of a run; with `about` its content is that activity, from BEGAN to ENDED."""
    content = EventContent(activity_fact(about, details=ActivityDetails(BEGAN, ENDED))) if about else None
    return LineageEvent("00", NOON, "x", "{}", JOB, RunReport(a_run_id(1), state), content=content)


JOB_EVENT = LineageEvent("00", NOON, "x", "{}", JOB, inputs=(ORDERS,))
DATASET_EVENT = LineageEvent("00", NOON, "x", "{}", datasets=(ORDERS,))


@pytest.mark.parametrize(
    ("state", "rank", "is_final"),
    [("START", 0, False), ("RUNNING", 1, False), ("OTHER", 1, False), ("ABORT", 2, True), ("FAIL", 3, True)]
    + [("COMPLETE", 4, True)],
)
def test_a_state_is_stored_under_the_rank_that_it_always_had(state, rank, is_final):
    assert (RunState(state).rank, RunState(state).is_final) == (rank, is_final)
    assert RunState.of(rank) is RunState(state if state != "OTHER" else "RUNNING")
    assert an_event(RunState(state)).rank == rank


@pytest.mark.parametrize("state", RunState)
def test_a_run_begins_at_its_start_and_ends_at_a_final_state(state):
    event = an_event(state)

    assert event.started == (NOON if state is RunState.START else None)
    assert event.ended == (NOON if state.is_final else None)


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("about", [STAGE, run_uri(a_run_id(1))])
def test_the_times_of_an_activity_are_its_own_whatever_the_state_of_the_run_that_represents_it(state, about):
    event = an_event(state, about)

    assert (event.started, event.ended) == (BEGAN, ENDED)


@pytest.mark.parametrize("event", [JOB_EVENT, DATASET_EVENT])
def test_what_is_no_run_neither_begins_nor_ends(event):
    assert (event.started, event.ended, event.rank, event.own_run) == (None, None, 0, None)


@pytest.mark.parametrize(
    ("about", "is_own"), [(None, True), (run_uri(a_run_id(1)), True), (run_uri(a_run_id(2)), False), (STAGE, False)]
)
def test_a_run_that_represents_another_activity_is_no_run_itself(about, is_own):
    event = an_event(about=about)

    assert event.own_run == ((event.run, JOB) if is_own else None)
    assert event.is_own_run is bool(about and is_own)


def test_a_content_without_an_activity_is_no_run():
    derived = EventContent(outputs=(ORDERS.end,))
    event = LineageEvent("00", NOON, "x", "{}", JOB, RunReport(a_run_id(1), RunState.START), content=derived)

    assert (event.own_run, event.started, event.ended) == (None, NOON, None)


@pytest.mark.parametrize(
    ("event", "stream"),
    [
        (an_event(), "openlineage-run://00000000-0000-0000-0000-000000000001"),
        (JOB_EVENT, "openlineage-job://airflow/clean"),
        (DATASET_EVENT, "s3://lake/orders"),
    ],
)
def test_what_stays_in_order_is_the_run_else_the_job_else_the_dataset(event, stream):
    assert event.stream == stream


@pytest.mark.parametrize(
    ("dataset", "uri"),
    [
        (DatasetAt("s3://lake", "orders", "1"), "s3://lake/orders@1"),
        (DatasetAt("s3://lake", "orders", ""), "s3://lake/orders"),
        (DatasetAt("hive", "db.orders"), "openlineage://hive/db.orders"),
        (DatasetAt("s3://", "orders"), "openlineage://s3:///orders"),
        (DatasetAt("s3://lake", "a b@c", "1 2"), "s3://lake/a%20b@c@1%202"),
    ],
)
def test_a_dataset_is_named_by_namespace_name_and_version(dataset, uri):
    assert dataset.uri == dataset.end.node.uri == uri
    assert dict(dataset.end.node.attributes).get("version") == (dataset.version or None)


def test_a_dataset_is_no_other_name_of_itself():
    again, other = DatasetAt("s3://lake", "orders"), DatasetAt("s3a://lake", "orders")
    named = DatasetAt("s3://lake", "orders", alternates=(again, other))

    assert [node.uri for node in named.end.alternates] == ["s3a://lake/orders"]
