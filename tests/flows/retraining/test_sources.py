"""Which sources are learned from: honest ones, however bad the days and the champion; and not one that lies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.steps.retraining.sources import SourceRules, check_sources, reasons_against
from handrail.feedback import SourcedLabels

START = datetime(2026, 9, 1, tzinfo=UTC)
ROWS, DAYS = 6000, 30
Values = NDArray[np.float64]


def world(seed: int, rows: int = ROWS) -> tuple[np.random.Generator, Values, Values, Values]:
    """Return days, scores and true labels: days differ, and the champion is off by as much again."""
    draw = np.random.default_rng(seed)
    day = draw.integers(0, DAYS, rows)
    logit = draw.normal(-1.3, 1.0, rows)
    truth = draw.random(rows) < 1 / (1 + np.exp(-(1.3 * logit + 0.4 + draw.normal(0, 0.8, DAYS)[day])))
    return draw, day, 1 / (1 + np.exp(-logit)), truth.astype(float)


def labels_of(
    day: Values, score: Values, label: Values, source: list[str], contradicts: list[str] | None = None
) -> SourcedLabels:
    at = tuple(START + timedelta(days=int(each)) for each in day)
    predicted = tuple((score > 0.5).astype(int).tolist())
    others = tuple(contradicts or [""] * len(at))
    return SourcedLabels(at, tuple(score), predicted, tuple(label), tuple(source), others)


def by_share(draw: np.random.Generator, rows: int, shares: dict[str, float]) -> list[str]:
    return list(draw.choice(list(shares), rows, p=list(shares.values())))


def test_honest_sources_are_hardly_ever_refused() -> None:
    """The stated chance is 0.001 a check: of 300, more than 3 would be refused once in ten thousand times."""
    refused = 0
    for seed in range(300):
        draw, day, score, truth = world(seed)
        source = by_share(draw, ROWS, {"a": 0.6, "b": 0.35, "c": 0.05})
        refused += bool(check_sources(labels_of(day, score, truth, source), "binary", SourceRules()).distrusted)
    assert refused <= 3


ATTACKS = {
    "flipped": lambda label, _: 1 - label,
    "all late": lambda label, _: np.ones_like(label),
    "never late": lambda label, _: np.zeros_like(label),
    "flipped where the champion is sure": lambda label, score: np.where(score < 0.2, 1 - label, label),
    "drawn": lambda label, _: (np.random.default_rng(0).random(len(label)) < 0.5).astype(float),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("seed", range(5))
def test_five_percent_of_adversarial_labels_are_found_and_their_source_is_named(attack: str, seed: int) -> None:
    draw, day, score, truth = world(seed)
    source = by_share(draw, ROWS, {"a": 0.6, "b": 0.35, "liar": 0.05})
    lies = np.array(source) == "liar"
    label = np.where(lies, ATTACKS[attack](truth, score), truth)

    report = check_sources(labels_of(day, score, label, source), "binary", SourceRules())

    assert [each.source for each in report.distrusted] == ["liar"]
    assert "'liar' are not as other sources'" in reasons_against(report)[0]


def test_a_source_that_lies_in_a_fifth_of_its_labels_is_found() -> None:
    draw, day, score, truth = world(1, 20_000)
    source = by_share(draw, len(day), {"a": 0.75, "b": 0.25})
    lies = (np.array(source) == "b") & (draw.random(len(day)) < 0.2)

    report = check_sources(labels_of(day, score, np.where(lies, 1 - truth, truth), source), "binary", SourceRules())

    assert [each.source for each in report.distrusted] == ["b"]
    assert 0.05 < report.distrusted[0].differ < 0.25


def test_numbers_and_classes_are_compared_too() -> None:
    draw, day, score, _ = world(2)
    source = by_share(draw, ROWS, {"a": 0.6, "b": 0.35, "liar": 0.05})
    lies = np.array(source) == "liar"
    number = score * 100 + draw.normal(0, 5, ROWS)
    of_class = (score > 0.5).astype(float)

    wrong = labels_of(day, score * 100, np.where(lies, number + 10, number), source)
    other = labels_of(
        day, score, np.where(lies, 2.0, np.where(draw.random(ROWS) < 0.2, 1 - of_class, of_class)), source
    )

    for found in (check_sources(wrong, "regression", SourceRules()), check_sources(other, "multiclass", SourceRules())):
        assert [each.source for each in found.distrusted] == ["liar"]


def test_a_source_that_overrules_another_one_is_named() -> None:
    _, day, score, truth = world(3)
    lies = np.arange(ROWS) % 20 == 0
    source = np.where(lies, "liar", "a").tolist()
    contradicts = np.where(lies, "a", "").tolist()

    report = check_sources(labels_of(day, score, truth, source, contradicts), "binary", SourceRules())

    assert report.distrusted[0].sentence == "100.0% of the 300 labels of 'liar' overruled what another source said."


def test_who_is_named_as_trusted_is_learned_from() -> None:
    draw, day, score, truth = world(4)
    source = by_share(draw, ROWS, {"a": 0.95, "tower": 0.05})
    label = np.where(np.array(source) == "tower", 1 - truth, truth)

    report = check_sources(labels_of(day, score, label, source), "binary", SourceRules(trusted=("tower",)))

    assert not report.distrusted
    assert reasons_against(report) == ()


def test_one_source_alone_and_no_label_at_all_are_let_through() -> None:
    _, day, score, truth = world(5)

    assert not check_sources(labels_of(day, score, truth, ["a"] * ROWS), "binary", SourceRules()).distrusted
    assert check_sources(labels_of(day[:0], score[:0], truth[:0], []), "binary", SourceRules()).checks == ()
