"""`handrail lineage impact`: what it means for people first, in the order of its page; the tree on request."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from handrail.bootstrap import open_platform
from handrail.entrypoints.answers.reach import Concerned, Outcomes, Reach, Served, Touched
from handrail.entrypoints.cli.lineage.reach_output import show_reach
from handrail.feedback import Feedback
from handrail.lineage.domain.answers import Impact
from tests.fakes.lineage import DEPLOYMENT, VERSION

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RAW = "data/raw/2013-01.csv"
IMPACT = Impact(
    RAW, "dvc://a@1", {"report": 1}, {"report": ["r"]}, {"d": 3}, {"d": {"EUR": Decimal("12.50")}}, failed=["run://f"]
)
REACH = Reach(
    IMPACT,
    (Touched("v", "flights 1", (), "replaced", 3, (), ()),),
    (Served("d", "flights d1", "flights 1", None, NOON, 3),),
    (Outcomes("ground_truth", (("late", "punctual", 2), ("late", None, 1))),),
    (Concerned("Ben", ("allowed flights 1 as champion", "made flights 1")),),
)


def test_an_impact_says_what_is_urgent_then_figures_versions_deployments_and_whom_to_notify(handrail, home):
    home.point("deploy://local/flights", DEPLOYMENT, NOON, by="handrail deploy")
    later = NOON + timedelta(hours=1)
    with open_platform() as platform:
        platform.feedback.register_deployment(DEPLOYMENT.uri, None, VERSION.uri)
        platform.feedback.record_feedback([Feedback("p1", "ground_truth", 0.0, "airline", 0, later, later)])

    code, out, _ = handrail("impact", RAW)

    parts = ["came from it and answers now.", "Serving now", "Model versions", "Deployments", "Predictions", "Reports"]
    parts += [
        "Money",
        f"{VERSION.uri}",
        f"{DEPLOYMENT.uri}",
        "Predictions by answer and ground_truth",
        "things came from it",
    ]
    places = [out.index(part) for part in parts]
    assert code == 0
    assert places == sorted(places)
    assert "  flights 1  serving  3 predictions  flights@champion  allowed by ann and bob" in out
    assert f"    {RAW} → " in out, "by which way a version was reached"
    assert "serves flights 1  from 23 Nov 2026 at 12:00 UTC until now  3 predictions" in out
    assert "  late: punctual 1, unknown 2" in out
    assert "not priced  no kind of feedback has a unit" in out


def test_what_is_not_known_is_said_and_money_stands_beside_its_deployment(capsys):
    show_reach(REACH)

    out = capsys.readouterr().out
    assert "flights 1  replaced  3 predictions  allowed by nobody" in out
    assert "from an unknown moment until 23 Nov 2026 at 12:00 UTC  3 predictions  12.50 EUR" in out
    assert "  Ben: allowed flights 1 as champion and made flights 1" in out
    assert "Runs that failed or were aborted (1)\n  run://f" in out


def test_outcomes_that_would_take_long_are_left_out_and_lower_bounds_are_named(capsys):
    show_reach(replace(REACH, impact=replace(IMPACT, truncated=True), outcomes=(), too_many=True))

    out = capsys.readouterr().out
    assert "too many to count their outcomes here: handrail feedback figures" in out
    assert "All numbers are lower bounds." in out


def test_all_that_was_reached_is_a_tree_on_request_and_where_only_a_part_is_asked_for(handrail):
    whole = handrail("impact", RAW)[1]
    for more in (["--tree"], ["--depth", "9"], ["--kind", "model-version"]):
        shown = handrail("impact", RAW, *more)[1]

        assert "models (1)" in shown
        assert "Serving now" not in shown
    assert "models (1)" not in whole


def test_the_same_facts_are_json_beside_the_counts(handrail):
    whole = json.loads(handrail("impact", RAW, "--json")[1])
    part = json.loads(handrail("impact", RAW, "--depth", "9", "--json")[1])

    assert [each["label"] for each in whole["reach"]["figures"]][:2] == ["Serving now", "Model versions"]
    assert whole["reach"]["versions"][0]["allowed_by"] == ["ann", "bob"]
    assert (whole["models"], part["reach"]) == ([VERSION.uri], None)
