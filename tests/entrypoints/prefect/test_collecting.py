"""Lineage of flows that know nothing of Handrail, read from a real Prefect server."""

import json
import threading
import time

import httpx
import pytest
from prefect import flow, task
from prefect.assets import add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from handrail.entrypoints.hosts.recording import platform_here
from tests.fakes.lineage_stores import dump
from tests.fakes.prefect_runs import DEADLINE_S, collect, runs, until_ended

RAW, ORDERS, CLEAN = "s3://lake/raw.csv", "s3://lake/orders.csv", "s3://lake/clean.csv"
DIGEST = "sha256:" + "ab" * 32


@materialize(ORDERS, by="spark", asset_deps=[RAW], cache_policy=NO_CACHE)
def orders():
    add_asset_metadata(ORDERS, {"rows": 3, "digest": DIGEST})
    return {"rows": 3}


@materialize(CLEAN, cache_policy=NO_CACHE)
def clean(found):
    return {"found": found}


@task(tags=["last"], cache_policy=NO_CACHE)
def count(cleaned):
    return {"count": 1}


@flow
def shop(day: str = "monday"):
    count(clean(orders()))


def _until_materialised(url, began, assets):
    deadline = time.monotonic() + DEADLINE_S
    asked = {
        "filter": {"occurred": {"since": began}, "event": {"name": ["prefect.asset.materialization.succeeded"]}},
        "limit": 50,
    }
    found = {"total": 0}
    while found["total"] < assets and time.monotonic() < deadline:
        found = httpx.post(f"{url}/api/events/filter", json=asked, timeout=30).json()
        threading.Event().wait(0.1)
    assert found["total"] == assets


def _trace(ref):
    return platform_here().lineage.trace(ref)


def test_runs_and_assets_are_recorded_with_no_change_to_the_flow(project, prefect_url, began):
    shop("tuesday")
    until_ended(prefect_url, began, 3)
    _until_materialised(prefect_url, began, 2)

    done = collect("--since", began, "--json")

    assert json.loads(done.stdout) | {"new_events": 0} == {
        "flow_runs": 1,
        "task_runs": 3,
        "new_events": 0,
        "refused": [],
    }
    trace = _trace(CLEAN)
    kinds = [node.kind for node in trace.nodes]
    by_asset = {node.attributes.get("asset"): node for node in trace.nodes}
    run = next(node for node in trace.nodes if node.kind == "flow-run")
    assert {"task-run", "flow-run"} <= set(kinds)
    assert by_asset[ORDERS].digest == DIGEST
    assert by_asset[ORDERS].attributes["materialized_by"] == "spark"
    assert by_asset[ORDERS].attributes["rows"] == "3"
    assert RAW in {node.uri for node in trace.nodes}
    assert run.attributes["flow"] == "shop"
    assert run.attributes["state"] == "COMPLETE"
    assert len(run.attributes["parameters_sha256"]) == 64
    assert run.started < run.ended


def test_values_that_tasks_hand_on_lead_from_one_to_the_other(project, prefect_url, began):
    @task(cache_policy=NO_CACHE)
    def one():
        return {"one": 1}

    @task(cache_policy=NO_CACHE)
    def two(given):
        return None

    @flow
    def pair():
        two(one())

    pair()
    until_ended(prefect_url, began, 2)
    assert collect("--since", began).exit_code == 0

    (result,) = _uris("task-result")
    told = {run.attributes["task"]: run for run in runs("task-run").values()}
    assert told["one"].generated == told["two"].used == [result]


def test_collecting_again_changes_nothing_and_keeps_each_event_once(project, prefect_url, began):
    shop()
    until_ended(prefect_url, began, 3)
    _until_materialised(prefect_url, began, 2)
    first = json.loads(collect("--since", began, "--json").stdout)
    before = dump(platform_here().store)

    again = json.loads(collect("--since", began, "--json").stdout)

    assert first["new_events"] > 10
    assert dump(platform_here().store) == before
    (file,) = (project / ".handrail" / "prefect-events").glob("*.ndjson")
    ids = [json.loads(line)["event"]["id"] for line in file.read_text().splitlines()]
    assert len(ids) == len(set(ids)) == first["new_events"] + again["new_events"]


def test_a_failed_run_is_recorded_as_failed_and_made_nothing(project, prefect_url, began):
    @materialize("s3://lake/never.csv", cache_policy=NO_CACHE)
    def fail():
        raise OSError("of the task")

    @flow
    def broken():
        fail()

    with pytest.raises(OSError, match="of the task"):
        broken()
    until_ended(prefect_url, began, 1)
    collect("--since", began)

    (run,) = _uris("task-run")
    assert _trace(run).nodes[0].attributes["state"] == "FAIL"
    assert not [uri for uri in _all_uris() if "never.csv" in uri]


def test_a_flow_run_belongs_to_its_deployment(project, prefect_url, began):
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow

    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(shop), "nightly")
        run_flow(shop, flow_run=client.create_flow_run_from_deployment(deployment), parameters={"day": "sunday"})
    until_ended(prefect_url, began, 3)
    collect("--since", began)

    (run,) = _uris("flow-run")
    plan = next(node for node in _trace(run).nodes if node.kind == "flow-deployment")
    assert (plan.attributes["name"], plan.attributes["flow"]) == ("nightly", "shop")
    assert plan.uri == f"prefect://local/deployment/{deployment}"


def test_a_server_that_is_not_there_is_one_sentence(project):
    done = collect("--api-url", "http://127.0.0.1:1/api")

    assert done.exit_code == 1
    assert "Start it, or name another with --api-url" in str(done.exception)


def _uris(kind):
    with platform_here().store.read() as connection:
        rows = connection.exec_driver_sql("select uri, kind from lineage_node order by uri").all()
    return [row.uri for row in rows if row.kind == kind]


def _all_uris():
    with platform_here().store.read() as connection:
        return list(connection.exec_driver_sql("select uri from lineage_node").scalars())
