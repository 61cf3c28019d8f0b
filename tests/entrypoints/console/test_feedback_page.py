"""Feedback as a page: figures that the log can prove, beside what the naive way says, and nothing that is not mine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.entrypoints.console import feedback_page as console_feedback
from handrail.entrypoints.console import feedback_versions
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.feedback_page import feedback_page
from handrail.entrypoints.console.pages import Frame, render
from handrail.errors import InvalidInput, UnknownReference
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.lineage_server import a_platform
from tests.fakes.monitoring_records import RECORD, write

AS_OF = (GO_LIVE + timedelta(days=20)).isoformat()
HOSTILE = "<script>alert(1)\u202e"
OBJECTIVES = """objectives:
  ranking: {statement: s, kpi: k, kind: at-least, target: 0.74, measure: evaluation.roc_auc, owner: data-scientist}
"""
KINDS = "version: 1\nkinds:\n  ground_truth:\n    maturity_window_hours: 36\n    values: [0, 1]\n"


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with a_platform(tmp_path) as opened:
        yield opened


def record(platform, count=200, model="models:/flights/1", deployment=DEPLOYMENT):
    made = [a_prediction(n, deployment=deployment, prediction_id=f"{deployment}-{n}") for n in range(count)]
    platform.feedback.register_deployment(deployment, None, model)
    platform.feedback.record_predictions(made)
    # Every tenth one stays without an answer.
    platform.feedback.record_feedback([an_outcome(each, n % 2) for n, each in enumerate(made) if n % 10])


def html(platform, *asked):
    frame = Frame(GO_LIVE, "Cleo", ("reads only",), "local", places=((Address.FEEDBACK, "Feedback"),))
    return render(feedback_page(platform, *asked), frame)


def test_without_a_declared_kind_the_page_says_where_to_declare_one(platform, tmp_path):
    (tmp_path / "config" / "feedback.yaml").unlink()

    assert "config/feedback.yaml" in html(platform, "", "", "")


def test_an_empty_log_has_a_page_too(platform):
    facts = feedback_page(platform, "", "", AS_OF).facts

    assert (facts["predictions"], facts["coverage"], facts["corrected"], facts["periods"]) == (0, None, None, [])
    assert "No prediction was made by then" in html(platform, "", "", AS_OF)


def test_the_figures_are_those_of_the_log(platform):
    record(platform)

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF).facts

    assert (facts["predictions"], facts["sampled"], facts["mature"], facts["known"]) == (200, 200, 200, 180)
    assert facts["coverage"] == pytest.approx(0.9)
    assert (facts["delay"]["median_h"], facts["delay"]["answered"], facts["delay"]["of"]) == (5.5, 180, 200)
    assert facts["metric"] == "roc_auc"
    assert facts["corrected"]["subjects"] == 180
    assert facts["naive"]["subjects"] == 200
    assert facts["naive"]["value"] != facts["corrected"]["value"]
    assert [row["name"] for row in facts["versions"]] == ["flights 1"]
    page = html(platform, "flights", "ground_truth", AS_OF)
    assert "90.0 %" in page
    assert len(page) < 100_000


def replayed(platform, count=200, version=2):
    """Let another version answer the same cases a minute later, all of them right."""
    deployment = f"deploy://local/flights/{version}"
    platform.feedback.register_deployment(deployment, None, f"models:/flights/{version}")
    made = [
        a_prediction(n, deployment=deployment, prediction_id=f"{deployment}-{n}", score=0.2 + 0.6 * (n % 2))
        for n in range(count)
    ]
    platform.feedback.record_predictions([replace(each, made_at=each.made_at + timedelta(minutes=1)) for each in made])
    platform.feedback.record_feedback([an_outcome(each, n % 2) for n, each in enumerate(made) if n % 10])


def test_versions_that_answered_the_same_cases_are_compared_on_these_alone(platform):
    record(platform)
    replayed(platform)
    record(platform, 20, "models:/flights/3", "deploy://local/flights/3")

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF).facts

    first, second = facts["pairs"][:2]
    assert [(row["first"], row["second"], row["cases"]) for row in facts["pairs"]] == [
        ("flights 1", "flights 2", 180),
        ("flights 1", "flights 3", 18),
        ("flights 2", "flights 3", 18),
    ]
    gain = first["gain"]
    assert (gain["of_second"], gain["value"]) == (1.0, pytest.approx(1.0 - gain["of_first"]))
    assert 0 < gain["low"] <= gain["value"] <= gain["high"]
    assert second["gain"]["value"] == 0
    assert "flights 1, then flights 2" in html(platform, "flights", "ground_truth", AS_OF)


def test_of_a_large_log_the_newest_mature_predictions_are_compared_whole(platform, monkeypatch):
    monkeypatch.setattr(console_feedback, "MOST", 100)
    record(platform)
    replayed(platform)

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF).facts

    assert facts["whole"] is False
    (pair,) = facts["pairs"]
    assert 30 <= pair["cases"] <= 120
    assert pair["gain"]["of_second"] == 1.0
    assert "the newest mature predictions" in html(platform, "flights", "ground_truth", AS_OF)


def test_versions_that_followed_each_other_have_no_pairs_and_cost_no_second_reading(platform, monkeypatch):
    monkeypatch.setattr(console_feedback, "MOST", 100)
    monkeypatch.setattr(feedback_versions, "MARGIN", timedelta(0))
    record(platform)
    late = [a_prediction(n, prediction_id=f"late-{n}", deployment="deploy://local/flights/5") for n in range(200)]
    platform.feedback.register_deployment("deploy://local/flights/5", None, "models:/flights/5")
    platform.feedback.record_predictions([replace(each, made_at=each.made_at + timedelta(days=10)) for each in late])
    read = []
    monkeypatch.setattr(platform.feedback, "cohort", lambda *about: read.append(about))

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF).facts

    assert ([row["name"] for row in facts["versions"]], facts["pairs"]) == (["flights 1", "flights 5"], [])
    assert read == []


def test_a_sample_says_what_it_read_and_leads_to_all(platform, monkeypatch):
    monkeypatch.setattr(console_feedback, "MOST", 100)
    record(platform)
    platform.feedback.register_deployment("deploy://local/flights/4", None, "models:/flights/4")

    part = html(platform, "flights", "ground_truth", AS_OF)
    whole = feedback_page(platform, "flights", "ground_truth", AS_OF, rows="all")

    assert "from an even sample of 100 of 200 predictions" in part
    assert "rows=all" in part
    assert "No prediction by then: flights 4." in part
    assert (whole.facts["sampled"], whole.facts["whole"], whole.facts["silent"]) == (200, True, ["flights 4"])
    page = render(whole, Frame(GO_LIVE, "Cleo"))
    assert "rows=all" not in page
    assert "No prediction by then: flights 4." in page
    with pytest.raises(InvalidInput, match="is no choice"):
        feedback_page(platform, "flights", "ground_truth", AS_OF, rows="some")


def test_a_value_has_as_many_digits_as_its_interval_bears_and_few_outcomes_give_none(platform):
    record(platform)

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF).facts
    figure, period = facts["corrected"], facts["periods"][0]["corrected"]
    page = html(platform, "flights", "ground_truth", AS_OF)

    assert figure["high"] - figure["low"] >= 0.02
    assert f"<dd>{figure['value']:.{figure['digits']}f}<small>" in page
    assert figure["digits"] <= 2
    assert (period["too_few"], period["subjects"]) == (True, 18)
    assert "too few<small>18 outcomes</small>" in page


def test_the_target_of_the_project_is_drawn_for_its_own_model(platform, tmp_path):
    (tmp_path / "config" / "objectives.yaml").write_text(OBJECTIVES, encoding="utf-8")
    record(platform)
    record(platform, model="models:/other/1", deployment="deploy://local/other/1")

    own = feedback_page(platform, "flights", "ground_truth", AS_OF)
    other = feedback_page(platform, "other", "ground_truth", AS_OF)

    assert own.facts["target"]["value"] == own.extra["at_target"] == 0.74
    assert "line: target 0.74" in render(own, Frame(GO_LIVE, "Cleo"))
    assert all(each.limit is not None for each in own.extra["intervals"].values())
    assert (other.facts["target"], other.extra["at_target"]) == (None, None)


def test_what_cannot_be_compared_says_why(platform):
    record(platform, 60)
    elsewhere = [
        a_prediction(n, deployment="deploy://local/flights/2", prediction_id=f"x-{n}", subject=f"other {n}")
        for n in range(30)
    ]
    platform.feedback.register_deployment("deploy://local/flights/2", None, "models:/flights/2")
    platform.feedback.record_predictions(elsewhere)

    assert feedback_page(platform, "flights", "", AS_OF).facts["pairs"] == []
    assert "No case with a known outcome was answered by two versions" in html(platform, "flights", "", AS_OF)


def test_cases_with_one_outcome_alone_judge_nobody(platform):
    record(platform, 2)
    replayed(platform, 2)

    (pair,) = feedback_page(platform, "flights", "", AS_OF).facts["pairs"]

    assert (pair["cases"], pair["gain"]) == (1, None)
    assert "Not known: they hold one outcome only." in html(platform, "flights", "", AS_OF)


def test_predictions_without_an_answer_count_as_waiting_and_coverage_is_drawn(platform):
    record(platform)

    facts = feedback_page(platform, "flights", "", (GO_LIVE + timedelta(hours=150)).isoformat()).facts
    page = html(platform, "flights", "", (GO_LIVE + timedelta(hours=150)).isoformat())

    hours, share, low, high = facts["delay"]["curve"][-1]
    assert (hours, facts["delay"]["median_h"], facts["delay"]["p90_h"]) == (5.5, 5.5, None)
    assert 0.8 < low < share < high < 0.96
    assert facts["delay"]["of"] - facts["delay"]["answered"] > 10
    assert "90 % never were, so far" in page
    assert page.count('<rect class="cand"') == len(facts["periods"]) == 7


def test_what_was_not_known_at_the_moment_is_not_counted(platform):
    record(platform)

    facts = feedback_page(platform, "", "", (GO_LIVE + timedelta(hours=3)).isoformat()).facts

    assert (facts["predictions"], facts["mature"], facts["coverage"]) == (4, 0, None)


def test_models_that_a_person_may_not_read_are_not_there(platform):
    record(platform)
    record(platform, 50, "models:/secret/1", "deploy://local/secret/1")

    def reads(version):
        return "flights" in version

    facts = feedback_page(platform, "", "", AS_OF, reads).facts

    assert (facts["models"], facts["sampled"]) == (["flights"], 200)
    assert "secret" not in html(platform, "", "", AS_OF, reads)
    with pytest.raises(UnknownReference):
        feedback_page(platform, "secret", "", AS_OF, reads)
    assert feedback_page(platform, "", "", AS_OF, lambda _version: False).facts["sampled"] == 0


def test_a_wrong_kind_or_moment_is_refused_with_a_sentence(platform):
    with pytest.raises(UnknownReference):
        feedback_page(platform, "", HOSTILE, AS_OF)
    with pytest.raises(InvalidInput):
        feedback_page(platform, "", "", "yesterday")


def test_hostile_names_are_text(platform):
    record(platform, 20, f"models:/{HOSTILE}/1")

    page = html(platform, "", "", AS_OF)

    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_conflicts_of_all_models_are_counted_for_who_may_read_them_all(platform):
    record(platform)
    record(platform, model="models:/other/1", deployment="deploy://local/other/1")

    whole = feedback_page(platform, "", "ground_truth", AS_OF).facts
    part = feedback_page(platform, "", "ground_truth", AS_OF, lambda version: "flights" in version)

    assert whole["quarantine"]["count"] == 0
    assert part.facts["quarantine"] is None
    assert "counted for those who may read every model" in render(part, Frame(GO_LIVE, "Cleo"))


def test_an_alert_of_monitoring_stands_at_its_period_of_the_models_that_are_shown(platform):
    record(platform)
    later = replace(a_prediction(1, prediction_id="later"), made_at=GO_LIVE + timedelta(days=70))
    platform.feedback.record_predictions([later])
    for model in ("flights", "secret"):
        write(platform.settings.home, RECORD | {"model": model, "month": f"{GO_LIVE:%Y-%m}"}, model)

    page = html(platform, "", "", (GO_LIVE + timedelta(days=90)).isoformat())

    assert page.count("Monitoring alerted on") == 1
    assert '<a href="#alerts">alert</a>' in page
    assert "secret" not in page
    assert "q=evidently%3A%2F%2Fchurn%2Freport%2Fr-1" in page


def test_a_kind_of_texts_is_no_choice_and_the_page_says_where_they_are_read(platform, tmp_path):
    review = "  review:\n    type: review\n    maturity_window_hours: 1\n"
    (tmp_path / "config" / "feedback.yaml").write_text(f"{KINDS}{review}", encoding="utf-8")

    facts = feedback_page(platform, "", "", AS_OF).facts

    assert (facts["kinds"], facts["texts"], facts["kind"]) == (["ground_truth"], ["review"], "ground_truth")
    assert "handrail feedback reviews" in html(platform, "", "", AS_OF)
