"""Reading OpenLineage events: what the specification demands is demanded, what it leaves open is kept."""

import json

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.events import RunState
from tests.fakes.lineage_events import (
    NOON,
    PRODUCER,
    SPEC,
    a_dataset,
    a_dataset_event,
    a_job_event,
    a_run_event,
    a_run_id,
    read,
)

PARENT = {
    "_producer": PRODUCER,
    "_schemaURL": SPEC,
    "run": {"runId": a_run_id(7)},
    "job": {"namespace": "airflow://prod", "name": "nightly"},
}
CODE = {"_producer": PRODUCER, "_schemaURL": SPEC, "type": "git", "url": "https://git/shop/x.py", "version": "c0ffee"}


def without(event, key):
    return {name: value for name, value in event.items() if name != key}


def test_equal_events_have_one_id_whatever_the_order_of_their_keys():
    event = a_run_event(inputs=[a_dataset("a", "1")])
    turned = json.loads(json.dumps(dict(reversed(event.items()))))

    assert read(event).event_id == read(turned).event_id
    assert read(event).event_id != read(event | {"eventType": "FAIL"}).event_id


def test_ids_stay_what_the_first_release_made_them():
    assert read(a_run_event()).event_id == "aaa9d30fad49b94953a372784c2582676a1925d9f5d8272b395cb37a6491c0f8"


def test_the_body_keeps_facets_that_handrail_does_not_know():
    event = a_run_event(inputs=[a_dataset("a", "1")], another={"top": "level"})

    assert json.loads(read(event).body) == event


def test_facets_that_handrail_knows_are_told():
    job = {"namespace": "n", "name": "j", "facets": {"sourceCodeLocation": CODE}}
    run = {"runId": a_run_id(3).upper(), "facets": {"parent": PARENT}}

    event = read(a_run_event(run=3) | {"run": run, "job": job})

    assert event.run.run_id == a_run_id(3)
    assert event.run.attributes == {
        "parent": f"openlineage-run://{a_run_id(7)}",
        "source_code": "https://git/shop/x.py@c0ffee",
    }


def test_a_deleted_facet_says_nothing():
    dataset = a_dataset("a", "1")
    dataset["facets"]["version"]["_deleted"] = True

    assert read(a_run_event(inputs=[dataset])).inputs[0].uri == "s3://lake/a"


def test_a_run_event_without_a_type_is_another():
    assert read(without(a_run_event(), "eventType")).run.state is RunState.OTHER


@pytest.mark.parametrize(
    ("namespace", "name", "version", "uri"),
    [
        ("dvc://shop", "data/raw", "00.dir", "dvc://shop/data/raw@00.dir"),
        ("s3://lake", "a b/ü", None, "s3://lake/a%20b/%C3%BC"),
        ("warehouse", "db.orders", None, "openlineage://warehouse/db.orders"),
        ("file", "/data/x", None, "openlineage://file//data/x"),
        ("BIG", "x#y?z", "v/1", "openlineage://BIG/x%23y%3Fz@v/1"),
    ],
)
def test_a_dataset_is_a_uri(namespace, name, version, uri):
    assert read(a_run_event(inputs=[a_dataset(name, version, namespace)])).inputs[0].uri == uri


@pytest.mark.parametrize("missing", ["eventTime", "producer", "schemaURL", "job", "run"])
def test_what_the_specification_requires_is_required(missing):
    with pytest.raises(InvalidInput) as caught:
        read(without(a_run_event(), missing))

    assert caught.value.field == missing


@pytest.mark.parametrize("event", [a_job_event(), a_dataset_event()])
@pytest.mark.parametrize("missing", ["eventTime", "producer", "schemaURL"])
def test_static_events_require_the_same(event, missing):
    with pytest.raises(InvalidInput) as caught:
        read(without(event, missing))

    assert caught.value.field == missing


def broken_facet(name, **facet):
    return {"inputs": [{"namespace": "n", "name": "x", "facets": {name: facet}}]}


STAMP = {"_producer": PRODUCER, "_schemaURL": SPEC}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"eventType": "DONE"}, "eventType"),
        ({"eventType": "complete"}, "eventType"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": "2026-11-23"}, "eventTime"),
        ({"eventTime": "2026-11-23T12:00:00"}, "eventTime"),
        ({"eventTime": "2026-02-30T12:00:00Z"}, "eventTime"),
        ({"eventTime": 1763899200}, "eventTime"),
        ({"producer": "two words"}, "producer"),
        ({"producer": 7}, "producer"),
        ({"schemaURL": ""}, "schemaURL"),
        ({"run": {"runId": "17"}}, "run.runId"),
        ({"run": {"runId": "{" + a_run_id(1) + "}"}}, "run.runId"),
        ({"run": None}, "run"),
        ({"run": []}, "run"),
        ({"job": {"namespace": "n"}}, "job.name"),
        ({"job": {"namespace": "n", "name": ""}}, "job.name"),
        ({"job": {"namespace": "n", "name": "é" * 512}}, "job.name"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [a_dataset("ok"), a_dataset("a/../b")]}, "inputs.1.name"),
        ({"outputs": [a_dataset("a\x00b")]}, "outputs.0.name"),
        ({"outputs": [a_dataset("a'b")]}, "outputs.0.name"),
        ({"outputs": [a_dataset('a"b')]}, "outputs.0.name"),
        ({"outputs": [a_dataset("a", namespace="..")]}, "outputs.0.namespace"),
        ({"outputs": [a_dataset(" a")]}, "outputs.0.name"),
        ({"outputs": [a_dataset("a", "1\n2")]}, "outputs.0.facets.version.datasetVersion"),
        (broken_facet("version", **STAMP), "inputs.0.facets.version.datasetVersion"),
        (broken_facet("version", datasetVersion="1"), "inputs.0.facets.version._producer"),
        (broken_facet("version", **STAMP, datasetVersion=1), "inputs.0.facets.version.datasetVersion"),
        ({"inputs": [{"namespace": "n", "name": "x", "facets": {"mine": "text"}}]}, "inputs.0.facets.mine"),
        (
            {"run": {"runId": a_run_id(1), "facets": {"parent": PARENT | {"run": {}}}}},
            "run.facets.parent.run.runId",
        ),
        (
            {"run": {"runId": a_run_id(1), "facets": {"nominalTime": STAMP | {"nominalStartTime": "noon"}}}},
            "run.facets.nominalTime.nominalStartTime",
        ),
        (
            {"job": {"namespace": "n", "name": "j", "facets": {"sourceCodeLocation": STAMP | {"type": "git"}}}},
            "job.facets.sourceCodeLocation.url",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(bad, field):
    with pytest.raises(InvalidInput) as caught:
        read(a_run_event() | bad)

    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert any(said in str(caught.value) for said in ("nothing was recorded", "at most"))


@pytest.mark.parametrize(
    "document", [None, 7, "text", [], {}, a_run_event(more=float("nan")), a_run_event(more="\ud800")], ids=repr
)
def test_what_is_no_event_at_all_is_one_sentence(document):
    with pytest.raises(InvalidInput, match="nothing was recorded"):
        read(document)


def test_moments_keep_their_instant():
    early, late = read(a_run_event()), read(a_run_event(eventTime="2026-11-23t14:00:00.123456789+02:00"))

    assert (late.time - early.time).microseconds == 123456
    assert early.time.isoformat() == NOON.replace("Z", "+00:00")
