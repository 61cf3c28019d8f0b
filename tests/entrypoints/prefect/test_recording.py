"""What `record` leaves in the graph, in real runs of a real Prefect server."""

import asyncio
import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy import text

from handrail.bootstrap.lineage import Role, Verb
from handrail.entrypoints.prefect_blocks import HandrailLineage, record
from handrail.entrypoints.recording import platform_here
from handrail.errors import InvalidInput
from handrail.refs import ArtifactVersion, DataVersion, FeatureView


def _md5(content):
    return hashlib.md5(content.encode()).hexdigest()


def _data(path, content):
    return DataVersion("shop", path, _md5(content)).uri


def _runs(kind):
    """Return what lineage holds of every run of a kind: node by URI, and its edges."""
    lineage, found = platform_here().lineage, {}
    with platform_here().store.read() as connection:
        query = text("select uri from lineage_node where kind = :kind")
        uris = list(connection.execute(query, {"kind": kind}).scalars())
    for uri in uris:
        trace = lineage.trace(uri)
        made = [edge.effect for edge in lineage.impact(uri).edges if edge.cause == uri and edge.verb is Verb.GENERATED]
        edges = [edge for edge in trace.edges if edge.effect == uri]
        node = next(node for node in trace.nodes if node.uri == uri)
        used = sorted(edge.cause for edge in edges if edge.verb is Verb.USED)
        within = sorted(edge.cause for edge in edges if edge.verb is Verb.ASSOCIATED_WITH)
        found[node.attributes.get("name", uri)] = (node, used, sorted(made), within)
    return found


def _only(kind):
    (found,) = _runs(kind).values()
    return found


def test_a_task_records_what_it_read_and_made_and_where_it_belongs(project):
    @task(cache_policy=NO_CACHE)
    @record(inputs="orders.csv", outputs=lambda target: target)
    def clean(target):
        Path(target).write_text("a,2\n")

    @flow(name="shop")
    def shop():
        clean("clean.csv")

    shop()
    node, used, made, within = _only("task-run")
    (flow_run,) = _runs("flow-run").values()

    assert used == [_data("orders.csv", "a,1\n")]
    assert made == [_data("clean.csv", "a,2\n")]
    assert within == [flow_run[0].uri]
    assert node.role is Role.ACTIVITY
    assert node.attributes["state"] == "COMPLETE"
    assert node.attributes["task"] == "clean"
    assert node.started <= node.ended
    assert flow_run[0].attributes["flow"] == "shop"


def test_files_carry_a_sha256_so_that_the_next_task_proves_the_hop(project):
    @task
    @record(outputs="clean.csv")
    def clean():
        Path("clean.csv").write_text("a,2\n")

    @task
    @record(inputs="clean.csv")
    def count():
        return 1

    @flow
    def shop():
        clean()
        count()

    shop()
    trace = platform_here().lineage.trace("clean.csv")
    impact = platform_here().lineage.impact("clean.csv")

    assert trace.nodes[0].digest == "sha256:" + hashlib.sha256(b"a,2\n").hexdigest()
    assert [edge.proven for edge in impact.edges if edge.verb is Verb.USED] == [True]


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(("host", "kind"), [(task, "task-run"), (flow, "flow-run")], ids=["task", "flow"])
def test_it_works_above_and_below_the_decorators_of_prefect(project, above, host, kind):
    def plain(source):
        return source.upper()

    recorder = record(inputs=lambda source: source, outputs=lambda result: f"s3://lake/{result}")
    recorded = recorder(host(plain)) if above else host(recorder(plain))

    assert recorded("orders.csv") == "ORDERS.CSV"
    node, used, made, _ = _only(kind)
    assert (used, made) == ([_data("orders.csv", "a,1\n")], ["s3://lake/ORDERS.CSV"])
    assert node.attributes["state"] == "COMPLETE"


def test_a_task_that_others_use_stays_as_it_was(project):
    @task
    def clean():
        return 1

    recorded = record(inputs="orders.csv")(clean)

    assert clean.fn is not recorded.fn
    assert recorded.name == clean.name


def test_async_tasks_and_generators_are_recorded_too(project):
    @record(inputs="orders.csv", outputs=lambda result: f"s3://lake/{result}")
    @task
    async def fetch():
        await asyncio.sleep(0)
        return "fetched"

    @record(inputs="orders.csv", outputs="s3://lake/rows")
    @task(cache_policy=NO_CACHE)
    def rows():
        yield from (1, 2)

    @record(inputs="orders.csv", outputs="s3://lake/stream")
    @task(cache_policy=NO_CACHE)
    async def stream():
        yield 1

    async def consume():
        return await fetch(), [each async for each in stream()]

    assert asyncio.run(consume()) == ("fetched", [1])
    assert list(rows()) == [1, 2]
    assert sorted(made for _, _, (made,), _ in _runs("task-run").values()) == [
        "s3://lake/fetched",
        "s3://lake/rows",
        "s3://lake/stream",
    ]


def test_a_task_that_fails_keeps_its_inputs_and_makes_nothing(project):
    @record(inputs="orders.csv", outputs="clean.csv")
    @task
    def clean():
        Path("clean.csv").write_text("half")
        raise ZeroDivisionError("of the task")

    with pytest.raises(ZeroDivisionError, match="of the task"):
        clean()

    node, used, made, _ = _only("task-run")
    assert node.attributes["state"] == "FAIL"
    assert (used, made) == ([_data("orders.csv", "a,1\n")], [])


def test_retries_are_one_run_whose_failures_are_no_ends(project):
    tries = []

    @record(inputs="orders.csv", outputs="clean.csv")
    @task(retries=2, retry_delay_seconds=0)
    def clean():
        tries.append(1)
        if len(tries) < 3:
            raise OSError("again")
        Path("clean.csv").write_text("a,2\n")

    clean()

    node, used, made, _ = _only("task-run")
    assert len(tries) == 3
    assert node.attributes["state"] == "COMPLETE"
    assert (used, made) == ([_data("orders.csv", "a,1\n")], [_data("clean.csv", "a,2\n")])


def test_the_last_retry_that_fails_ends_the_run(project):
    @record(inputs="orders.csv")
    @task(retries=1, retry_delay_seconds=0)
    def clean():
        raise OSError("again")

    with pytest.raises(OSError, match="again"):
        clean()

    assert _only("task-run")[0].attributes["state"] == "FAIL"


def test_a_block_of_code_in_a_task_says_what_it_made_as_it_goes(project):
    @task
    def clean():
        with record(inputs="orders.csv", outputs="s3://lake/sum") as run:
            run.used(FeatureView("shop", "orders", "ab" * 32))
            Path("clean.csv").write_text("a,2\n")
            run.generated("clean.csv", ArtifactVersion("s3://lake/copy", "dataset"))

    clean()

    _, used, made, _ = _only("task-run")
    assert used == [_data("orders.csv", "a,1\n"), "feast://shop/feature_view/orders@" + "ab" * 32]
    assert made == [_data("clean.csv", "a,2\n"), "s3://lake/copy", "s3://lake/sum"]


def test_a_function_that_a_task_calls_records_into_the_task_and_ends_nothing(project):
    @record(inputs="orders.csv")
    def read():
        raise FileNotFoundError("expected")

    @task
    def clean():
        try:
            read()
        except FileNotFoundError:
            return 0

    clean()

    node, used, _, _ = _only("task-run")
    assert used == [_data("orders.csv", "a,1\n")]
    assert "state" not in node.attributes


def test_a_subflow_belongs_to_the_run_that_called_it(project):
    @record(inputs="orders.csv")
    @flow
    def inner():
        return 1

    @flow(name="outer")
    def outer():
        inner()

    outer()

    node, used, _, within = _only("flow-run")
    assert used == [_data("orders.csv", "a,1\n")]
    assert node.attributes["flow"] == "inner"
    assert [uri.split("/")[3] for uri in within] == ["task-run"]


def test_folders_are_one_version_as_dvc_names_them(project):
    (project / "raw").mkdir()
    (project / "raw" / "one.csv").write_text("1")
    listing = '[{"md5": "' + _md5("1") + '", "relpath": "one.csv"}]'

    @record(inputs=project / "raw")
    @task
    def clean():
        return 1

    clean()

    assert _only("task-run")[1] == [f"dvc://shop/raw@{_md5(listing)}.dir"]


def test_a_file_left_as_it_was_is_not_made_by_who_read_it(project):
    @record(inputs="orders.csv", outputs="orders.csv")
    @task
    def touch():
        return 1

    touch()

    assert _only("task-run")[1:3] == ([_data("orders.csv", "a,1\n")], [])


def test_bytes_that_come_back_as_their_own_cause_cost_the_output_alone(project, caplog):
    @record(inputs=lambda source: source, outputs=lambda target: target)
    @task(cache_policy=NO_CACHE, task_run_name="{source} to {target}")
    def move(source, target, content):
        Path(target).write_text(content)

    move("orders.csv", "clean.csv", "a,2\n")
    move("clean.csv", "orders.csv", "a,1\n")

    node, used, made, _ = _runs("task-run")["clean.csv to orders.csv"]
    assert (used, made) == ([_data("clean.csv", "a,2\n")], [])
    assert "a cause of what it read" in node.attributes["incomplete"]


def test_what_cannot_be_named_is_told_in_the_record_and_fails_nothing(project):
    @record(inputs=["orders.csv", "missing.csv"], outputs=lambda result: result["target"])
    @task
    def clean():
        return {}

    assert clean() == {}
    node, used, _, _ = _only("task-run")
    assert used == [_data("orders.csv", "a,1\n")]
    assert "missing.csv" in node.attributes["incomplete"]
    assert "KeyError" in node.attributes["incomplete"]


@pytest.mark.parametrize("thing", ["../elsewhere.csv", 17, "no uri://x y"])
def test_a_name_that_cannot_be_used_is_no_failure(project, thing, caplog):
    @record(inputs=["orders.csv", thing])
    @task
    def clean():
        return 1

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        assert clean() == 1


def test_a_store_that_is_not_there_fails_nothing(project, monkeypatch, caplog):
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")

    @record(inputs="orders.csv")
    @task
    def clean():
        return 1

    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        assert clean() == 1
    assert "Lineage does not know of the task-run" in caplog.text


def test_outside_of_a_run_nothing_is_recorded_and_the_function_works(project):
    @record(inputs="orders.csv")
    def clean():
        return 1

    assert clean() == 1
    assert _runs("task-run") == {}


def test_a_function_that_asks_for_an_unknown_argument_is_refused_where_it_is_written(project):
    with pytest.raises(InvalidInput, match="'day', which .*clean does not have"):

        @record(inputs=lambda day: day)
        def clean(source):
            return 1


def test_a_block_records_into_its_own_store(project, tmp_path):
    block = HandrailLineage(database_url=f"sqlite:///{tmp_path / 'other.db'}")

    @block.record(inputs="orders.csv")
    @task
    def clean():
        return 1

    clean()

    assert _runs("task-run") == {}
    assert block.open().lineage.impact("orders.csv").nodes[1].attributes["task"] == "clean"


def test_a_block_is_saved_with_its_url_masked_and_loads_again(project):
    HandrailLineage(database_url="sqlite:///lineage.db").save("shop", overwrite=True)

    loaded = HandrailLineage.load("shop")

    assert "sqlite" not in repr(loaded)
    assert loaded.database_url.get_secret_value() == "sqlite:///lineage.db"


def test_a_server_with_handrail_installed_offers_the_block(project, prefect_url):
    answer = httpx.get(f"{prefect_url}/api/block_types/slug/handrail-lineage", timeout=30)

    assert answer.json()["name"] == "Handrail Lineage"


def test_the_block_can_be_registered_from_the_command_line(project, prefect_url):
    command = [
        Path(sys.executable).with_name("prefect"),
        "block",
        "register",
        "-m",
        "handrail.entrypoints.prefect_blocks",
    ]

    done = subprocess.run(
        command, env=os.environ | {"PREFECT_API_URL": f"{prefect_url}/api"}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Handrail Lineage" in done.stdout
