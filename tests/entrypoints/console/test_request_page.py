"""The page of a request from the gate's own views: what is said first, rules with room, groups, and the form."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from handrail.approvals import Choice, Reviewing, Wording
from handrail.approvals.domain.comparing import compare
from handrail.approvals.domain.sides import Side
from handrail.entrypoints.console.inbox import closed_row, open_row
from handrail.entrypoints.console.pages import Frame, render
from handrail.entrypoints.console.request_cases import case_charts, cases_of, verdict_of
from handrail.entrypoints.console.request_changed import changed_parts
from handrail.entrypoints.console.request_evidence import _flat
from handrail.entrypoints.console.request_model import model_lines
from handrail.entrypoints.console.request_page import request_page
from handrail.entrypoints.console.request_shown import Problem, Sent, Shown
from tests.fakes.approvals_evidence import WORDING
from tests.fakes.approvals_world import World
from tests.fakes.measured_cases import BOUND, cases_with

NOW = datetime(2026, 11, 28, 21, 55, tzinfo=UTC)
FRAME = Frame(NOW, "Cleo", ("business-stakeholder",), "local-1")
TOKENS = {"decision": "123.abc", "renewal": "123.def"}


@pytest.fixture
def world():
    return World()


def _page(world, request_id, account="cleo", **more):
    view = world.gate.request(request_id)
    reviewers = Reviewing(world.rules).of(view, account)
    evidence = world.gate.records.evidence(request_id)
    return request_page(Shown(view, reviewers, evidence, NOW, tokens=TOKENS, **more))


def test_the_question_is_the_title_and_the_rules_are_counted(world):
    page = _page(world, world.ask())

    assert page.facts["question"] == "Should flights 1 become champion?"
    assert page.facts["state"]["text"] == "Open: 0 of 2 approvals"
    assert page.facts["short"][0]["what"].startswith("All ")
    assert page.facts["rules_met"] == len(page.facts["rules"]) > 0


def test_with_a_champion_it_asks_whether_that_is_replaced(world):
    world.promote(1)
    world.register(2)
    request_id = world.ask(version=2, evidence=_compared(world))

    assert _page(world, request_id).facts["question"] == "Should flights 2 replace flights 1 as champion?"


def _compared(world):
    return {
        "evaluation": {"roc_auc": 0.76},
        "parity": {"max_difference": 1e-7, "labels_differ": 0},
        "comparison": {"ci_low": 0.0, "incumbent": world.gate.records.aliases() and _tree(world)},
    }


def _tree(world):
    return world.gate.request(world.gate.records.aliases()[0].request_id).history.request.subject.tree_digest


def test_a_rule_that_is_not_met_stands_first_with_its_value_and_limit(world):
    request_id = world.ask(
        evidence={"evaluation": {"roc_auc": 0.60}, "parity": {"max_difference": 1e-7, "labels_differ": 0}}
    )

    page = _page(world, request_id)

    first = page.facts["rules"][0]
    assert (first["met"], first["value_text"], first["limit_text"]) == (False, "0.6000", "at least 0.7400")
    assert first["room_text"] == "−0.1400"
    assert page.facts["short"][0]["kind"] == "bad"
    assert "Nobody can approve this." in page.facts["short"][0]["what"]
    assert page.extra["form"] is None


def test_who_may_decide_has_a_form_that_says_what_each_answer_does(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    page = _page(world, request_id)
    html = render(page, FRAME)

    assert [each["value"] for each in page.extra["form"]["choices"]] == ["approve", "reject", "ask"]
    assert "Yours is the last approval needed." in page.extra["form"]["as_whom"]
    assert 'name="seen" value="sha256:' in html
    assert " checked>" not in html


def test_the_decision_stands_before_who_decides_and_directly_after_what_is_said_in_short(world):
    html = render(_page(world, world.ask()), FRAME)

    places = [html.index(f'id="{name}"') for name in ("short", "decide", "votes", "rules", "history")]

    assert places == sorted(places)
    assert '<a href="#decide">Your decision</a>' in html


def test_who_approved_can_only_reject_or_ask_until_the_alias_moves(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    assert [each["value"] for each in _page(world, request_id, "ben").extra["form"]["choices"]] == ["reject", "ask"]


@pytest.mark.parametrize(("account", "title"), [("ada", "You can read this"), ("nobody", "You have no role here.")])
def test_who_may_not_decide_reads_why_and_who_could(world, account, title):
    page = _page(world, world.ask(), account)

    assert page.extra["form"] is None
    assert page.extra["why_not"]["title"].startswith(title)
    assert any("Cleo" in line for line in page.extra["why_not"]["lines"])


def test_what_was_sent_and_not_recorded_stands_in_the_form_again(world):
    sent = Sent(Problem("Nothing was recorded.", ("why",)), "reject", "too <early>", status=409)

    page = _page(world, world.ask(), sent=sent)
    html = render(page, FRAME)

    assert page.status == 409
    assert "too &lt;early&gt;</textarea>" in html
    assert 'value="reject" required checked' in html


def test_history_keeps_every_word_in_its_order(world):
    request_id = world.ask()
    world.gate.decide(request_id, "cleo", Choice.ASK, "which slices?")
    world.gate.questions.answer(request_id, "ada", "all of them")
    world.say(request_id, "cleo")

    words = [each["words"] for each in _page(world, request_id).facts["history"]]

    assert words[1:] == ["which slices?", "all of them", "looked at it"]


def test_both_versions_are_written_with_signs_points_and_intervals():
    rows = {row["name"]: row for row in cases_with()["measures"]}

    assert rows["roc_auc"]["delta_text"] == "+0.0027"
    assert rows["roc_auc"]["interval_text"] == "−0.0026 to +0.0073"
    assert (rows["found"]["champion_text"], rows["found"]["candidate_text"]) == ("24.4 %", "24.3 %")
    assert rows["found"]["delta_text"] == "−0.1 points"


def test_better_is_to_the_right_also_where_lower_is_better():
    charts, _ = case_charts(cases_with())

    assert charts["brier"].x > charts["brier"].zero


def test_a_group_that_is_worse_beyond_chance_is_counted_and_what_is_not_known_is_not_drawn():
    cases = cases_with()
    _, groups = case_charts(cases)

    assert cases["worse"] == 1
    assert groups[0].high < groups[0].zero
    assert groups[1] is None
    assert cases["groups"][1]["label"] == "carrier UA"


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.001, 0.01, "better"), (-0.01, -0.001, "worse"), (-0.01, 0.01, "unclear")]
)
def test_the_verdict_follows_the_interval_and_never_says_equal(low, high, verdict):
    rows = [{"name": "roc_auc", "better": "higher", "low": low, "high": high}]

    assert verdict_of(rows, "roc_auc") == verdict
    assert verdict_of([rows[0] | {"better": "lower"}], "roc_auc") == {"better": "worse", "worse": "better"}.get(
        verdict, verdict
    )
    assert verdict_of(rows, "brier") == ""


def test_nothing_measured_gives_no_table():
    assert cases_of(None, BOUND)["measures"] == []
    assert cases_of({"problem": "it failed", "measures": None}, BOUND)["measures"] == []


def test_what_changed_is_in_panels_that_fold_what_is_long():
    same = {"changed": [], "added": [], "removed": [], "same": 3, "origin": "recomputed", "left_out": 0}
    known = {"known": {"before": True, "after": True}}
    parameter = {"before": 0.35, "after": 0.25, "origin": "author's word"}
    changed = {
        "against": {"version": 1, "tree": "sha256:00"},
        "files": same | known,
        "environment": same | known,
        "parameters": {"changed": [parameter | {"name": f"p{n}"} for n in range(12)], "unchanged": 4, **known}
        | {"origin": "author's word", "left_out": 0},
        "code": {"commit": {"before": "a", "after": "b", "origin": "measured by the pipeline"}}
        | {"clean": {"before": True, "after": True, "origin": "author's word"}, "files": same | known},
        "data": [{"what": "rows", "before": 160678, "after": 217503, "origin": "author's word"}],
        "features": {"added": [], "removed": [], "same": 37, "importances": [], "origin": "recomputed", "left_out": 0}
        | known
        | {"count": parameter, "service": {"before": "f", "after": "f", "origin": "recomputed"}},
        "unknown": ["The commit of version 1 is not known."],
    }

    found = changed_parts(changed)
    parts = {part["name"]: part for part in found["parts"]}

    (row,) = parts["Data"]["rows"]
    assert (row["what"], row["before"], row["after"]) == ("rows", "160,678", "217,503")
    assert (len(parts["Parameters"]["rows"]), len(parts["Parameters"]["more"])) == (8, 4)
    assert parts["Features"]["sentence"] == "The same 37 features."
    assert parts["Files served"]["origin"] == "recomputed by the server"
    assert found["unknown"] == ["The commit of version 1 is not known."]
    assert changed_parts(None) is None


def test_a_part_that_is_missing_is_said_on_top_before_somebody_decides(world):
    request_id = world.ask()
    late = "The run of version 1 was not read in time; it is there when the same is asked again."
    none = compare(request_id, None, Side(1), [late])

    html = render(_page(world, request_id, changed=replace(none, unread=(late,)).to_json()), FRAME)

    assert html.index("Part of this page is missing") < html.index("In short") < html.index("If rules, figures")
    assert "Part of this page is missing" not in render(_page(world, request_id, changed=none.to_json()), FRAME)


def test_the_page_says_what_the_model_answers_and_what_the_alias_means(world):
    page = _page(world, world.ask(), wording=WORDING)

    assert page.facts["about"] == [
        "flights answers for each flight: Will a flight land more than 15 minutes late? Yes is “late”, no is "
        "“punctual”. Answered two hours before scheduled departure, for the staff that plan around delays.",
        "“champion” is the name by which the version to be used is found; when this was asked, it meant no version.",
    ]
    assert "Will a flight land more than 15 minutes late?" in render(page, FRAME)


@pytest.mark.parametrize(
    ("answers", "unit", "said"),
    [(("a", "b", "c"), "", "The answer is “a”, “b” or “c”."), ((), "euro", "The answer is a number, in euro.")],
)
def test_other_kinds_of_answers_are_said_too(answers, unit, said):
    assert model_lines(BOUND, Wording("What comes?", "", answers, unit))[0].endswith(f"What comes? {said}")
    assert len(model_lines(BOUND, Wording())) == 1


def test_a_rule_on_the_authors_word_is_met_and_unchecked(world):
    page = _page(world, world.ask())

    assert page.facts["rules_unchecked"] == sum(rule["level"] == "claimed" for rule in page.facts["rules"]) > 0
    assert "<small>unchecked</small>" in render(page, FRAME)


def _nested(depth):
    content = {"end": 1}
    for _ in range(depth):
        content = {"a": content}
    return content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**400, "a number of 401 digits"),
        (-(10**400), "−a number of 401 digits"),
        (_nested(400), "1 value, not a number"),
        ([[10**400]], "1 value, not a number"),
        ("<b>\u202e", "<b>\u202e"),
        (True, "True"),
        (None, "not known"),
    ],
    ids=("large", "small", "deep", "list", "markup", "yes", "nothing"),
)
def test_no_evidence_that_an_author_can_send_keeps_reviewers_from_the_request(world, value, text):
    sent = {"evaluation": {"roc_auc": value}, "parity": {"max_difference": 0, "labels_differ": 0}}
    request_id = world.ask(evidence=sent | {"other": _nested(400) | {"big": 10**400, "k" * 9999: [[1], 10**400]}})

    page = _page(world, request_id)
    view = world.gate.request(request_id)

    assert next(rule["value_text"] for rule in page.facts["rules"] if "roc_auc" in rule["measure"]) == text
    assert len(render(page, FRAME)) < 100_000
    assert open_row(view, None)["request_id"] == closed_row(view)["request_id"] == request_id


def test_the_end_of_deep_evidence_is_said_and_not_walked():
    assert list(_flat(_nested(5000))) == [("a." * 20 + "a", "1 value with values inside")]
