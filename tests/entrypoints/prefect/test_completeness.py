"""`handrail lineage collect prefect --check`: completed runs of a real Prefect server that left no lineage."""

import json

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from handrail import open_platform
from handrail.entrypoints.prefect.blocks import record
from handrail.lineage import artifact_at
from tests.fakes.prefect_runs import collect, until_ended


@task(cache_policy=NO_CACHE)
def forgotten():
    return None


@record()
@task(cache_policy=NO_CACHE)
def says_nothing():
    return None


@record(inputs=["orders.csv", "missing.csv"])
@task(cache_policy=NO_CACHE)
def half():
    return None


@record(inputs="orders.csv")
@task(cache_policy=NO_CACHE, tags=["good"])
def complete():
    return None


@task(cache_policy=NO_CACHE, tags=["no-lineage"])
def exempt():
    return None


@task(cache_policy=NO_CACHE)
def fails():
    raise OSError("of the task")


@flow
def planted():
    for each in (forgotten, says_nothing, half, complete, exempt):
        each()
    fails(return_state=True)
    return "done"


def test_runs_that_left_no_lineage_are_found(project, prefect_url, began):
    planted()
    until_ended(prefect_url, began, 6)

    done = collect("--check", "--since", began)
    gaps = json.loads(collect("--check", "--since", began, "--json").stdout)
    problems = {gap["name"].rpartition("-")[0]: gap["problem"] for gap in gaps}

    assert done.exit_code == 1
    assert set(problems) == {"forgotten", "says_nothing", "half"}
    assert problems["forgotten"].endswith("of the flow 'planted' left no lineage record.")
    assert problems["says_nothing"].endswith("left a record that names neither an input nor an output.")
    assert "incomplete record: missing.csv" in problems["half"]
    assert done.stdout.count("\n") == 3
    assert collect("--check", "--since", began, "--tag", "good").exit_code == 0
    assert collect("--check", "--since", began, "--flow", "another").exit_code == 0


def test_what_only_collecting_recorded_is_said_to_be_known_from_prefect(project, prefect_url, began):
    planted()
    until_ended(prefect_url, began, 6)
    collect("--since", began)

    gaps = json.loads(collect("--check", "--since", began, "--json").stdout)
    problems = {gap["name"].rpartition("-")[0]: gap["problem"] for gap in gaps}

    assert set(problems) == {"forgotten", "says_nothing", "half"}
    assert problems["forgotten"].endswith("is known from Prefect alone and names neither an input nor an output.")
    assert problems["says_nothing"].endswith("left a record that names neither an input nor an output.")


def test_a_task_between_others_that_only_passes_values_is_no_gap(project, prefect_url, began):
    @task(cache_policy=NO_CACHE)
    @record(inputs="orders.csv")
    def read():
        return {"rows": 1}

    @task(cache_policy=NO_CACHE)
    def double(rows):
        return {"rows": 2}

    @flow
    def links():
        double(read())

    links()
    until_ended(prefect_url, began, 2)
    assert collect("--since", began).exit_code == 0

    done = collect("--check", "--since", began)

    assert done.stdout == "Every completed run left its lineage.\n"


def test_a_flow_that_left_nothing_at_all_is_found(project, prefect_url, began):
    open_platform().lineage.derive(artifact_at("s3://lake/b@1"), artifact_at("s3://lake/a@1"), asserted_by="test")

    @flow
    def silent():
        return 1

    silent()

    done = collect("--check", "--since", began)

    assert done.exit_code == 1
    assert "of the flow 'silent' left no lineage record." in done.stdout


def test_a_cached_task_and_a_flow_whose_subflow_recorded_are_no_gaps(project, prefect_url, began):
    @record(inputs="orders.csv")
    @task(cache_key_fn=lambda *_: began, persist_result=True)
    def once():
        return 1

    @flow
    def inner():
        once()
        once()

    @flow
    def outer():
        inner()

    outer()
    until_ended(prefect_url, began, 3)

    done = collect("--check", "--since", began)

    assert done.exit_code == 0, done.stdout
    assert done.stdout == "Every completed run left its lineage.\n"
