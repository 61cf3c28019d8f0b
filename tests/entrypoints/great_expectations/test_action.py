"""The checkpoint action of Great Expectations: real checkpoints, and what lineage knows of them afterwards."""

import hashlib
import json
import os
import subprocess
import sys
from copy import copy

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pytest
from great_expectations.checkpoint import Checkpoint
from great_expectations.core.run_identifier import RunIdentifier

from handrail.bootstrap.lineage_doctor import open_doctor
from handrail.entrypoints.great_expectations.action import HandrailAction
from handrail.entrypoints.hosts.recording import platform_here

RULES = (
    gxe.ExpectColumnValuesToNotBeNull(column="distance", severity="critical"),
    gxe.ExpectColumnToExist(column="to"),
)
BOOLEAN = {"result_format": "BOOLEAN_ONLY"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that has one file and nothing but Great Expectations."""
    folder = tmp_path / "shop"
    (folder / "data").mkdir(parents=True)
    write(folder, 10, 20)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def context(project):
    opened = gx.get_context(mode="file", project_root_dir=str(project))
    opened.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return opened


def write(folder, *distances):
    file = folder / "data" / "flights.csv"
    file.write_text("to,distance\n" + "".join(f"IAH,{each}\n" for each in distances))
    return file


def checkpoint(context, batch, *, action=None, rules=RULES, **more):
    """A stored checkpoint over one batch definition; repeated calls replace it."""
    suite = context.suites.add_or_update(gx.ExpectationSuite("agreed", expectations=[copy(each) for each in rules]))
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name="flights", data=batch, suite=suite)
    )
    actions = [action or HandrailAction()]
    return context.checkpoints.add_or_update(
        Checkpoint(name="nightly", validation_definitions=[definition], actions=actions, **more)
    )


def file_batch(context):
    source = context.data_sources.add_or_update_pandas_filesystem("files", base_directory="data")
    return source.add_csv_asset("flights").add_batch_definition_path("one", path="flights.csv")


def frame_batch(context, **more):
    source = context.data_sources.add_or_update_pandas("memory")
    return source.add_dataframe_asset("frame", **more).add_batch_definition_whole_dataframe("all")


def told(result):
    """Run the action once more over a finished run, to see what it answers: the record is the same."""
    action = result.checkpoint_config.actions[0]
    return action.run(result)


def frame():
    return {"dataframe": pd.read_csv("data/flights.csv")}


def trace(uri):
    return platform_here().lineage.trace(uri)


def causes(uri):
    return {edge.cause for edge in trace(uri).edges if edge.effect == uri}


def node(uri):
    return next(each for each in trace(uri).nodes if each.uri == uri)


def test_a_checkpoint_over_a_file_leads_from_the_validation_to_the_bytes_that_dvc_knows(context, project):
    content = (project / "data" / "flights.csv").read_bytes()
    data = f"dvc://shop/data/flights.csv@{hashlib.md5(content).hexdigest()}"

    answer = told(checkpoint(context, file_batch(context)).run(run_id=RunIdentifier(run_name="flow-7")))

    assert (answer["recorded"], answer["data"], answer["problems"]) == (True, [data], [])
    assert answer["run"].startswith("gx://shop/checkpoint/nightly/flow-7/2")
    assert causes(answer["validations"][0]) == {answer["run"]}
    assert causes(answer["run"]) == {data}
    assert node(data).digest == "sha256:" + hashlib.sha256(content).hexdigest()
    assert node(answer["run"]).kind == "checkpoint-run"


def test_the_checkpoint_itself_records_without_a_word(context):
    checkpoint(context, file_batch(context)).run()

    assert platform_here().lineage.impact("dvc://shop/data/flights.csv").kinds["validation"] == 1


def test_a_validation_says_what_was_found(context, project):
    write(project, 10, "")

    validation = node(told(checkpoint(context, file_batch(context)).run())["validations"][0])

    assert validation.kind == "validation"
    assert validation.digest == "sha256:" + validation.uri.rpartition("/")[2]
    assert validation.attributes | {"suite_digest": "x"} == {
        "success": "false",
        "evaluated": "2",
        "successful": "1",
        "suite": "agreed",
        "suite_digest": "x",
        "unmet": "expect_column_values_to_not_be_null(distance)",
    }


def test_the_same_data_under_the_same_suite_is_one_validation_of_two_runs(context):
    ready = checkpoint(context, file_batch(context))

    one, two = told(ready.run()), told(ready.run())

    assert one["validations"] == two["validations"]
    assert one["run"] != two["run"]
    assert causes(one["validations"][0]) == {one["run"], two["run"]}


def test_other_data_with_the_same_answers_is_another_validation(context, project):
    ready = checkpoint(context, file_batch(context), result_format=BOOLEAN)
    one = told(ready.run())
    write(project, 11, 21)

    two = told(ready.run())

    assert one["validations"] != two["validations"]


def test_another_suite_of_the_same_answers_is_another_validation(context):
    one = told(checkpoint(context, file_batch(context), result_format=BOOLEAN).run())
    looser = (gxe.ExpectColumnValuesToNotBeNull(column="distance", mostly=0.5, severity="critical"), RULES[1])

    two = told(checkpoint(context, file_batch(context), rules=looser, result_format=BOOLEAN).run())

    assert one["validations"] != two["validations"]


@pytest.mark.parametrize("source", ["data/flights.csv", {"frame": "data/flights.csv"}])
def test_a_frame_comes_from_where_the_action_says_and_that_is_the_users_word(context, source):
    ready = checkpoint(context, frame_batch(context), action=HandrailAction(source=source))

    answer = told(ready.run(batch_parameters=frame()))

    assert answer["data"][0].startswith("dvc://shop/data/flights.csv@")
    assert node(answer["data"][0]).digest is None
    assert len(node(answer["data"][0]).attributes["sha256"]) == 64


def test_a_frame_comes_from_where_the_assets_metadata_says(context):
    batch = frame_batch(context, batch_metadata={"handrail_source": "s3://key:secret@lake/orders?token=x"})

    answer = told(checkpoint(context, batch).run(batch_parameters=frame()))

    assert answer["data"] == ["s3://lake/orders"]


def test_a_frame_of_which_nobody_says_anything_is_recorded_without_data(context):
    ready = checkpoint(context, frame_batch(context))

    one, two = (told(ready.run(batch_parameters=frame())) for _ in range(2))

    assert (one["recorded"], one["data"]) == (True, [None])
    assert "nobody said where its rows came from. Give HandrailAction(source=...)" in one["problems"][0]
    assert one["validations"] != two["validations"], "nobody knows that both are of one data"


def test_a_file_that_was_written_since_it_was_read_is_not_named(context, project):
    result = checkpoint(context, file_batch(context)).run()
    file = write(project, 1, 2)
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))

    answer = told(result)

    assert (answer["recorded"], answer["data"]) == (True, [None])
    assert "written since it was read" in answer["problems"][0]


def test_a_file_outside_the_project_is_not_named(context, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("to,distance\nIAH,1\n")
    source = context.data_sources.add_or_update_pandas("memory")
    batch = source.add_csv_asset("out", filepath_or_buffer=tmp_path / "elsewhere.csv").add_batch_definition("all")

    answer = told(checkpoint(context, batch).run())

    assert answer["data"] == [None]
    assert "lies outside shop" in answer["problems"][0]


def test_a_folder_under_dvc_may_be_named(context):
    ready = checkpoint(context, frame_batch(context), action=HandrailAction(source="data"))

    answer = told(ready.run(batch_parameters=frame()))

    assert answer["data"][0].endswith(".dir")


def flaws(project, uri):
    platform = platform_here()
    found = open_doctor(platform.store, platform.feedback).check(project)
    return [(flaw.kind, flaw.detail) for flaw in found if flaw.subject == uri]


def test_the_doctor_names_a_validation_that_asked_nothing(context, project):
    (uri,) = told(checkpoint(context, file_batch(context), rules=()).run())["validations"]

    assert node(uri).attributes["evaluated"] == "0"
    assert flaws(project, uri) == [("validation-of-nothing", "no expectation was evaluated")]


def test_the_doctor_names_a_validation_of_unknown_data_and_no_other(context, project):
    ready = checkpoint(context, frame_batch(context))
    (uri,) = told(ready.run(batch_parameters=frame()))["validations"]
    (known,) = told(checkpoint(context, file_batch(context)).run())["validations"]

    assert flaws(project, uri) == [("validation-of-nothing", "its data is not known")]
    assert flaws(project, known) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HANDRAIL_DATABASE_URL", "sqlite:////proc/none/handrail.db"), ("HANDRAIL_PORTS__MLFLOW", "no number")],
)
def test_no_trouble_of_lineage_fails_a_checkpoint(context, monkeypatch, variable, value):
    ready = checkpoint(context, file_batch(context))
    monkeypatch.setenv(variable, value)

    result = ready.run()

    assert result.success
    assert not told(result)["recorded"]


def test_a_defect_of_the_action_itself_fails_no_checkpoint():
    answer = HandrailAction().run(None)

    assert not answer["recorded"]
    assert "AttributeError" in answer["problems"][0]


def test_a_stored_checkpoint_is_run_by_another_process_that_imports_the_action(context, project):
    checkpoint(context, file_batch(context), action=HandrailAction(source={"other": "data/other.csv"}))
    stored = json.loads((project / "gx" / "checkpoints" / "nightly.json").read_text())
    code = (
        "import great_expectations as gx, handrail.entrypoints.great_expectations.action\n"
        "context = gx.get_context(mode='file', project_root_dir='.')\n"
        "context.variables.progress_bars = {'globally': False, 'metric_calculations': False}\n"
        "print(context.checkpoints.get('nightly').run().success)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    assert stored["actions"] == [
        {"name": "handrail", "source": {"other": "data/other.csv"}, "to": None, "type": "handrail"}
    ]
    assert done.stdout.endswith("True\n"), done.stderr
    assert platform_here().lineage.impact("dvc://shop/data/flights.csv").kinds["validation"] == 1


def test_a_place_that_cannot_be_written_is_said_and_fails_no_checkpoint(context):
    ready = checkpoint(context, file_batch(context), action=HandrailAction(to="none/validation.json"))

    result = ready.run()

    assert result.success
    assert "none/validation.json: it cannot be written" in told(result)["problems"][0]
