"""Recorded comparisons on the page of what really happened: those that a person may read, and nothing that breaks."""

import json
from datetime import timedelta

import pytest

from handrail.compared import write_comparison
from handrail.entrypoints.answers.comparison_words import plain
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.feedback_page import feedback_page
from handrail.entrypoints.console.pages import Frame, render
from handrail.feedback import ComparisonPlan, Measure, Sides, compare_versions
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.lineage_server import a_platform

AS_OF = GO_LIVE + timedelta(days=40)
OTHER = "deploy://local/flights-shadow/2"
HOSTILE = "<script>alert(1)</script>"
KINDS = "version: 1\nkinds:\n  ground_truth:\n    maturity_window_hours: 36\n    values: [0, 1]\n"


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS, encoding="utf-8")
    with a_platform(tmp_path) as opened:
        yield opened


def shadow(platform, name="in-shadow", count=400, second="models:/flights/2", **change):
    """Record both versions' answers about the same cases, and their comparison."""
    for deployment, model in ((DEPLOYMENT, "models:/flights/1"), (OTHER, second)):
        made = [
            a_prediction(
                n,
                deployment=deployment,
                prediction_id=f"{deployment}-{n}",
                score=0.3 + 0.3 * (n % 2) * (deployment == OTHER),
            )
            for n in range(count)
        ]
        platform.feedback.register_deployment(deployment, None, model)
        platform.feedback.record_predictions(made)
        platform.feedback.record_feedback([an_outcome(each, n % 2) for n, each in enumerate(made)])
    plan = ComparisonPlan(Sides("deployment", DEPLOYMENT, OTHER), Measure("ground_truth", "brier"))
    models = {each.uri: each.model_version_uri for each in platform.feedback.deployments()}
    shown = plain(compare_versions(platform.feedback, plan, AS_OF), models)
    write_comparison(platform.settings.home, name, shown | change)
    return shown


def page(platform, model="", reads=lambda uri: True):
    found = feedback_page(platform, model, "ground_truth", AS_OF.isoformat(), reads)
    return render(found, Frame(GO_LIVE, "Cleo", ("reads only",), "local", places=((Address.FEEDBACK, "Feedback"),)))


def test_the_verdict_is_on_the_page_with_what_it_rests_on(platform):
    shown = shadow(platform)

    text = page(platform)

    assert shown["answer"] == "better"
    for said in (
        "Is the challenger better?",
        "in-shadow",
        "challenger better",
        "by naive peeking",
        "400 cases that both",
    ):
        assert said in text
    assert len(text) < 100_000


def test_without_a_recorded_comparison_nothing_stands_there(platform):
    assert "Is the challenger better?" not in page(platform)


def test_of_another_model_or_kind_nothing_is_shown(platform):
    shadow(platform)
    shadow(platform, "of-ratings", kind="rating")

    facts = feedback_page(platform, "flights", "ground_truth", AS_OF.isoformat()).facts

    assert [row["name"] for row in facts["comparisons"]] == ["in-shadow"]


def test_who_may_read_one_version_alone_does_not_see_how_it_compares(platform):
    shadow(platform, second="models:/secret/2")

    allowed = page(platform, reads=lambda uri: "secret" not in uri)

    assert "Is the challenger better?" not in allowed
    assert "Is the challenger better?" in page(platform)


def test_one_of_unknown_versions_is_for_those_who_may_read_every_version(platform):
    shown = shadow(platform)
    arms = {arm: {**shown[arm], "models": []} for arm in ("champion", "challenger")}
    write_comparison(platform.settings.home, "in-shadow", shown | arms)

    assert "Is the challenger better?" in page(platform)
    assert "Is the challenger better?" not in page(platform, reads=lambda uri: not uri.endswith("/2"))


def test_what_a_file_says_is_text(platform):
    shadow(platform, sentence=HOSTILE)

    text = page(platform)

    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "change", [{"gain": None}, {"answer": "splendid"}, {"champion": {}}, {"gain": {"value": "x", "low": 0, "high": 1}}]
)
def test_a_file_that_is_no_whole_comparison_breaks_no_page(platform, change):
    shadow(platform, **change)

    assert "Is the challenger better?" not in page(platform)
    assert json.loads((platform.settings.home / "comparisons" / "in-shadow.json").read_text())["name"] == "in-shadow"


def test_a_blocked_one_has_no_picture(platform):
    shown = shadow(platform, count=100)

    facts = feedback_page(platform, "", "ground_truth", AS_OF.isoformat())

    assert (shown["answer"], facts.facts["comparisons"][0]["sign"]) == ("blocked", "warn")
    assert "too few observations" in page(platform)
