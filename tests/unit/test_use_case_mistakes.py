"""Each mistake in config/use_case.yaml with its line, its key and its remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from handrail.errors import Misconfigured
from handrail.use_case import UseCase, read_use_case
from tests.fakes.parcels import OTHER_LABELS, PARCELS, line_of, of_kind, read

ROOT = Path(__file__).parents[2]


MISTAKES: dict[str, tuple[str, str, str]] = {
    "main of another kind": (
        "main: roc_auc",
        "main: mae",
        "'metrics.main' is 'mae', which does not judge a binary label. Write one of: ",
    ),
    "main that describes": (
        "main: roc_auc",
        "main: base_rate",
        "'metrics.main' is 'base_rate', which describes a binary label. Write one of: ",
    ),
    "limit of another kind": (
        "    log_loss: {",
        "    rmse: {",
        "'metrics.limits.rmse' limits what does not judge a binary label. Write one of: ",
    ),
    "a margin below zero": ("margin: 0.01", "margin: -1", "'metrics.margin' is -1, expected a number from 0.0 up."),
    "no subject in the request": (
        '  parcel: {type: text, example: "17"}',
        '  package: {type: text, example: "17"}',
        "'request' lacks 'parcel', which names what is asked about. Add that field.",
    ),
    "the label in the request": (
        "  fragile: {type: truth, example: false}",
        "  late: {type: truth, example: false}",
        "'request.late' is the label, which nobody knows yet. Remove it.",
    ),
    "an entity that nobody sends": (
        "entities: [depot, town]",
        "entities: [depot, city]",
        "'entities[1]' is 'city', which no request holds. Write one of: depot, fragile, ",
    ),
    "the label as an entity": (
        "entities: [depot, town]",
        "entities: [depot, late]",
        "'entities[1]' is 'late', the label, which nobody knows yet. Remove it.",
    ),
    "an entity twice": (
        "entities: [depot, town]",
        "entities: [depot, depot]",
        "'entities[1]' is 'depot', which is there already. Remove one of the two.",
    ),
    "the label as a slice": (
        "slices: [depot, pieces]",
        "slices: [depot, late]",
        "'slices[1]' is 'late', the label, which nobody knows yet. Remove it.",
    ),
    "a slice twice": (
        "slices: [depot, pieces]",
        "slices: [pieces, pieces]",
        "'slices[1]' is 'pieces', which is there already. Remove one of the two.",
    ),
    "a cluster that rows lack": (
        "cluster: sent_day",
        "cluster: day",
        "'cluster' is 'day', which no training row is sure to have. Write one of: depot, fragile, ",
    ),
    "the label as a cluster": ("cluster: sent_day", "cluster: late", "'cluster' is 'late', which no training row"),
    "a kind of feedback that cannot be named": (
        "feedback: arrival",
        "feedback: Arrival of it",
        "'label.feedback' is 'Arrival of it', expected a text that fits ^[a-z]",
    ),
    "one name for both sides": (
        "negative: in time",
        "negative: late",
        "'label.negative' is 'late', as 'positive' is. Give each its own name.",
    ),
    "no name of a side": ("  negative: in time\n", "", "'label.negative' is missing, which a binary label needs."),
    "a unit of a class": (
        "  feedback: arrival",
        "  unit: days",
        "'label.unit' belongs to regression and count, and the label is binary. Remove it.",
    ),
    "outcomes that end first": (
        'outcomes_until: "2026-06-03T00:00:00Z"',
        'outcomes_until: "2026-05-03T00:00:00Z"',
        "'replay.outcomes_until' is 2026-05-03T00:00:00Z, expected 2026-06-01T00:00:00Z or later, which is 'until'.",
    ),
    "no moment": ('until: "2026-06-01T00:00:00Z"', "until: soon", "'replay.until' is 'soon', expected an ISO 8601"),
    "no zone": ("day: sent_day", "zone: Berlin", "'time.zone' cannot be used: is 'Berlin', expected a time zone"),
    "a default that is no set": ("default: all", "default: best", "'features.default' cannot be used: is 'best'"),
    "an unknown key": ("version: 1", "version: 1\ncolour: red", "'colour' is unknown."),
    "bounds of a text": (
        "  town: {type: text, nullable: true}",
        "  town: {type: text, at_most: 3}",
        "'request.town.at_most' belongs to whole and number, and the field is a text. Remove it, or correct the type.",
    ),
    "a pattern of a number": (
        "weight: {type: number, at_least: 0",
        "weight: {type: number, pattern: a",
        "'request.weight.pattern' belongs to text, and the field is a number.",
    ),
    "bounds the wrong way round": (
        "pieces: {type: whole, at_least: 1",
        "pieces: {type: whole, at_least: 12",
        "'request.pieces.at_most' is 9, expected at least 12, which is 'at_least'.",
    ),
    "a broken pattern": ('pattern: "^[A-Z]+$"', 'pattern: "["', "'request.depot.pattern' is '[', expected a regular"),
    "a pattern that requests cannot be held against": (
        'pattern: "^[A-Z]+$"',
        'pattern: "^(?=N)[A-Z]+$"',
        "'request.depot.pattern' is '^(?=N)[A-Z]+$', expected a regular expression without look-around",
    ),
}


@pytest.mark.parametrize(("right", "wrong", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_sentence_with_its_line_its_key_and_a_remedy(
    tmp_path: Path, right: str, wrong: str, sentence: str
) -> None:
    assert PARCELS.count(right) == 1
    text = PARCELS.replace(right, wrong)
    place = wrong.splitlines()[-1] if wrong else "label:"
    line = line_of(text, "request:" if "'request' lacks" in sentence else place)

    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(f"config/use_case.yaml, line {line}: {sentence}")
    assert re.search(r"[^.]\. [A-Z].+[.?]$", str(caught.value))


EXAMPLES: dict[str, tuple[str, str, str]] = {
    "a number for a text": ('parcel: {type: text, example: "17"}', "17", "17, expected a text, in quotes"),
    "a day for a text": ('parcel: {type: text, example: "17"}', "2026-05-01", "a text, in quotes"),
    "a text that does not fit": (
        'depot: {type: text, pattern: "^[A-Z]+$", example: NORTH}',
        "north",
        "'north', expected a text that fits ^[A-Z]+$",
    ),
    "a text for a whole number": (
        "pieces: {type: whole, at_least: 1, at_most: 9, example: 2}",
        '"2"',
        "'2', expected a whole number",
    ),
    "a part for a whole number": (
        "pieces: {type: whole, at_least: 1, at_most: 9, example: 2}",
        "2.5",
        "2.5, expected a whole number",
    ),
    "a truth for a whole number": (
        "pieces: {type: whole, at_least: 1, at_most: 9, example: 2}",
        "true",
        "True, expected a whole number",
    ),
    "too little": (
        "pieces: {type: whole, at_least: 1, at_most: 9, example: 2}",
        "0",
        "0, expected a number from 1 up, which is 'at_least'",
    ),
    "too much": (
        "pieces: {type: whole, at_least: 1, at_most: 9, example: 2}",
        "10",
        "10, expected a number up to 9, which is 'at_most'",
    ),
    "a text for a number": ("weight: {type: number, at_least: 0, example: 2.5}", "heavy", "'heavy', expected a finite"),
    "a number without end": ("weight: {type: number, at_least: 0, example: 2.5}", ".inf", "expected a finite number"),
    "a number for a truth": ("fragile: {type: truth, example: false}", "0", "0, expected true or false"),
    "words for a moment": (
        'sent_at: {type: moment, example: "2026-05-01T08:00:00+02:00"}',
        "soon",
        "'soon', expected a moment with its zone",
    ),
    "a moment without a zone": (
        'sent_at: {type: moment, example: "2026-05-01T08:00:00+02:00"}',
        '"2026-05-01T08:00:00"',
        "'2026-05-01T08:00:00', expected a moment with its zone",
    ),
    "a list": ("fragile: {type: truth, example: false}", "[1]", "expected true or false"),
}


@pytest.mark.parametrize(("field", "example", "sentence"), EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_that_the_service_would_refuse_is_refused(
    tmp_path: Path, field: str, example: str, sentence: str
) -> None:
    assert PARCELS.count(field) == 1
    text = PARCELS.replace(field, re.sub(r"example: [^}]*}", f"example: {example}}}", field))
    name = field.partition(":")[0]

    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, text)

    line = line_of(text, f"  {name}: {{type")
    assert str(caught.value).startswith(f"config/use_case.yaml, line {line}: 'request.{name}.example' ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize("kind", OTHER_LABELS)
def test_costs_belong_to_a_binary_label(tmp_path: Path, kind: str) -> None:
    text = of_kind(kind) + "costs: {unit: euros, missed: 5, false_alarm: 1}\n"

    with pytest.raises(Misconfigured, match=rf"line {line_of(text, 'costs')}: 'costs' belongs to a binary label"):
        read(tmp_path, text)


def test_a_class_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    text = of_kind("multiclass").replace("[early, due, late]", "[early, due, early]")

    with pytest.raises(Misconfigured, match=r"'label.classes\[2\]' is 'early', which is there already"):
        read(tmp_path, text)


def test_classes_are_missing_where_they_are_needed(tmp_path: Path) -> None:
    text = of_kind("multiclass").replace("  classes: [early, due, late]\n", "")

    with pytest.raises(Misconfigured, match=r"line \d+: 'label.classes' is missing, which a multiclass label needs"):
        read(tmp_path, text)


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    text = PARCELS.replace("main: roc_auc", "main: mae").replace("cluster: sent_day", "cluster: day")

    with pytest.raises(Misconfigured, match=r"'metrics.main' is 'mae'.* \(and 1 more\)"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("kinds", "remedy"), [("{claim: {maturity_window_hours: 1}}", "Write one of: claim."), ("{}", "Declare it there.")]
)
def test_a_kind_of_feedback_that_is_not_declared_is_refused(tmp_path: Path, kinds: str, remedy: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(f"version: 1\nkinds: {kinds}\n")

    with pytest.raises(Misconfigured) as caught:
        read(tmp_path)

    assert str(caught.value) == (
        f"config/use_case.yaml, line {line_of(PARCELS, 'feedback:')}: 'label.feedback' is 'arrival', "
        f"which config/feedback.yaml does not declare. {remedy}"
    )


def test_a_kind_of_feedback_that_is_declared_is_taken(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text("version: 1\nkinds: {arrival: {maturity_window_hours: 1}}\n")

    assert read(tmp_path).label.feedback == "arrival"


def test_what_is_wrong_elsewhere_is_not_reported_as_a_mistake_of_the_description(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text("version: 1\nkinds: soon\n")

    assert read(tmp_path).name == "parcels"


def test_a_description_made_in_code_is_checked_too() -> None:
    from pydantic import ValidationError

    values: dict[str, Any] = read_use_case(ROOT).model_dump() | {"cluster": "nowhere"}

    with pytest.raises(ValidationError, match="no training row is sure to have"):
        UseCase.model_validate(values)
