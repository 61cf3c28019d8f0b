"""Exports: PROV-JSON holds every node and edge, OpenLineage can be taken in again, pictures survive odd names."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.entrypoints.answers.exports import Form, export
from handrail.lineage.domain.graph import Direction
from handrail.lineage.domain.names import artifact_at
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import (
    CLEAN,
    DEPLOYMENT,
    RAW,
    STAGES,
    VALIDATION,
    a_file,
    a_folder,
    a_stage,
    open_in_memory,
    open_story,
    story,
)
from tests.fakes.lineage_events import EventsInMemory, a_dataset, a_run_event, read

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RELATIONS = {"used", "wasGeneratedBy", "wasDerivedFrom", "wasAssociatedWith", "wasInformedBy"}


@pytest.fixture
def lineage():
    return open_story()


@pytest.fixture
def trace(lineage):
    return lineage.trace("p1")


@pytest.mark.parametrize("form", Form, ids=lambda form: form.value)
def test_an_export_depends_on_nothing_but_the_graph(lineage, form):
    assert export(lineage, lineage.trace("p1"), form, NOW) == export(lineage, lineage.trace("p1"), form, NOW)
    assert export(lineage, lineage.trace(f"{RAW.path}/2013-01.csv", direction=Direction.EFFECTS), form, NOW)


def test_prov_json_holds_every_node_and_edge(lineage, trace):
    document = json.loads(export(lineage, trace, Form.PROV_JSON, NOW))

    named = {name: told for part in ("entity", "activity", "agent") for name, told in document[part].items()}
    assert {told["handrail:uri"] for told in named.values()} == {node.uri for node in trace.nodes}
    hops = [hop for relation in RELATIONS & document.keys() for hop in document[relation].values()]
    assert len(hops) == len(trace.edges)
    ends = {end for hop in hops for key, end in hop.items() if key.startswith("prov:")}
    assert ends <= named.keys()
    assert sum(hop["handrail:proven"] for hop in hops) == trace.proven
    assert all(name.startswith("handrail:") for name in named)


def test_no_attribute_represents_what_a_thing_is(lineage):
    named = {"uri": "s3://lake/forged", "digest": "sha256:ff"}
    lineage.derive(ArtifactVersion("s3://lake/a", "s3", "sha256:aa", named), artifact_at("s3://lake/b"))

    document = json.loads(export(lineage, lineage.trace("s3://lake/a"), Form.PROV_JSON, NOW))

    told = {(entity["handrail:uri"], entity.get("handrail:digest")) for entity in document["entity"].values()}
    assert told == {("s3://lake/a", "sha256:aa"), ("s3://lake/b", None)}


def test_an_exported_event_can_be_taken_in_again(lineage, trace):
    events = [read(json.loads(line)) for line in export(lineage, trace, Form.OPENLINEAGE, NOW).splitlines()]

    taken = {dataset.uri for event in events for dataset in (*event.inputs, *event.outputs)}
    artifacts = {node.uri for node in trace.nodes if node.role.word == "artifact"}
    assert taken == artifacts
    assert len({event.event_id for event in events}) == len(events)


def test_an_export_gives_another_all_that_was_found_with_its_proof(lineage, trace):
    log = EventsInMemory()
    log.add(
        [read(json.loads(line)) for line in export(lineage, trace, Form.OPENLINEAGE, NOW).splitlines()],
        "actor://a/b",
        (),
    )

    walk = log.graph.walk(trace.start, Direction.CAUSES, 1000)

    assert {node.uri: node for node in walk.nodes} == {node.uri: node for node in trace.nodes}
    assert {(e.effect, e.cause, e.verb): e.proven for e in walk.edges} == {
        (e.effect, e.cause, e.verb): e.proven for e in trace.edges
    }


def test_names_that_came_as_events_go_out_as_they_came(lineage):
    odd = [a_dataset("a b/ü#?", "1"), a_dataset("x", namespace="BIG"), a_dataset("100%", namespace="s3://a")]
    for dataset in odd:
        lineage.derive(artifact_at("dvc://shop/whole"), read_uri(dataset))

    lines = export(lineage, lineage.trace("dvc://shop/whole"), Form.OPENLINEAGE, NOW).splitlines()

    (event,) = (read(json.loads(line)) for line in lines)
    assert {each.uri for each in event.inputs} == {read_uri(dataset).uri for dataset in odd}


def read_uri(dataset):
    return artifact_at(read(a_run_event(inputs=[dataset])).inputs[0].uri)


def test_pictures_have_a_line_for_each_node_and_edge_and_escape_names(lineage):
    odd = artifact_at('s3://lake/"];evil<b>&#lt;\\')
    lineage.derive(artifact_at("dvc://shop/whole"), odd)
    trace = lineage.trace("dvc://shop/whole")

    mermaid, dot = export(lineage, trace, Form.MERMAID, NOW), export(lineage, trace, Form.DOT, NOW)

    assert mermaid.startswith("flowchart TD\n")
    assert '["s3<br/>#quot;];evil#lt;b#gt;#amp;#35;lt;\\"]' in mermaid
    assert mermaid.count('"') == 4, "one pair for each node"
    assert 'label="s3\\n\\"];evil<b>&#lt;\\\\"' in dot
    assert re.search(r"n1 -\.->\|turned into\| n0", mermaid)
    assert re.search(r'n1 -> n0 \[label="turned into", style=dashed\]', dot)


def test_labels_are_written_out_and_colours_explained_once(lineage):
    lineage.derive(artifact_at("bento-model://iris/v%201"), artifact_at("s3://lake/a%0Ab"))

    mermaid = export(lineage, lineage.trace("bento-model://iris/v%201"), Form.MERMAID, NOW)

    assert '["bento-model<br/>iris/v 1"]:::start' in mermaid
    assert '["s3<br/>a%0Ab"]:::artifact' in mermaid, "but for what would break the line"
    assert mermaid.count("classDef") == 4


def test_files_of_one_folder_are_one_box_in_a_large_picture():
    months = [a_file(f"data/raw/2013-{month:02}.csv", 100 + month) for month in range(1, 18)]
    raw = a_folder("data/raw", 1, *months)
    validate = a_stage("validate", (raw,), (CLEAN, VALIDATION), validation=VALIDATION)
    lineage = open_in_memory({"p1": DEPLOYMENT.uri}, [a_stage("acquire", (), (raw,)), validate, *STAGES[2:]])
    for call in story(Path()):
        call(lineage)

    trace = lineage.trace("p1")
    mermaid, dot = (export(lineage, trace, form, NOW) for form in (Form.MERMAID, Form.DOT))

    assert '["17 DVC files<br/>data/raw/"]' in mermaid
    assert 'label="17 DVC files\\ndata/raw/"' in dot
    assert mermaid.count("2013-") == dot.count("2013-") == 0
    assert len(re.findall(r"^    n[0-9]+[\[({]", mermaid, re.MULTILINE)) == len(trace.nodes) - 16
