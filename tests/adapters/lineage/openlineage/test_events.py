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

pytestmark = pytest.mark.any_version

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


def test_facets_that_handrail_knows_are_recorded():
    job = {"namespace": "n", "name": "j", "facets": {"sourceCodeLocation": CODE}}
    run = {"runId": a_run_id(3).upper(), "facets": {"parent": PARENT}}

    event = read(a_run_event(run=3) | {"run": run, "job": job})

    assert event.run.run_id == a_run_id(3)
    assert event.run.attributes == {
        "parent": f"openlineage-run://{a_run_id(7)}",
        "parent_job": "openlineage-job://airflow:%2F%2Fprod/nightly",
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


@pytest.mark.parametrize("missing", ["eventTime", "producer", "job", "run"])
def test_what_the_specification_requires_is_required(missing):
    with pytest.raises(InvalidInput) as caught:
        read(without(a_run_event(), missing))

    assert caught.value.field == missing


@pytest.mark.parametrize("event", [a_job_event(), a_dataset_event()])
@pytest.mark.parametrize("missing", ["eventTime", "producer"])
def test_static_events_require_the_same(event, missing):
    with pytest.raises(InvalidInput) as caught:
        read(without(event, missing))

    assert caught.value.field == missing


STAMP = {"_producer": PRODUCER, "_schemaURL": SPEC}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"eventType": "DONE"}, "eventType"),
        ({"eventType": "complete"}, "eventType"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": "2026-11-23"}, "eventTime"),
        ({"eventTime": "2026-02-30T12:00:00Z"}, "eventTime"),
        ({"eventTime": 1763899200}, "eventTime"),
        ({"eventTime": None}, "eventTime"),
        ({"producer": "two words"}, "producer"),
        ({"producer": 7}, "producer"),
        ({"schemaURL": ""}, "schemaURL"),
        ({"run": {"runId": "17"}}, "run.runId"),
        ({"run": {"runId": "{" + a_run_id(1) + "}"}}, "run.runId"),
        ({"run": None}, "run"),
        ({"run": []}, "run"),
        ({"job": {"namespace": "n"}}, "job.name"),
        ({"job": {"namespace": "n", "name": None}}, "job.name"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [a_dataset("ok"), {"namespace": "n"}]}, "inputs.1.name"),
        ({"outputs": [a_dataset("a\x00b")]}, "outputs.0.name"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(bad, field):
    with pytest.raises(InvalidInput) as caught:
        read(a_run_event() | bad)

    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert "nothing was recorded" in str(caught.value)


@pytest.mark.parametrize(
    ("namespace", "name", "uri"),
    [
        ("snowflake://ACME", '"db"."s"."t"', "snowflake://ACME/%22db%22.%22s%22.%22t%22"),
        ("s3://lake", "O'Reilly; drop table x", "s3://lake/O%27Reilly%3B%20drop%20table%20x"),
        ("s3://lake", "/", "s3://lake//"),
        ("s3://lake", "", "s3://lake/"),
        ("s3://lake", "a/../b", "s3://lake/a/../b"),
        ("s3://lake", " a ", "s3://lake/%20a%20"),
        ("s3://lake", "a\nb\x1b[31m\u202e", "s3://lake/a%0Ab%1B%5B31m%E2%80%AE"),
        ("..", "`a`\\b", "openlineage://../%60a%60%5Cb"),
    ],
)
def test_a_name_may_hold_any_signs_and_its_uri_shows_only_harmless_ones(namespace, name, uri):
    event = read(a_run_event(inputs=[a_dataset(name, namespace=namespace)], job={"namespace": namespace, "name": name}))

    (dataset,) = event.inputs
    assert dataset.uri == uri
    assert dict(dataset.end.node.attributes) == {"namespace": namespace, "name": name}
    assert (event.job.namespace, event.job.name) == (namespace, name)


def test_names_of_any_length_are_things_of_their_own():
    names = ["é" * 4_000, "é" * 4_001, "k" * 2_038, "k" * 2_039]

    datasets = read(a_run_event(inputs=[a_dataset(name, namespace="s3://lake") for name in names])).inputs

    uris = [each.uri for each in datasets]
    assert len(set(uris)) == len(names)
    assert [len(uri) for uri in uris[2:]] == [2_048, 2_048]
    assert all(len(uri) <= 2_048 for uri in uris)
    assert uris[2] == f"s3://lake/{names[2]}", "what fits stays whole"
    assert [dict(each.end.node.attributes)["name"] for each in datasets] == names


@pytest.mark.parametrize(
    ("given", "meant", "is_noted"),
    [
        ("2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", True),
        ("2026-11-23 12:00:00.5", "2026-11-23T12:00:00.500000+00:00", True),
        ("2026-11-23T12:00:00+0100", "2026-11-23T12:00:00+01:00", False),
        ("2026-11-23t12:00:00z", "2026-11-23T12:00:00+00:00", False),
        ("2026-11-23T12:00:00.123+11:00[Australia/Sydney]", "2026-11-23T12:00:00.123000+11:00", False),
    ],
)
def test_a_time_without_a_zone_is_utc_and_the_sender_gets_to_know(given, meant, is_noted):
    event = read(a_run_event(eventTime=given))

    assert event.time.isoformat() == meant
    assert [note.field for note in event.notes] == ["eventTime"] * is_noted


def in_a_run(**facets):
    return {"run": {"runId": a_run_id(1), "facets": facets}}


def in_an_input(**facets):
    return {"inputs": [a_dataset("first"), {"namespace": "n", "name": "x", "facets": facets}]}


@pytest.mark.parametrize(
    ("bent", "field", "fault"),
    [
        (in_an_input(version=STAMP), "inputs.1.facets.version", "datasetVersion: field required"),
        (in_an_input(version=STAMP | {"datasetVersion": 1}), "inputs.1.facets.version", "valid string"),
        (in_an_input(version="1"), "inputs.1.facets.version", "valid dictionary"),
        ({"inputs": [{"namespace": "n", "name": "x", "facets": [1]}]}, "inputs.0.facets", "valid dictionary"),
        ({"inputs": [{"namespace": "n", "name": "x", "inputFacets": 7}]}, "inputs.0.inputFacets", "valid dictionary"),
        (in_a_run(parent=PARENT | {"run": {}}), "run.facets.parent", "run.runId: field required"),
        (in_a_run(nominalTime={"nominalStartTime": "noon"}), "run.facets.nominalTime", "date-time"),
        (
            {"job": {"namespace": "n", "name": "j", "facets": {"sourceCodeLocation": {"type": "git"}}}},
            "job.facets.sourceCodeLocation",
            "url: field required",
        ),
    ],
)
def test_a_bent_standard_facet_costs_that_facet_and_is_named(bent, field, fault):
    document = a_run_event(outputs=[a_dataset("clean", "8")]) | bent

    event = read(document)

    (note,) = event.notes
    assert note.field == field
    assert note.sentence.startswith("It was not read: ")
    assert fault in note.sentence
    assert event.outputs[0].uri == "s3://lake/clean@8"
    assert not event.run.attributes
    assert json.loads(event.body) == document, "the event is kept as it came"


def test_several_bent_facets_are_all_named_and_a_fault_elsewhere_still_refuses():
    bent = in_an_input(version=STAMP) | in_a_run(parent=3, nominalTime=4)

    assert len(read(a_run_event() | bent).notes) == 3
    with pytest.raises(InvalidInput) as caught:
        read(a_run_event() | bent | {"eventType": "DONE"})
    assert caught.value.field == "eventType"


def test_a_facet_needs_no_stamp_to_be_read():
    facets = {"version": {"datasetVersion": "3"}}

    assert read(a_run_event(inputs=[{"namespace": "n", "name": "x", "facets": facets}])).inputs[0].version == "3"


def test_null_means_absent_wherever_it_stands():
    dataset = {"namespace": "n", "name": "x", "facets": None, "inputFacets": {"handrail_agreement": None}}
    run = {"runId": a_run_id(1), "facets": {"parent": None, "handrail_activity": None}}

    event = read(a_run_event(inputs=[None, dataset], dataset=None) | {"run": run, "outputs": None, "eventType": None})

    assert (len(event.inputs), event.outputs, event.notes) == (1, (), ())
    assert event.run.state is RunState.OTHER


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (a_dataset_event(job=None, run=None), "dataset"),
        (a_dataset_event(job={"namespace": "n", "name": "j"}, run={"runId": a_run_id(1)}), "dataset"),
        (a_job_event(run=None), "job"),
        (a_job_event(run={"runId": a_run_id(1)}), "job"),
        (a_job_event(schemaURL=f"{SPEC}#/$defs/RunEvent"), "job"),
        (a_run_event(schemaURL="https://openlineage.io/spec/1-0-5/OpenLineage.json#/definitions/RunEvent"), "run"),
        (a_run_event(schemaURL="https://example.org/mine"), "run"),
        (without(a_run_event(schemaURL=SPEC), "eventType"), "run"),
    ],
)
def test_the_schema_says_what_kind_of_event_it_is_where_the_event_has_that_part(document, kind):
    event = read(document)

    assert {"run": bool(event.run), "job": bool(event.job) and not event.run, "dataset": bool(event.datasets)} == {
        each: each == kind for each in ("run", "job", "dataset")
    }


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
