"""What an impact means for people: six figures in one order, a sentence, and JSON of plain values."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from handrail.entrypoints.answers.reach import Concerned, Outcomes, Reach, Served, Touched, state_of
from handrail.entrypoints.answers.reach_facts import way_in
from handrail.entrypoints.answers.slots import is_shadow
from handrail.lineage.domain.answers import Impact
from tests.fakes.lineage import RAW, VERSION, open_story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = {"report": ["r1", "r2"], "feedback-snapshot": ["s1"]}
IMPACT = Impact("data/raw", "dvc://shop/data/raw@1", {"dvc-data": 2}, NAMES, {"d": 3}, {"d": {"EUR": Decimal("12.50")}})
SERVED = Served("d", "flights d1", "flights 1", NOON, None, 3)
VERSION_1 = Touched(
    "v", "flights 1", ("flights@champion",), "serving", 3, ("Ben Engineer",), ("data/raw", "train", "flights 1")
)
REACH = Reach(
    IMPACT,
    (VERSION_1,),
    (SERVED,),
    (Outcomes("ground_truth", (("late", "punctual", 2), ("late", None, 1))),),
    (Concerned("Ben Engineer", ("allowed flights 1 as champion",)),),
)


def test_the_figures_are_six_in_one_order():
    assert [(each.label, each.value, each.note) for each in REACH.figures] == [
        ("Serving now", "1", "flights 1"),
        ("Model versions", "1", "1 of them predicted"),
        ("Deployments", "1", ""),
        ("Predictions", "3", ""),
        ("Reports", "2", "and 1 snapshot"),
        ("Money", "12.50 EUR", ""),
    ]
    assert REACH.figures[2].since == NOON


def test_money_that_nobody_priced_says_what_is_missing():
    assert replace(REACH, impact=replace(IMPACT, money={})).figures[-1].note == "no kind of feedback has a unit"


@pytest.mark.parametrize(
    ("reach", "sentence"),
    [
        (REACH, "flights 1 came from it and answers now."),
        (
            replace(REACH, deployments=(replace(SERVED, until=NOON),)),
            "Nothing that came from it answers now; 3 predictions came from it before.",
        ),
        (
            replace(REACH, deployments=(), impact=replace(IMPACT, predictions={})),
            "1 model version came from it, and no prediction.",
        ),
        (Reach(replace(IMPACT, predictions={})), "No model version came from it."),
        (Reach(replace(IMPACT, predictions={}, kinds={"dvc-data": 1})), "Nothing came from it."),
    ],
)
def test_a_sentence_says_what_is_most_urgent(reach, sentence):
    assert reach.summary == sentence


def test_all_of_it_is_plain_json():
    plain = json.loads(json.dumps(REACH.to_json()))

    assert plain["deployments"][0]["since"] == NOON.isoformat()
    assert plain["deployments"][0]["serving"] is True
    assert plain["outcomes"][0]["rows"][1] == {"answer": "late", "outcome": None, "predictions": 1}
    assert plain["versions"][0]["way"] == ["data/raw", "train", "flights 1"]
    assert plain["concerned"] == [{"name": "Ben Engineer", "why": ["allowed flights 1 as champion"]}]


@pytest.mark.parametrize(
    ("deployments", "predictions", "state"),
    [
        ([SERVED], 0, "serving"),
        ([replace(SERVED, until=NOON), SERVED], 0, "serving"),
        ([replace(SERVED, until=NOON)], 0, "replaced"),
        ([replace(SERVED, since=None)], 3, "in no recorded slot"),
        ([replace(SERVED, in_shadow=True)], 3, "in shadow"),
        ([replace(SERVED, in_shadow=True), SERVED], 3, "serving"),
        ([], 0, "never served"),
    ],
)
def test_whether_a_version_serves_is_said_by_its_deployments_and_by_no_alias(deployments, predictions, state):
    assert state_of(deployments, predictions) == state


def test_a_way_leads_from_the_file_to_the_version():
    lineage = open_story()
    raw = lineage.show(RAW.path).node.uri
    trace = lineage.trace(VERSION.uri)

    assert way_in(trace, raw)[0] == "data/raw"
    assert way_in(trace, raw)[-1] == "flights 1"
    assert way_in(trace, "s3://lake/elsewhere") == ()


@pytest.mark.parametrize(
    ("pointer", "is_one"),
    [("deploy://local/m-shadow", True), ("deploy://local/m", False), ("deploy://local/other-shadow", False)],
)
def test_a_slot_is_the_shadow_of_one_that_is_known(pointer, is_one):
    assert is_shadow(pointer, {"deploy://local/m", pointer}) is is_one
