"""Which runs left a record: counted on every kind of database."""

from datetime import UTC, datetime

import pytest

from handrail.lineage.adapters.sql.audit import SqlAudit
from handrail.lineage.adapters.sql.census import SqlCensus
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.domain.facts import ActivityDetails, Facts, activity_fact, describe_activity, describe_membership
from handrail.lineage.domain.flaws import RunSummary
from handrail.lineage.domain.names import artifact_at
from tests.fakes.lineage_stores import KINDS, an_empty_store

pytestmark = pytest.mark.any_version

FLOW, TASK, OTHER = "prefect://s/flow-run/f", "prefect://s/task-run/t", "prefect://s/task-run/o"
ORDERS, VALUE = artifact_at("s3://lake/orders"), artifact_at(f"{OTHER}/result")


@pytest.fixture(params=KINDS)
def store(request):
    with an_empty_store(request.param) as store:
        yield store


def _record(store, *parts):
    SqlGraph(store).record(Facts.union(parts))


def test_a_run_that_nobody_recorded_is_left_out(store):
    assert SqlCensus(store).runs([TASK]) == {}


def test_what_a_run_read_and_made_is_counted_and_a_value_in_memory_is_not(store):
    made = artifact_at("s3://lake/clean")
    _record(store, describe_activity(activity_fact(TASK), [ORDERS, VALUE], [made], [], "prefect"))
    _record(store, describe_activity(activity_fact(OTHER), [], [VALUE], [], "prefect"))

    assert SqlCensus(store).runs([TASK, OTHER]) == {TASK: RunSummary(2, values=1), OTHER: RunSummary(0, values=1)}


def test_a_whole_is_recorded_by_its_parts(store):
    _record(
        store,
        describe_activity(activity_fact("dvc-stage://s/fit@1"), [ORDERS], [], [], "dvc"),
        describe_membership("dvc-stage://s/fit@1", [FLOW], "prefect"),
    )

    assert SqlCensus(store).runs([FLOW]) == {FLOW: RunSummary(1)}


def test_what_a_record_says_is_missing_is_handed_on(store):
    details = ActivityDetails(attributes={"incomplete": "x.csv: No such file."})
    _record(store, describe_activity(activity_fact(TASK, details=details), [ORDERS], [], [], "prefect"))

    assert SqlCensus(store).runs([TASK]) == {TASK: RunSummary(1, "x.csv: No such file.")}


def test_a_run_that_recorded_itself_is_known_as_such(store):
    details = ActivityDetails(attributes={"recorded": "explicitly"})
    _record(store, describe_activity(activity_fact(TASK, details=details), [], [], [], "prefect"))

    assert SqlCensus(store).runs([TASK]) == {TASK: RunSummary(0, recorded=True)}


@pytest.mark.parametrize(("attributes", "kinds"), [({}, set()), ({"recorded": "explicitly"}, {"run-without-data"})])
def test_the_doctor_asks_for_data_where_a_run_was_to_report_it(store, attributes, kinds):
    told = activity_fact(TASK, details=ActivityDetails(attributes=attributes))
    _record(store, Facts(frozenset({told})), describe_membership(TASK, [FLOW], "prefect"))

    assert {flaw.kind for flaw in SqlAudit(store).flaws(datetime(2026, 1, 1, tzinfo=UTC))} == kinds
