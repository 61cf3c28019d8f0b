"""What happens to a model's answers under values that it never saw, values that are missing, and small chosen changes.

A chosen change is plausible: within the values that the rows have, by a small step in a direction that may happen, and
at most a few features of a row at once. A greedy search takes the change that brings the answer nearest to another one,
so what it finds is a lower bound of what somebody could do with such changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.steps.modelling.perturb import Probe, spread_of
from handrail.statistics import Answers, Intervals, Scored, draw_clusters, estimate, weighted_mean
from handrail.use_case import Moves

Move = tuple[int, int]
"""The place of a feature, and whether it goes down (0) or up (1)."""
SCATTERED = (0.05, 0.2)
LEAST_WHOLE = 0.5
"""A whole number moves by one where the step is at least half of it; else it does not move at all."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """The rows of a probe to change, `cluster` (n,) of each, and which changes are plausible."""

    probe: Probe
    cluster: np.ndarray
    moves: Moves

    @property
    def steps(self) -> np.ndarray:
        """How far each feature may move, (f, 2) down and up: 0 where it may not."""
        probe, moves = self.probe, self.moves
        names = np.array(probe.features)
        size = np.where(probe.coded | np.isin(names, moves.fixed), 0.0, moves.step * spread_of(probe.encoded))
        whole = np.array([_is_whole(column) for column in probe.encoded.T])
        size = np.where(whole, np.where(size < LEAST_WHOLE, 0.0, np.maximum(1.0, np.floor(size))), size)
        return np.stack(
            [np.where(np.isin(names, moves.up), 0.0, size), np.where(np.isin(names, moves.down), 0.0, size)], 1
        )


def _is_whole(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return bool((known == np.floor(known)).all())


def unseen(probe: Probe) -> dict[str, dict[str, float]]:
    """Return the effect of a value that training never saw, of each category alone and of all at once.

    The encoder gives such a value no code, as it does where a value is missing.
    """
    undisturbed = probe.answer(probe.encoded)
    names = [name for name, coded in zip(probe.features, probe.coded, strict=True) if coded]
    cases = {name: [name] for name in names} | ({"all": names} if len(names) > 1 else {})
    found = {}
    for case, of in cases.items():
        blank = np.isin(np.array(probe.features), of)
        found[case] = probe.effect(np.where(blank, np.nan, probe.encoded), undisturbed)
    return found


def scattered(probe: Probe) -> dict[str, dict[str, float]]:
    """Return the effect of a share of all values missing, here and there."""
    undisturbed, found = probe.answer(probe.encoded), {}
    for share in SCATTERED:
        away = np.random.default_rng(probe.seed).random(probe.encoded.shape) < share
        found[f"{share:g}"] = probe.effect(np.where(away, np.nan, probe.encoded), undisturbed)
    return found


def attack(attacked: Attacked, intervals: Intervals) -> dict[str, Any]:
    """Search for each row a few small changes that give another answer.

    Returns:
        `rows`; for decisions `flippable`, the share of rows whose decision such changes turn, with `_low` and `_high`
        over drawn clusters, and `flipped_by_chance`, the share under as many moves that are drawn; for numbers `change`
        and `change_by_chance`, the mean absolute change.
    """
    probe, steps = attacked.probe, attacked.steps
    before = probe.answer(probe.encoded)
    chosen = probe.answer(_worst_of(probe, steps, before, attacked.moves.most))
    drawn = probe.answer(_by_chance(probe, steps, attacked.moves.most))
    is_number = probe.judge.labels(before) is None
    name, by_chance = ("change", "change_by_chance") if is_number else ("flippable", "flipped_by_chance")
    found, accident = (_changed(probe, before, after) for after in (chosen, drawn))
    scored = Scored(found, probe.label, np.unique(attacked.cluster, return_inverse=True)[1])
    value = estimate(weighted_mean(found, scored, draw_clusters(scored.clusters, intervals))).as_dict()
    ends = {f"{name}{end}": value[key] for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))}
    return {"rows": len(found), **ends, by_chance: round(float(accident.mean()), 9)}


def _changed(probe: Probe, before: Answers, after: Answers) -> np.ndarray:
    """Return of each row whether its decision is another one, or by how much its number is."""
    old, new = probe.judge.labels(before), probe.judge.labels(after)
    if old is None or new is None:
        change: np.ndarray = np.abs(np.asarray(after.score) - np.asarray(before.score))
        return change
    return np.asarray(old != new, dtype=np.float64)


def _worst_of(probe: Probe, steps: np.ndarray, before: Answers, most: int) -> np.ndarray:
    """Return the rows after at most so many moves each, every feature once: each time the one that leads furthest."""
    rows, used = probe.encoded.copy(), np.zeros(probe.encoded.shape, dtype=bool)
    best = _distance(probe, before, before)
    moves = [(place, side) for place, side in np.ndindex(*steps.shape) if steps[place, side] > 0]
    for _ in range(most if moves else 0):
        left = _after_each(probe, rows, before, steps, moves)
        left[used[:, [place for place, _ in moves]].T] = np.inf
        chosen, nearest = left.argmin(axis=0), left.min(axis=0)
        for number, (place, side) in enumerate(moves):
            turned = (nearest < best) & (chosen == number)
            rows[turned] = _moved(probe, rows[turned], steps, (place, side))
            used[turned, place] = True
        best = np.minimum(best, nearest)
    return rows


def _after_each(
    probe: Probe, rows: np.ndarray, before: Answers, steps: np.ndarray, moves: Sequence[Move]
) -> np.ndarray:
    """Return how far each row is from another answer after each move, (moves, n); the model is asked once."""
    after = probe.answer(np.concatenate([_moved(probe, rows, steps, move) for move in moves]))
    each = (np.split(np.asarray(of), len(moves)) if of is not None else moves for of in (after.score, after.predicted))
    return np.stack(
        [
            _distance(probe, before, Answers(score, None if after.predicted is None else decided))
            for score, decided in zip(*each, strict=True)
        ]
    )


def _distance(probe: Probe, before: Answers, after: Answers) -> np.ndarray:
    """Return how far each answer is from another one than before, the less the nearer."""
    old, new = probe.judge.labels(before), probe.judge.labels(after)
    score = np.asarray(after.score, dtype=np.float64)
    if old is None or new is None:
        return np.asarray(-np.abs(score - np.asarray(before.score)))
    if probe.judge.threshold is not None:
        return np.where(old, score, -score)
    return np.where(old == new, score, -1.0)


def _moved(probe: Probe, rows: np.ndarray, steps: np.ndarray, move: Move) -> np.ndarray:
    """Return the rows with one feature moved, within the values that the probe's rows have."""
    place, side = move
    known = probe.encoded[:, place][~np.isnan(probe.encoded[:, place])]
    after = rows.copy()
    to = after[:, place] + (steps[place, 1] if side else -steps[place, 0])
    after[:, place] = np.clip(to, known.min(), known.max()) if len(known) else to
    return after


def _by_chance(probe: Probe, steps: np.ndarray, most: int) -> np.ndarray:
    """Return the rows after so many moves each that are drawn."""
    source, rows = np.random.default_rng(probe.seed), probe.encoded.copy()
    moves = [move for move in np.ndindex(*steps.shape) if steps[move] > 0]
    if not moves:
        return rows
    order = np.stack([source.permutation(len(moves)) for _ in range(len(rows))])[:, :most]
    for drawn in order.T:
        for number, (place, side) in enumerate(moves):
            turned = drawn == number
            rows[turned] = _moved(probe, rows[turned], steps, (place, side))
    return rows
