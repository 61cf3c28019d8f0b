"""Recording is never in the way of a task; and the block that names another store."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prefect import task

from handrail.entrypoints.prefect.blocks import HandrailLineage, record
from handrail.errors import InvalidInput
from tests.fakes.prefect_runs import data_at, only, runs


def test_what_cannot_be_named_is_said_in_the_record_and_fails_nothing(project):
    @record(inputs=["orders.csv", "missing.csv"], outputs=lambda result: result["target"])
    @task
    def clean():
        return {}

    assert clean() == {}
    run = only("task-run")
    assert run.used == [data_at("orders.csv", "a,1\n")]
    assert "missing.csv" in run.attributes["incomplete"]
    assert "KeyError" in run.attributes["incomplete"]


def test_logins_and_signatures_are_kept_nowhere(project):
    def refuse():
        raise ConnectionError("postgresql://ann:s3cret@db/shop does not answer")

    @record(inputs=["s3://ann:s3cret@lake/orders?sig=s3cret", refuse])
    @task
    def clean():
        return 1

    assert clean() == 1
    run = only("task-run")
    assert run.used == ["s3://lake/orders"]
    assert "postgresql://db/shop does not answer" in run.attributes["incomplete"]
    assert "s3cret" not in str(run)


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
    assert runs("task-run") == {}


def test_a_generator_keeps_its_value_and_what_is_sent_and_is_closed(project):
    seen = []

    @record(inputs="orders.csv")
    def rows():
        seen.append((yield 1))
        return "value"

    @record(inputs="orders.csv")
    async def stream():
        try:
            seen.append((yield 1))
            yield 2
        finally:
            seen.append("closed")

    async def consume():
        opened = stream()
        answers = [await opened.asend(None), await opened.asend("to the stream")]
        await opened.aclose()
        return answers

    rows_of = rows()
    assert next(rows_of) == 1
    with pytest.raises(StopIteration, match="value"):
        rows_of.send("to the rows")
    assert asyncio.run(consume()) == [1, 2]
    assert seen == ["to the rows", "to the stream", "closed"]


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

    assert runs("task-run") == {}
    held = block.open().lineage.trace("prefect://local/task-run/")
    assert held.nodes[0].attributes["task"] == "clean"


def test_a_block_is_saved_with_its_url_masked_and_loads_again(project):
    HandrailLineage(database_url="sqlite:///lineage.db").save("shop", overwrite=True)

    loaded = HandrailLineage.load("shop")

    assert "sqlite" not in repr(loaded)
    assert loaded.database_url.get_secret_value() == "sqlite:///lineage.db"


def test_a_server_with_handrail_installed_offers_the_block(project, prefect_url):
    answer = httpx.get(f"{prefect_url}/api/block_types/slug/handrail-lineage", timeout=30)

    assert answer.json()["name"] == "Handrail Lineage"


def test_the_block_can_be_registered_from_the_command_line(project, prefect_url):
    command = [Path(sys.executable).with_name("prefect"), "block", "register", "-m", "handrail.prefect"]

    done = subprocess.run(
        command, env=os.environ | {"PREFECT_API_URL": f"{prefect_url}/api"}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Handrail Lineage" in done.stdout
