"""Which version of an asset a task read, and which runs left nothing: rules without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.prefect.collect.gaps import find_gaps
from handrail.entrypoints.prefect.collect.recording import artifacts_of
from handrail.entrypoints.prefect.collect.values import FLOW, TASK, Asset, PrefectRun, Seen
from handrail.lineage.domain.flaws import RunSummary

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDERS = "s3://lake/orders"


def _at(seconds, run, made, **told):
    return Asset(ORDERS, NOON + timedelta(seconds=seconds), run, made, told)


def _run(kind, run_id, **fields):
    plain = PrefectRun(kind, run_id, run_id, "shop", "COMPLETED", "Completed", NOON, NOON)
    return replace(plain, **fields)


FLOW_RUN = _run(FLOW, "f")
TASK_RUN = _run(TASK, "t", flow_run_id="f")


def _gaps(*runs, held=None, tags=()):
    seen = Seen(tuple(run for run in runs if run.kind == FLOW), tuple(run for run in runs if run.kind == TASK))
    return [(gap.run_id, gap.problem) for gap in find_gaps(seen, lambda _: held or {}, tags)]


def test_what_is_read_is_the_version_made_last():
    found = artifacts_of([_at(1, "one", True), _at(2, "reader", False), _at(3, "two", True), _at(4, "later", False)])

    assert [artifact.uri for artifact in found["reader"].used] == [f"{ORDERS}@one"]
    assert [artifact.uri for artifact in found["later"].used] == [f"{ORDERS}@two"]


def test_an_asset_that_nobody_made_here_has_no_version():
    assert artifacts_of([_at(1, "reader", False)])["reader"].used[0].uri == ORDERS


def test_a_task_that_makes_an_asset_anew_read_the_one_before():
    found = artifacts_of([_at(1, "one", True), _at(2, "two", False), _at(2, "two", True)])

    assert [artifact.uri for artifact in found["two"].used] == [f"{ORDERS}@one"]
    assert [artifact.uri for artifact in found["two"].generated] == [f"{ORDERS}@two"]


@pytest.mark.parametrize(
    ("told", "uri", "digest"),
    [
        ({"version": "7", "digest": "md5:ab"}, f"{ORDERS}@7", "md5:ab"),
        ({"sha256": "ab" * 32}, f"{ORDERS}@one", "sha256:" + "ab" * 32),
        ({"sha256": "short"}, f"{ORDERS}@one", None),
        ({"digest": "what I call it", "version": "of today"}, f"{ORDERS}@of%20today", None),
    ],
)
def test_metadata_may_name_version_and_digest(told, uri, digest):
    (made,) = artifacts_of([_at(1, "one", True, **told)])["one"].generated

    assert (made.uri, made.digest) == (uri, digest)


def test_a_run_without_a_record_is_a_gap_and_its_flow_is_not_recorded_twice():
    assert _gaps(FLOW_RUN, TASK_RUN) == [("t", "The task-run 't' of the flow 'shop' left no lineage record.")]


def test_a_flow_whose_tasks_recorded_is_none():
    assert _gaps(FLOW_RUN, TASK_RUN, held={"t": RunSummary(1)}) == []


def test_a_record_without_data_is_a_gap():
    ((_, problem),) = _gaps(FLOW_RUN, held={"f": RunSummary(0, recorded=True)})

    assert problem == "The flow-run 'f' of the flow 'shop' left a record that names neither an input nor an output."


def test_a_run_that_only_prefect_reported_is_not_said_to_have_left_a_record():
    ((_, problem),) = _gaps(TASK_RUN, held={"t": RunSummary(0)})

    assert problem.endswith("of the flow 'shop' is known from Prefect alone and names neither an input nor an output.")


def test_a_task_that_passes_a_value_on_is_a_link_and_no_gap():
    assert _gaps(TASK_RUN, held={"t": RunSummary(0, values=1)}) == []
    assert len(_gaps(TASK_RUN, held={"t": RunSummary(0, values=1, recorded=True)})) == 1, (
        "it was to name data, and did not"
    )


def test_a_flow_that_does_nothing_but_pass_values_is_a_gap():
    ((run, problem),) = _gaps(FLOW_RUN, TASK_RUN, held={"f": RunSummary(0), "t": RunSummary(0, values=2)})

    assert run == "f"
    assert problem.endswith("is known from Prefect alone, and neither it nor a task of it names an input or an output.")


def test_an_incomplete_record_is_a_gap_even_with_data():
    ((_, problem),) = _gaps(TASK_RUN, held={"t": RunSummary(1, "x.csv: No such file.")})

    assert problem.endswith("left an incomplete record: x.csv: No such file.")


@pytest.mark.parametrize(
    "fields",
    [
        {"state_type": "FAILED"},
        {"state_type": "RUNNING"},
        {"state_name": "Cached"},
        {"child_flow_run_id": "g"},
        {"tags": frozenset({"no-lineage"})},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_these_runs_owe_no_record(fields):
    assert _gaps(replace(TASK_RUN, **fields)) == []


def test_tags_choose_runs_and_those_of_a_flow_run_hold_for_its_tasks():
    tagged = replace(FLOW_RUN, tags=frozenset({"data"}))

    assert _gaps(FLOW_RUN, TASK_RUN, tags=["data"]) == []
    assert [run for run, _ in _gaps(tagged, TASK_RUN, tags=["data"])] == ["t"]


def test_a_flow_is_known_by_what_the_flow_that_it_calls_recorded():
    caller = replace(TASK_RUN, child_flow_run_id="g")
    inner = _run(FLOW, "g", parent_task_run_id="t")
    task = _run(TASK, "u", flow_run_id="g")

    assert _gaps(FLOW_RUN, caller, inner, task, held={"u": RunSummary(2)}) == []
