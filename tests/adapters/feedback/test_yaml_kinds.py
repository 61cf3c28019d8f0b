"""What config/feedback.yaml may say."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import InvalidInput, Misconfigured
from handrail.feedback.adapters.yaml_kinds import read_kinds
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "feedback.yaml"


def test_the_shipped_file_declares_the_truth_about_flights_what_passengers_say_and_what_it_costs():
    kinds, two_days = read_kinds(SHIPPED), timedelta(hours=48)

    truth = replace(GROUND_TRUTH, clock_skew=two_days, matching="all", late_after=timedelta(hours=12))
    assert kinds.pop("ground_truth") == truth
    rating, cost = kinds.pop("rating"), kinds.pop("rebooking_cost")
    assert (rating.at_least, rating.at_most, rating.whole, rating.absence_means) == (1, 5, True, None)
    assert (cost.unit, cost.aggregation, cost.absence_means, cost.sources) == ("USD", "sum", 0, ("billing",))
    assert kinds == {}


def test_without_a_file_no_kind_is_declared(tmp_path):
    assert read_kinds(tmp_path / "feedback.yaml") == {}


@pytest.mark.parametrize("more", ["values: [1]", "whole: true", "unit: USD", "at_most: 5", "absence_means: 0"])
def test_a_review_is_a_text_and_has_nothing_of_a_number(tmp_path, more):
    file = tmp_path / "feedback.yaml"
    file.write_text("version: 1\nkinds: {review: {type: review, maturity_window_hours: 1}}")
    assert read_kinds(file)["review"].is_text
    file.write_text(f"version: 1\nkinds: {{review: {{type: review, maturity_window_hours: 1, {more}}}}}")

    with pytest.raises(Misconfigured, match="a review is a text"):
        read_kinds(file)


def test_only_the_window_must_be_given(tmp_path):
    file = tmp_path / "feedback.yaml"
    file.write_text("version: 1\nkinds: {rating: {maturity_window_hours: 0.5, absence_means: 0}}")

    kind = read_kinds(file)["rating"]

    assert (kind.maturity_window, kind.absence_means, kind.values) == (timedelta(minutes=30), 0.0, ())
    assert (kind.subject_column, kind.label_column) == ("subject", "label")


def test_a_kind_may_be_money(tmp_path):
    file = tmp_path / "feedback.yaml"
    file.write_text("version: 1\nkinds: {revenue: {maturity_window_hours: 24, unit: EUR}}")

    assert read_kinds(file)["revenue"].unit == "EUR"


@pytest.mark.parametrize(
    ("rules", "allowed", "refused", "said"),
    [
        ("at_least: 0, whole: true", [0, 17, 1e6], [-3.5, -4, 2.5], "Write a whole number from 0 on."),
        ("at_least: 0", [0, 2.5], [-0.001], "Write a number from 0 on."),
        ("at_most: 10", [-7, 10], [10.5], "Write a number up to 10."),
        ("at_least: 1, at_most: 5, whole: true", [1, 5], [0, 6, 3.5], "Write a whole number from 1 to 5."),
        ("whole: true", [-4, 4], [0.5], "Write a whole number."),
    ],
)
def test_a_kind_may_be_bounded_and_whole(tmp_path, rules, allowed, refused, said):
    file = tmp_path / "feedback.yaml"
    file.write_text(f"version: 1\nkinds: {{calls: {{maturity_window_hours: 24, {rules}}}}}")

    kind = read_kinds(file)["calls"]

    for value in (*allowed, None):
        kind.check(value)
    for value in refused:
        with pytest.raises(InvalidInput) as refusal:
            kind.check(value)
        assert str(refusal.value) == f"value: {value!r} is not a calls. {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'version' is missing"),
        ("version: 2\nkinds: {}", "version"),
        ("version: 1", "'kinds' is missing"),
        ("version: 1\nkinds: {a: {}}", r"kinds\.a\.maturity_window_hours' is missing"),
        ("version: 1\nkinds: {a: {maturity_window_hours: 0}}", r"kinds\.a\.maturity_window_hours"),
        (
            "version: 1\nkinds: {a: {maturity_window_hours: 1, absence_mean: 0}}",
            r"kinds\.a\.absence_mean' is unknown. Did you mean 'absence_means'",
        ),
        ("version: 1\nkinds: {a: {maturity_window_hours: 1, absence_means: .nan}}", "absence_means"),
        ("version: 1\nkinds: {a: {maturity_window_hours: 1, unit: euro}}", r"kinds\.a\.unit"),
        (
            "version: 1\nkinds: {a: {maturity_window_hours: 1, at_least: 2, at_most: 1}}",
            "at_least 2 is above at_most 1",
        ),
        ("version: 1\nkinds: {a: {maturity_window_hours: 1, values: [1], whole: true}}", "have no place beside them"),
        ("version: 1\nkinds: {A b: {maturity_window_hours: 1}}", "A b"),
        ("version: [", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path, text, said):
    file = tmp_path / "feedback.yaml"
    file.write_text(text)

    with pytest.raises(Misconfigured, match=said) as refusal:
        read_kinds(file)

    assert str(file) in str(refusal.value)


def of(tmp_path, rules):
    file = tmp_path / "feedback.yaml"
    file.write_text(f"version: 1\nkinds: {{it: {{maturity_window_hours: 24, {rules}}}}}")
    return read_kinds(file)["it"]


def test_a_type_fills_in_what_is_not_said(tmp_path):
    assert (of(tmp_path, "type: conversion").values, of(tmp_path, "type: conversion").absence_means) == ((0, 1), 0)
    assert of(tmp_path, "type: conversion, absence_means: unknown").absence_means is None
    assert of(tmp_path, "type: revenue, unit: USD").aggregation == "sum"
    assert of(tmp_path, "type: revenue, unit: USD, aggregation: last").aggregation == "last"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("type: revenue", "a revenue needs its currency"),
        ("type: rating, at_least: 1", "a rating needs its scale"),
        ("type: survey", "a survey needs its scale"),
        ("type: revenue, unit: USD, matching: all", "would count once for each prediction"),
        ("type: applause", "type"),
        ("matching: every", "matching"),
        ("aggregation: median", "aggregation"),
        ("clock_skew_hours: -1", "clock_skew_hours"),
        ("late_after_hours: 0", "late_after_hours"),
    ],
)
def test_a_kind_that_cannot_be_is_refused_by_name(tmp_path, rules, problem):
    with pytest.raises(Misconfigured, match=problem):
        of(tmp_path, rules)


def test_a_kind_says_who_may_report_it_and_what_clock_it_trusts(tmp_path):
    kind = of(tmp_path, "sources: [shop, desk], clock_skew_hours: 2, late_after_hours: 48, unit: EUR")
    now = GO_LIVE

    kind.check_source("desk")
    kind.check_unit("")
    kind.check_unit("EUR")
    kind.check_moment(now + timedelta(hours=2), now)
    assert kind.late_after == timedelta(hours=48)
    with pytest.raises(InvalidInput, match="'thief' may not report a it. Those who may: shop, desk"):
        kind.check_source("thief")
    with pytest.raises(InvalidInput, match="no unit 'USD'. Send amounts in EUR"):
        kind.check_unit("USD")
    with pytest.raises(InvalidInput, match="lies 262,968 h after it was received"):
        kind.check_moment(now + timedelta(days=10957), now)
