"""What config/feedback.yaml may say."""

from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import InvalidInput, Misconfigured
from handrail.feedback.adapters.yaml_kinds import read_kinds
from tests.fakes.feedback import GROUND_TRUTH

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "feedback.yaml"


def test_the_shipped_file_declares_the_truth_about_flights():
    assert read_kinds(SHIPPED) == {"ground_truth": GROUND_TRUTH}


def test_without_a_file_no_kind_is_declared(tmp_path):
    assert read_kinds(tmp_path / "feedback.yaml") == {}


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
