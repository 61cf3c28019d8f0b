"""The picture: at most 14 boxes, whole and broken lines, no style attribute, and text that stays text."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from handrail.entrypoints.answers.chain import chain_of
from handrail.entrypoints.answers.chain_facts import Allowed, ChainFacts
from handrail.entrypoints.answers.layers import MOST_BOXES, boxes_of, draw_layers, folded
from handrail.lineage.domain.names import artifact_at
from tests.entrypoints.answers.test_chain import ALLOWED, FACTS
from tests.fakes.lineage import DEPLOYMENT, PERMIT, VERSION, open_in_memory, story

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def lineage():
    opened = open_in_memory({"p1": DEPLOYMENT.uri})
    for call in story(Path()):
        call(opened)
    return opened


@pytest.fixture
def drawn(lineage):
    def draw(ref="p1", facts=FACTS, address=lambda _: None):
        trace = lineage.trace(ref)
        return ET.fromstring(draw_layers(chain_of(trace, facts), trace, address))  # noqa: S314 - our own text

    return draw


def parts(picture, tag):
    return [part for part in picture.iter() if part.tag.rpartition("}")[2] == tag]


def test_the_path_has_a_box_for_each_station_and_room_for_files_and_policy(lineage):
    trace = lineage.trace("p1")

    stations = [box.station for box in boxes_of(chain_of(trace, FACTS), trace)]

    assert stations[:6] == ["prediction", "deployment", "bento", "permit", "model-version", "run"]
    assert set(stations[6:]) == {
        "training-data", "features", "validation", "raw-data", "git-commit", "artifact-tree", "policy",
    }  # fmt: skip
    assert len(stations) <= MOST_BOXES


def test_no_box_lies_on_another_and_all_lie_in_the_picture(lineage, drawn):
    trace = lineage.trace("p1")
    places = [(box.column, box.row) for box in boxes_of(chain_of(trace, FACTS), trace)]
    left, top, wide, high = map(int, drawn().get("viewBox").split())

    assert len(set(places)) == len(places)
    for box in parts(drawn(), "rect"):
        assert left <= int(box.get("x")) <= wide - int(box.get("width"))
        assert top <= int(box.get("y")) <= high - int(box.get("height"))


def test_a_proven_hop_is_a_whole_line_and_an_asserted_one_is_broken(drawn):
    said = {hop[0].text: hop.get("class") for hop in parts(drawn(), "path") if hop.get("marker-end")}

    assert said["Deployment came from Bento: proven"] == "hop"
    assert said["Prediction came from Deployment: asserted"] == "hop asserted"
    assert all(text.endswith("proven") is (name == "hop") for text, name in said.items())


def test_the_title_says_what_the_picture_finds(drawn):
    title = drawn()[0].text

    assert re.fullmatch(
        r"The direct path in 13 boxes, from Raw data on the left to Prediction on the right: "
        r"\d+ of \d+ hops proven, the others asserted",
        title,
    )


def test_a_box_leads_to_the_page_of_its_thing(drawn):
    linked = drawn(address=lambda uri: f"/trace/?q={uri}&a" if uri == VERSION.uri else None)

    assert [link.get("href") for link in parts(linked, "a")] == [f"/trace/?q={VERSION.uri}&a"]
    assert (linked.get("role"), drawn().get("role")) == ("group", "img")


def test_a_strict_policy_lets_it_through(drawn):
    for part in drawn(address=lambda uri: uri).iter():
        assert "style" not in part.attrib
        assert not [name for name in part.attrib if name.startswith("on")]
        assert part.tag.rpartition("}")[2] in {"svg", "title", "defs", "marker", "path", "g", "a", "rect", "text"}


def test_what_somebody_wrote_stays_text(lineage, drawn):
    evil = '<script>alert("1")</script>\u202e'
    facts = replace(FACTS, answer=evil)

    picture = drawn(facts=facts)
    written = draw_layers(chain_of(lineage.trace("p1"), facts), lineage.trace("p1"))

    assert not parts(picture, "script")
    assert "<script" not in written
    assert "\u202e" not in written


def test_the_permit_of_a_version_has_a_hop_to_it(drawn):
    facts = ChainFacts(permits={PERMIT.uri: ALLOWED}, later=(PERMIT.uri,))

    titles = [hop[0].text for hop in parts(drawn(VERSION.uri, facts), "path") if hop.get("marker-end")]

    assert isinstance(ALLOWED, Allowed)
    assert "Permit came from Model version: proven" in titles


def test_everything_without_a_box_is_folded_by_kind_once(lineage):
    trace = lineage.trace("p1")
    chain = chain_of(trace, FACTS)

    folds = folded(chain, trace)

    in_boxes = {uri for box in boxes_of(chain, trace) for uri in box.uris}
    in_folds = [node.uri for fold in folds for node in fold.nodes]
    assert in_boxes.isdisjoint(in_folds)
    assert len(in_folds) == len(set(in_folds))
    assert {node.uri for node in trace.nodes} <= in_boxes | set(in_folds)
    assert [len(fold.nodes) for fold in folds] == sorted((len(fold.nodes) for fold in folds), reverse=True)


def test_data_alone_has_a_picture_too(lineage, drawn):
    lineage.derive(artifact_at("s3://lake/clean"), artifact_at("s3://lake/raw"))

    assert len(parts(drawn("s3://lake/clean", ChainFacts()), "rect")) == 2
    assert len(parts(drawn("s3://lake/raw", ChainFacts()), "rect")) == 1
