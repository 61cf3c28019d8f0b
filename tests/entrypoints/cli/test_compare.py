"""`handrail feedback compare`, as a user types it: a split, a shadow, its exit codes, and what a page reads of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from handrail import open_platform
from handrail.compared import read_comparisons, write_comparison
from handrail.entrypoints.answers.comparison_words import _interval
from handrail.entrypoints.cli import build
from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import Feedback, Prediction, assign

KINDS = """
version: 1
kinds:
  conversion: {type: conversion, maturity_window_hours: 48}
  revenue: {type: revenue, maturity_window_hours: 48, unit: EUR}
  rating: {type: rating, maturity_window_hours: 72, at_least: 1, at_most: 5}
  truth: {maturity_window_hours: 24, values: [0, 1]}
"""
START = datetime(2026, 5, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
SHARES = {"champion": 0.5, "challenger": 0.5}
COUNT = 2_400


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A shop: subjects of a split over 24 days buy and rate, and a shadow answered what the first version did."""
    project = tmp_path_factory.mktemp("shop")
    (project / "config").mkdir()
    (project / "config" / "feedback.yaml").write_text(KINDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(project / "home"))
        with open_platform() as platform:
            platform.feedback.record_predictions([each for n in range(COUNT) for each in predictions(n)])
            platform.feedback.record_feedback([each for n in range(COUNT) for each in said(n)])
    return project


@pytest.fixture
def shop(filled, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(filled))
    monkeypatch.setenv("HANDRAIL_HOME", str(filled / "home"))
    return filled


def variant_of(n):
    return assign(f"customer {n}", SHARES, "spring").variant


def predictions(n):
    """Return what both services answered about a customer: the shop by the assigned version, and the shadow."""
    at, assigned = START + timedelta(minutes=14.4 * n), assign(f"customer {n}", SHARES, "spring")
    name, likely = assigned.variant, 0.2 + 0.6 * (n % 2)
    yield Prediction(
        f"p{n}", f"deploy://x/shop/{name}", f"customer {n}", at, 0.5, 1, "", "", 4.0 + n % 3, name, assigned.propensity
    )
    yield Prediction(f"shadow{n}", "deploy://x/shadow/2", f"customer {n}", at, likely, int(likely > 0.5))


def said(n):
    """Return that of the challenger's customers one in four buys, else one in ten; the shadow knows what is true."""
    at = START + timedelta(minutes=14.4 * n, hours=3)
    if n % (4 if variant_of(n) == "challenger" else 10) == 0:
        yield Feedback(f"p{n}", "conversion", 1, "till", 0, at, at)
        yield Feedback(f"p{n}", "revenue", 19.99, "till", 0, at, at, unit="EUR")
    if n % 3 == 0:
        yield Feedback(f"p{n}", "rating", 2 + n % 2 if variant_of(n) == "challenger" else 4, "survey", 0, at, at)
    for name in (f"p{n}", f"shadow{n}"):
        yield Feedback(name, "truth", n % 2, "till", 0, at, at)


def run(*words, as_of=NOW):
    result = CliRunner().invoke(build(), ["feedback", "compare", "--as-of", as_of.isoformat(), *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


BOTH = ("--variants", "champion", "challenger")
BOUGHT = ("--kind", "conversion", "--metric", "conversion", *BOTH)


def test_a_split_by_assigned_variants_has_its_verdict(shop):
    answer = run(*BOUGHT, "--json")

    found = json.loads(answer.stdout)
    sizes = {name: sum(variant_of(n) == name for n in range(COUNT)) for name in SHARES}
    buyers = [variant_of(n) for n in range(COUNT) if any(event.kind == "conversion" for event in said(n))]
    bought = {name: buyers.count(name) for name in SHARES}
    assert (answer.exit_code, found["answer"], found["paired"]) == (0, "better", False)
    assert {name: found[name]["subjects"] for name in SHARES} == sizes
    assert {name: found[name]["mean"] for name in SHARES} == {name: bought[name] / sizes[name] for name in SHARES}
    assert found["arm_ratio_p"] > 0.001
    assert found["false_positives"]["rule"] <= 0.05 < found["false_positives"]["peeking"]


def test_a_person_reads_the_answer_and_what_it_rests_on(shop):
    said = run(*BOUGHT, "--design", "fixed_horizon", "--horizon", 1_200).stdout

    assert "The challenger is better. The gain in conversion is +0.1" in said
    assert "by naive peeking at the same looks" in said
    assert "fixed horizon, up to 1,200 subjects" in said


@pytest.mark.parametrize(
    ("words", "code", "answer"),
    [
        (("--variants", "challenger", "champion", "--kind", "conversion", "--metric", "conversion"), 3, "worse"),
        (("--kind", "truth", "--metric", "accuracy", "--matters", "0.1", *BOTH), 0, "no_difference"),
        (("--kind", "truth", "--metric", "brier", *BOTH), 5, "blocked"),
        ((*BOUGHT, "--until", "2026-05-02"), 5, "blocked"),
        ((*BOUGHT, "--shares", "0.7", "0.3"), 5, "blocked"),
        ((*BOUGHT, "--guardrail", "rating:mean_label:higher=0.2"), 3, "worse"),
        ((*BOUGHT, "--guardrail", "latency_ms=1", "--guardrail", "truth:accuracy=0.05"), 0, "better"),
        (("--kind", "revenue", "--metric", "revenue_per_prediction", "--matters", "1", *BOTH), 0, "better"),
        (("--kind", "revenue", "--metric", "cost_per_prediction", "--matters", "1", *BOTH), 3, "worse"),
        (("--kind", "rating", "--metric", "mean_label", "--better", "lower", "--matters", "0.1", *BOTH), 0, "better"),
    ],
)
def test_each_answer_has_its_exit_code(shop, words, code, answer):
    given = run(*words, "--json")

    assert (json.loads(given.stdout)["answer"], given.exit_code) == (answer, code)


def test_what_is_not_mature_yet_blocks(shop):
    early = START + timedelta(days=20)

    found = json.loads(run(*BOUGHT, "--until", "2026-05-21", "--json", as_of=early).stdout)

    assert found["blocked_by"] == ["immature"]
    assert "not mature" in found["sentence"]
    assert json.loads(run(*BOUGHT, "--json", as_of=early).stdout)["answer"] == "better", "the mature ones are enough"


def test_an_inconclusive_one_says_what_ends_it(shop):
    given = run("--kind", "conversion", "--metric", "conversion", *BOTH, "--until", "2026-05-06", "--matters", "0.001")

    assert given.exit_code == 4
    assert "more subjects an arm would end it if the gain stays as it is, about" in given.stdout


def test_a_shadow_is_compared_case_by_case(shop):
    uris = ("--deployments", "deploy://x/shop/champion", "deploy://x/shadow/2")

    answer = json.loads(run("--kind", "truth", "--metric", "brier", *uris, "--json").stdout)

    assert (answer["answer"], answer["paired"]) == ("better", True)
    assert answer["pairs"] == sum(variant_of(n) == "champion" for n in range(COUNT))
    assert answer["gain"]["value"] == pytest.approx(0.25 - 0.04)
    by_day = json.loads(run("--kind", "truth", "--metric", "brier", *uris, "--unit", "day", "--json").stdout)
    assert by_day["blocked_by"] == ["too_few"], "24 days are fewer than 30"


def test_what_is_recorded_is_read_by_name_and_replaced(shop):
    run(*BOUGHT, "--record", "spring")
    run(*BOUGHT, "--record", "spring", "--matters", "0.02")

    (found,) = read_comparisons(shop / "home")

    assert (found["name"], found["answer"], found["matters"]) == ("spring", "better", 0.02)
    assert found["challenger"]["deployments"] == ["deploy://x/shop/challenger"]


def test_a_file_that_is_no_comparison_is_left_out(tmp_path):
    write_comparison(tmp_path, "one", {"answer": "better"})
    for name, text in (("two", "{"), ("three", "[]"), ("four", '{"format": "else"}'), ("five", "\udcff")):
        (tmp_path / "comparisons" / f"{name}.json").write_text(text, errors="surrogateescape")

    assert [each["name"] for each in read_comparisons(tmp_path)] == ["one"]
    assert read_comparisons(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "x" * 65])
def test_a_name_that_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput, match="record"):
        write_comparison(tmp_path, name, {})


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--kind", "truth", "--metric", "brier"), "two variants or two deployments"),
        (("--kind", "truth", "--metric", "roc_auc", *BOTH), "'roc_auc' is no mean over predictions"),
        (("--kind", "rating", "--metric", "mean_label", *BOTH), "Say higher or lower"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--better", "left"), "Use higher or lower"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--design", "else"), "open_ended or fixed_horizon"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--guardrail", "latency"), "'latency' is no guardrail"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--guardrail", "brier=x"), "is no guardrail"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--alpha", "1"), "not between 0 and 1"),
        (("--kind", "truth", "--metric", "brier", "--variants", "a", "b"), "'a' made no prediction"),
        (("--kind", "truth", "--metric", "brier", *BOTH, "--from", "2026-06-01"), "not after the start"),
        (("--kind", "rating", "--metric", "brier", *BOTH), "labels 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(shop, words, problem):
    with pytest.raises(InvalidInput, match=problem):
        run(*words)


def test_a_kind_that_is_not_declared_is_named(shop):
    with pytest.raises(UnknownReference, match="Declared in config"):
        run("--kind", "else", "--metric", "brier", *BOTH)


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (1.3063e-05, -0.00034654, 0.000749, "+0.00001 (-0.00035 to +0.00075, positive is better)"),
        (0.123456, 0.1, 0.15, "+0.123 (+0.100 to +0.150, positive is better)"),
        (1234.5, 1100.0, 1400.0, "+1234 (+1100 to +1400, positive is better)"),
        (0.0, 0.0, 0.0, "+0.00000 (+0.00000 to +0.00000, positive is better)"),
        (None, None, None, "not known"),
        (0.5, None, None, "not known"),
    ],
)
def test_a_gain_has_as_many_digits_as_its_interval_deserves(value, low, high, words):
    assert _interval({"value": value, "low": low, "high": high}) == words
