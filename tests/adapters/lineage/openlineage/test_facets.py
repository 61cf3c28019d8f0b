"""Facets of Handrail's on the events of anybody: what they add, and what is refused."""

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.events import describe_event
from handrail.lineage.domain.vocabulary import Role
from tests.fakes.lineage_events import PRODUCER, SPEC, a_dataset_event, a_job_event, a_run_event, a_run_id, read
from tests.fakes.openlineage_schemas import SCHEMAS, faults

pytestmark = pytest.mark.any_version

RUN = f"openlineage-run://{a_run_id(1)}"
D1, D2 = "sha256:" + "11" * 32, "md5:" + "22" * 16


def facet(name="", /, **fields):
    schema = next((f"{key}#/$defs/{name}" for key in SCHEMAS if key.endswith(f"/{name}.json")), SPEC)
    return {"_producer": PRODUCER, "_schemaURL": schema} | fields


def dataset(name, agreed=None, **fields):
    told = {"namespace": "s3://lake", "name": name, "facets": {"handrail_artifact": facet(**fields)}}
    return told | ({"inputFacets": {"handrail_agreement": facet(digest=agreed)}} if agreed else {})


def run_with(inputs=(), outputs=(), **facets):
    return a_run_event(inputs=inputs, outputs=outputs) | {"run": {"runId": a_run_id(1), "facets": facets}}


def said(document):
    return describe_event(read(document), "actor://a/b")


def statements(document):
    return {
        (s.effect, s.verb.word, s.cause, s.effect_digest, s.cause_digest, s.agreed) for s in said(document).statements
    }


def test_digests_are_said_of_the_dataset_under_its_own_name():
    document = run_with([dataset("a", digests=[D1, D2])], [dataset("b", digests=[D1], agreed=None)])

    assert {each for each in statements(document) if each[1] != "associated_with"} == {
        (RUN, "used", "s3://lake/a", "", D1, ""),
        (RUN, "used", "s3://lake/a", "", D2, ""),
        ("s3://lake/b", "generated", RUN, D1, "", ""),
    }


def test_attributes_add_to_the_names_of_a_dataset_or_stand_alone_beside_a_uri():
    plain = dataset("a", attributes={"rows": "1", "tag": ["x", "y"]}, kind="table")
    named = dataset("b", attributes={"rows": "2"}, uri="dvc://shop/b@22")

    nodes = {node.uri: node for node in said(run_with([plain, named])).nodes}

    assert nodes["s3://lake/a"].kind == "table"
    assert nodes["s3://lake/a"].attributes >= {("tag", "x"), ("tag", "y"), ("rows", "1"), ("name", "a")}
    assert (nodes["dvc://shop/b@22"].kind, nodes["dvc://shop/b@22"].attributes) == ("dvc-data", {("rows", "2")})


def test_a_run_stays_itself_without_a_uri_and_gains_agents_and_attributes():
    who = [{"uri": "actor://ldap/ann"}, {"uri": "prefect://s/flow-run/1", "role": "activity"}]
    document = run_with(handrail_activity=facet(associatedWith=who, attributes={"team": ["a", "b"]}))

    nodes = {node.uri: node for node in said(document).nodes}

    assert ("team", "a | b") in nodes[RUN].attributes
    assert (nodes["actor://ldap/ann"].role, nodes["actor://ldap/ann"].kind) == (Role.AGENT, "actor")
    assert nodes["prefect://s/flow-run/1"].kind == "flow-run"
    assert (RUN, "associated_with", "actor://ldap/ann", "", "", "") in statements(document)


def test_a_run_with_a_uri_is_that_activity_and_no_run_or_job():
    times = {"startedAt": "2026-11-23T11:00:00Z", "endedAt": "2026-11-23T12:00:00Z"}
    document = run_with([dataset("a")], handrail_activity=facet(uri="gx://shop/checkpoint/1", **times))

    (activity,) = (node for node in said(document).nodes if node.role is Role.ACTIVITY)

    assert activity.uri == "gx://shop/checkpoint/1"
    assert activity.ended.hour == 12
    assert read(document).stream == RUN


def test_a_derivation_says_that_each_output_came_of_each_input():
    ends = [dataset("a", agreed=D1), dataset("b", digests=[D2])], [dataset("c", digests=[D1]), dataset("d")]

    assert statements(run_with(*ends, handrail_derivation=facet(verb="derived_from"))) == {
        (f"s3://lake/{out}", "derived_from", f"s3://lake/{cause}", made, took, agreed)
        for out, made in (("c", D1), ("d", ""))
        for cause, took, agreed in (("a", "", D1), ("b", D2, ""))
    }


def test_jobs_and_datasets_alone_have_facets_too():
    job = a_job_event(inputs=[dataset("a", digests=[D1])])
    alone = a_dataset_event() | {"dataset": dataset("a", uri="dvc://shop/a@1", attributes={"rows": "1"})}

    assert any(each[4] == D1 for each in statements(job))
    (node,) = said(alone).nodes
    assert (node.uri, node.attributes) == ("dvc://shop/a@1", {("rows", "1")})


def test_what_was_taken_back_or_is_unknown_says_nothing():
    taken_back = dataset("a", _deleted=True, digests=7)
    newer = dataset("b", digests=[D1], colour="blue")

    assert (RUN, "used", "s3://lake/a", "", "", "") in statements(run_with([taken_back, newer]))


BROKEN = {
    "a digest in capitals": (
        run_with([dataset("a", digests=["md5:AB"])]),
        "inputs.0.facets.handrail_artifact.digests.0",
    ),
    "no URI": (run_with([dataset("a", uri="a b")]), "inputs.0.facets.handrail_artifact.uri"),
    "a null": (
        run_with([dataset("a", attributes={"n": "\0"})]),
        "inputs.0.facets.handrail_artifact.attributes.n",
    ),
    "a number": (run_with([dataset("a", attributes={"n": 1})]), "inputs.0.facets.handrail_artifact.attributes.n"),
    "no actor": (
        run_with(handrail_activity=facet(associatedWith=[{"uri": "mailto://ann"}])),
        "run.facets.handrail_activity.associatedWith.0",
    ),
    "no date": (run_with(handrail_activity=facet(endedAt="yesterday")), "run.facets.handrail_activity.endedAt"),
    "a date that is none in UTC": (
        run_with(handrail_activity=facet(startedAt="0001-01-01T00:00:00+14:00")),
        "run.facets.handrail_activity.startedAt",
    ),
    "another verb": (
        run_with([dataset("a")], [dataset("b")], handrail_derivation=facet(verb="used")),
        "run.facets.handrail_derivation.verb",
    ),
    "derived from nothing": (run_with([], [dataset("b")], handrail_derivation=facet(verb="derived_from")), "inputs"),
    "nothing derived": (run_with([dataset("b")], [], handrail_derivation=facet(verb="derived_from")), "outputs"),
    "both at once": (
        run_with(
            [dataset("a")],
            [dataset("b")],
            handrail_derivation=facet(verb="derived_from"),
            handrail_activity=facet(uri="gx://shop/checkpoint/1"),
        ),
        "run.facets.handrail_derivation",
    ),
    "too many at once": (
        run_with(
            [dataset(f"a{n}") for n in range(400)],
            [dataset(f"b{n}") for n in range(400)],
            handrail_derivation=facet(verb="derived_from"),
        ),
        "inputs",
    ),
    "a version of zero": (
        run_with(
            [
                {
                    "namespace": "n",
                    "name": "m",
                    "facets": {"handrail_modelVersion": facet(server="s", name="n", epoch=0, version=0)},
                }
            ]
        ),
        "inputs.0.facets.handrail_modelVersion.version",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_meant_is_refused_by_its_name(what):
    document, field = BROKEN[what]

    with pytest.raises(InvalidInput) as refused:
        read(document)

    assert refused.value.field == field


def test_an_agent_is_an_actor_by_the_schema_too():
    name = "HandrailActivityRunFacet"

    assert faults(facet(name, associatedWith=[{"uri": "mailto://ann"}])) != []
    assert faults(facet(name, associatedWith=[{"uri": "mailto://ann", "role": "activity"}])) == []


@pytest.mark.parametrize(
    ("uri", "kind", "is_taken"),
    [
        ("deploy://prod/flights/1", "aaa", False),
        ("mlflow://s/registered/m/1/1", "dvc-data", False),
        ("deploy://prod/flights/1", "deployment", True),
        ("dvc://shop/src/a.py@11", "source-file", True),
        ("openlineage://lake/orders", "table", True),
        ("s3://lake/orders", "table", True),
        ("s3://lake/orders", "a\nb", False),
        ("s3://lake/orders", "\x1b[31mtable", False),
        ("s3://lake/\x9b31m", "table", False),
        ("s3://lake/\u202etxt.exe", "table", False),
    ],
)
def test_nobody_can_make_a_thing_another_kind_than_its_uri_says_or_hide_signs_in_it(uri, kind, is_taken):
    events = [
        run_with([dataset("a", uri=uri, kind=kind)]),
        run_with(handrail_activity=facet(uri=uri, kind=kind)),
        run_with(handrail_activity=facet(associatedWith=[{"uri": uri, "role": "activity", "kind": kind}])),
    ]
    for event in events:
        if is_taken:
            assert kind in {node.kind for node in said(event).nodes}
        else:
            with pytest.raises(InvalidInput, match=r"(kind|uri)"):
                read(event)
