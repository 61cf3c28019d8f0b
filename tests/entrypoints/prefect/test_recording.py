"""What `record` leaves in the graph, in real runs of a real Prefect server."""

import asyncio
from pathlib import Path

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from handrail.entrypoints.hosts.recording import platform_here
from handrail.entrypoints.prefect.blocks import record
from handrail.lineage import Verb
from handrail.refs import ArtifactVersion, FeatureView
from tests.fakes.prefect_runs import data_at, only, runs


def test_a_task_records_what_it_read_and_made_and_where_it_belongs(project):
    @task(cache_policy=NO_CACHE)
    @record(inputs="orders.csv", outputs=lambda target: target)
    def clean(target):
        Path(target).write_text("a,2\n")

    @flow(name="shop")
    def shop():
        clean("clean.csv")

    shop()
    run, flow_run = only("task-run"), only("flow-run")

    assert run.used == [data_at("orders.csv", "a,1\n")]
    assert run.generated == [data_at("clean.csv", "a,2\n")]
    assert run.within == [flow_run.uri]
    assert run.attributes["state"] == "COMPLETE"
    assert run.attributes["task"] == "clean"
    assert run.started <= run.ended
    assert flow_run.attributes["flow"] == "shop"


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
    trace = platform_here().lineage.trace(next(run.uri for run in runs("task-run").values() if run.used))

    data = {edge.verb: edge.proven for edge in trace.edges if edge.verb in (Verb.USED, Verb.GENERATED)}
    assert data == {Verb.USED: True, Verb.GENERATED: True}, "both hashed the file, and stated the same"


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(("host", "kind"), [(task, "task-run"), (flow, "flow-run")], ids=["task", "flow"])
def test_it_works_above_and_below_the_decorators_of_prefect(project, above, host, kind):
    def plain(source):
        return source.upper()

    recorder = record(inputs=lambda source: source, outputs=lambda result: f"s3://lake/{result}")
    recorded = recorder(host(plain)) if above else host(recorder(plain))

    assert recorded("orders.csv") == "ORDERS.CSV"
    run = only(kind)
    assert (run.used, run.generated) == ([data_at("orders.csv", "a,1\n")], ["s3://lake/ORDERS.CSV"])
    assert run.attributes["state"] == "COMPLETE"


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
    assert sorted(uri for run in runs("task-run").values() for uri in run.generated) == [
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

    run = only("task-run")
    assert run.attributes["state"] == "FAIL"
    assert (run.used, run.generated) == ([data_at("orders.csv", "a,1\n")], [])


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

    run = only("task-run")
    assert len(tries) == 3
    assert run.attributes["state"] == "COMPLETE"
    assert (run.used, run.generated) == ([data_at("orders.csv", "a,1\n")], [data_at("clean.csv", "a,2\n")])


def test_the_last_retry_that_fails_ends_the_run(project):
    @record(inputs="orders.csv")
    @task(retries=1, retry_delay_seconds=0)
    def clean():
        raise OSError("again")

    with pytest.raises(OSError, match="again"):
        clean()

    assert only("task-run").attributes["state"] == "FAIL"


def test_a_block_of_code_in_a_task_says_what_it_made_as_it_goes(project):
    @task
    def clean():
        with record(inputs="orders.csv", outputs="s3://lake/sum") as run:
            run.used(FeatureView("shop", "orders", "ab" * 32))
            Path("clean.csv").write_text("a,2\n")
            run.generated("clean.csv", ArtifactVersion("s3://lake/copy", "dataset"))

    clean()

    run = only("task-run")
    assert run.used == [data_at("orders.csv", "a,1\n"), "feast://shop/feature_view/orders@" + "ab" * 32]
    assert run.generated == [data_at("clean.csv", "a,2\n"), "s3://lake/copy", "s3://lake/sum"]


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

    run = only("task-run")
    assert run.used == [data_at("orders.csv", "a,1\n")]
    assert "state" not in run.attributes


def test_a_subflow_belongs_to_the_run_that_called_it(project):
    @record(inputs="orders.csv")
    @flow
    def inner():
        return 1

    @flow(name="outer")
    def outer():
        inner()

    outer()

    run = only("flow-run")
    assert run.used == [data_at("orders.csv", "a,1\n")]
    assert run.attributes["flow"] == "inner"
    assert [uri.split("/")[3] for uri in run.within] == ["task-run"]


def test_folders_are_one_version_as_dvc_names_them(project):
    (project / "raw").mkdir()
    (project / "raw" / "one.csv").write_text("1")
    listing = '[{"md5": "c4ca4238a0b923820dcc509a6f75849b", "relpath": "one.csv"}]'

    @record(inputs=project / "raw")
    @task
    def clean():
        return 1

    clean()

    assert only("task-run").used == [f"{data_at('raw', listing)}.dir"]


def test_a_file_left_as_it_was_is_not_made_by_who_read_it(project):
    @record(inputs="orders.csv", outputs="orders.csv")
    @task
    def touch():
        return 1

    touch()

    run = only("task-run")
    assert (run.used, run.generated) == ([data_at("orders.csv", "a,1\n")], [])


def test_bytes_that_come_back_as_their_own_cause_cost_the_output_alone(project, caplog):
    @record(inputs=lambda source: source, outputs=lambda target: target)
    @task(cache_policy=NO_CACHE, task_run_name="{source} to {target}")
    def move(source, target, content):
        Path(target).write_text(content)

    move("orders.csv", "clean.csv", "a,2\n")
    move("clean.csv", "orders.csv", "a,1\n")

    run = runs("task-run")["clean.csv to orders.csv"]
    assert (run.used, run.generated) == ([data_at("clean.csv", "a,2\n")], [])
    assert "a cause of what it read" in run.attributes["incomplete"]


@pytest.mark.parametrize("runner", [ThreadPoolTaskRunner, ProcessPoolTaskRunner])
def test_tasks_on_other_threads_and_processes_are_recorded(project, runner):
    @record(inputs=lambda path: path)
    @task(cache_policy=NO_CACHE)
    def count(path):
        return len(path)

    @flow(task_runner=runner(max_workers=2))
    def shop():
        return sum(future.result() for future in count.map(["orders.csv", "orders.csv"]))

    assert shop() == 20
    told = runs("task-run")
    assert [run.used for run in told.values()] == [[data_at("orders.csv", "a,1\n")]] * 2
    assert {uri for run in told.values() for uri in run.within} == {only("flow-run").uri}
