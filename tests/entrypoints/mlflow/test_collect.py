"""What MLflow's entities say, as facts: pure translation, no MLflow needed."""

import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace as Thing

import pytest

from handrail.entrypoints.mlflow.collect import Registered, records_of_model, records_of_run, records_of_version
from handrail.entrypoints.mlflow.collect.records import ActivityRecord, moment, presentable
from tests.fakes.mlflow_entities import MD5, NAMING, RUN, SHA256, causes, dataset, run, said, told, used, version


def test_two_inputs_of_one_name_keep_what_is_said_of_each():
    first, second = dataset({}, "local", "1f", rows=4), dataset({}, "local", "2f", rows=7)

    facts = said(run(inputs=[first, second]))

    assert (facts["input.train@1f.rows"], facts["input.train@2f.rows"]) == ("4", "7")


def test_a_run_is_part_of_its_parent():
    found = told(run({"mlflow.parentRunId": "r0"}))

    assert found[-1].details.within == ("mlflow://local/run/r0",)
    assert not told(run({"mlflow.parentRunId": "r1"}))[-1].details.within


def test_stage_and_flow_run_are_linked():
    found = told(run({"handrail.stage_inputs": SHA256, "handrail.flow_run_id": "f1"}))

    assert [artifact.uri for artifact in found[0].used] == [f"stage-inputs://sha256/{SHA256}"]
    assert found[-1].details.within == ("prefect://test/flow-run/f1",)


def test_a_running_run_has_no_end_and_no_status_that_could_change():
    details = told(run(status="RUNNING", end_time=None))[0].details

    assert (details.started, details.ended) == (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None)
    assert "status" not in details.attributes


def test_times_that_no_calendar_holds_are_left_out():
    assert [moment(each) for each in (None, 0, 10**18, "x")] == [None] * 4


def test_the_user_is_the_clients_own_word_beside_who_was_logged_in():
    found = records_of_run(NAMING, run({"mlflow.user": "root"}), None, "actor://local/Ada")

    assert found[0].agents == ("actor://local/Ada", "actor://mlflow.user/root")


def test_a_model_that_a_run_made_and_read_back_closes_no_circle():
    found = told(run(made=["m-1"], read=["m-1", "m-0"]))

    assert [artifact.uri for artifact in found[0].generated] == ["mlflow://local/model/m-1"]
    assert [artifact.uri for artifact in found[1].used] == ["mlflow://local/model/m-0"]


def test_data_under_dvc_is_named_by_its_bytes_not_by_the_frame():
    source = {"uri": "dvc://data/x.csv@v1", "md5": MD5, "sha256": SHA256}

    entity = run(inputs=[dataset(source)])

    assert used(entity) == {f"dvc://shop/data/x.csv@{MD5}": f"sha256:{SHA256}"}
    assert said(entity)["input.train@123.context"] == "training"


def test_a_digest_given_by_the_user_names_the_bytes_if_the_source_does_not():
    entity = run(inputs=[dataset({"uri": "dvc://data/x.csv@v1", "md5": None}, digest=MD5)])

    assert used(entity) == {f"dvc://shop/data/x.csv@{MD5}": f"md5:{MD5}"}


def test_two_hashes_of_one_file_are_both_claimed():
    entity = run(inputs=[dataset({"uri": "dvc://data/x.csv", "md5": MD5}, digest="d" * 32)])

    assert {artifact.digest for artifact in told(entity)[0].used} == {f"md5:{MD5}", "md5:" + "d" * 32}


@pytest.mark.parametrize(
    ("known", "rows", "columns", "contradicts"),
    [
        ({"records": 5, "header": ["a", "b"]}, 5, ("a", "label"), True),
        ({"records": 5, "header": ["a", "b"]}, 4, ("a", "b"), False),
        ({"records": 5, "header": ["a", "b"]}, 5, ("0", "1"), False),
        ({"records": 5, "header": ["a", "b"]}, 5, (), True),
        ({"records": 4}, 5, ("a",), True),
        ({"records": 4}, 2, ("a",), False),
        ({"records": "4"}, 5, ("a",), False),
        ({}, 5, ("a",), False),
    ],
)
def test_a_frame_with_more_rows_than_its_file_is_noticed(known, rows, columns, contradicts):
    source = {"uri": "dvc://data/x.csv@v1", "md5": MD5} | known

    assert (
        "input.train@123.contradiction" in said(run(inputs=[dataset(source, rows=rows, columns=columns)]))
    ) is contradicts


def test_features_are_used_by_their_specification_or_only_named():
    tags = {"feast.project": "shop", "feast.feature_service": "svc", "feast.feature_views": "v"}
    service = {"uri": f"feast://shop/feature_service/svc@{SHA256}"}

    assert used(run(tags)) == {}
    assert said(run(tags)).items() >= tags.items()
    assert used(run(tags | {"handrail.feature_service_spec": SHA256})) == {service["uri"]: f"sha256:{SHA256}"}
    assert used(run(inputs=[dataset(service, "feast")])) == {service["uri"]: f"sha256:{SHA256}"}


def test_retrieved_rows_are_used_and_the_service_that_the_source_names_beside_them():
    rows = "feast://shop/retrieval/7f/rows"
    service = f"feast://shop/feature_service/svc@{SHA256}"
    source = {"uri": rows, "project": "shop", "service": "svc", "spec_hash": SHA256}

    assert used(run(inputs=[dataset(source, "feast")])) == {rows: None, service: f"sha256:{SHA256}"}
    assert used(run(inputs=[dataset({"uri": rows, "service": None}, "feast")])) == {rows: None}


def test_a_dataset_that_only_mlflow_knows_keeps_no_secret():
    source = {"url": "https://ann:pw@example.org/x.csv?X-Signature=1"}

    (artifact,) = told(run(inputs=[dataset(source, "http", name="a/b")]))[0].used

    assert artifact.uri == "mlflow://local/dataset/a%2Fb@123"
    assert artifact.attributes["source"] == '{"url": "https://example.org/x.csv"}'


@pytest.mark.parametrize("broken", ["{", "[]", "", None])
def test_sources_that_are_no_json_are_still_named(broken):
    given = dataset({})
    given.dataset.source = given.dataset.profile = given.dataset.schema = broken

    assert list(used(run(inputs=[given]))) == ["mlflow://local/dataset/train@123"]


def test_texts_are_made_fit_for_the_store():
    assert presentable({"a": "x\0y", "b": "", "c": None, "d": "z" * 600, "e": "\0"}) == {"a": "xy", "d": "z" * 500}


def test_a_logged_model_came_of_its_run():
    model = Thing(model_id="m-1", source_run_id="r1", name="n", model_type=None)
    stray = Thing(model_id="m-2", source_run_id=None, name="n", model_type=None, tags={})

    (found,) = records_of_model(NAMING, model)

    assert (found.uri, [artifact.uri for artifact in found.generated]) == (RUN, ["mlflow://local/model/m-1"])
    assert records_of_model(NAMING, stray) == ()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("models:/m-1", "mlflow://local/model/m-1"),
        (f"mlflow-artifacts:/1/models/m-{MD5}/artifacts", f"mlflow://local/model/m-{MD5}"),
        ("models:/other/7", "mlflow://local/registered/other/9/7"),
    ],
)
def test_a_version_came_from_what_its_source_names(source, cause):
    found = records_of_version(NAMING, Registered(version(source), 9), {"other": 9}.get)

    assert causes(found) == [cause]
    assert [each.uri for each in found if isinstance(each, ActivityRecord)] == [RUN]


@pytest.mark.parametrize("source", ["runs:/r7/model", f"mlflow-artifacts:/1/{MD5}/artifacts/model"])
def test_without_a_run_of_its_own_the_run_is_read_from_the_source(source):
    (found,) = records_of_version(NAMING, Registered(version(source, run_id=""), 9), {}.get)

    assert found.uri in ("mlflow://local/run/r7", f"mlflow://local/run/{MD5}")
    assert [artifact.uri for artifact in found.generated] == ["mlflow://local/registered/m/9/3"]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("s3://ann:pw@bucket/a model", "s3://bucket/a%20model"),
        ("/srv/model", "file:///srv/model"),
        ("models:/gone/1", "mlflow-source://models:/gone/1"),
    ],
)
def test_a_version_of_nothing_known_is_known_itself(source, cause):
    assert causes(records_of_version(NAMING, Registered(version(source, run_id=None), 9), {}.get)) == [cause]


def test_the_digest_of_the_files_is_claimed_of_the_version_and_not_of_the_run():
    tree = f"sha256:{SHA256}"

    derived, made = records_of_version(NAMING, Registered(version("runs:/r1/m"), 9, tree, "actor://local/Ada"), {}.get)

    assert (derived.effect.digest, derived.cause.uri) == (tree, f"tree://sha256/{SHA256}")
    assert [artifact.digest for artifact in made.generated] == [None, None]
    assert derived.effect.attributes["registered_by"] == "actor://local/Ada"


def test_translating_loads_no_tool():
    code = "import sys, handrail.entrypoints.mlflow.collect.collecting; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"mlflow", "feast", "prefect", "dvc", "bentoml", "evidently"} & set(loaded)
