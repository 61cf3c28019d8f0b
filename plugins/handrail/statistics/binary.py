"""Metrics of probabilities of a binary outcome; each takes (draws, clusters) weights and returns (draws,) values."""

from __future__ import annotations

import numpy as np

from handrail.statistics.scored import Scored, weighted_mean

ROWS_AT_ONCE = 2_000_000
SMALLEST = 1e-15
LARGEST_TABLE = 1000
FEW_CLUSTERS = 100


def roc_auc(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve; ties count one half.

    The area is a sum over pairs of a positive and a negative, so that one (clusters, clusters) table of concordant
    pairs answers every draw exactly: w'Aw / (w'P)(w'N). That table would not fit for a thousand clusters and more, so
    there each draw goes through the rows instead. NaN where one outcome was not drawn.
    """
    if scored.clusters > LARGEST_TABLE:
        return _area_by_rows(scored, weights)
    positive, negative = scored.summed(scored.label == 1), scored.summed(scored.label != 1)
    concordant = ((weights @ _concordant_pairs(scored)) * weights).sum(axis=1)
    pairs = (weights @ positive) * (weights @ negative)
    area: np.ndarray = np.divide(concordant, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return area


def _concordant_pairs(scored: Scored) -> np.ndarray:
    """Count pairs with the positive of cluster i scored above the negative of cluster j: (clusters, clusters)."""
    level = np.unique(scored.score, return_inverse=True)[1]
    levels = int(level.max()) + 1
    is_positive = scored.label == 1
    positive_level, positive_cluster = level[is_positive], scored.cluster[is_positive]
    weight = scored.weighed(np.ones(len(level)))
    table = np.empty((scored.clusters, scored.clusters))
    for cluster in range(scored.clusters):
        negative = ~is_positive & (scored.cluster == cluster)
        here = np.bincount(level[negative], weights=weight[negative], minlength=levels)
        below = (np.cumsum(here) - 0.5 * here)[positive_level] * weight[is_positive]
        table[:, cluster] = np.bincount(positive_cluster, weights=below, minlength=scored.clusters)
    return table


def _area_by_rows(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the same area by adding up, at each score, the positives times the negatives below."""
    order = np.argsort(scored.score, kind="stable")
    positive, negative = scored.weighed(scored.label == 1)[order], scored.weighed(scored.label != 1)[order]
    cluster, score = scored.cluster[order], scored.score[order]
    starts = np.r_[0, np.flatnonzero(np.diff(score)) + 1]
    values = np.empty(len(weights))
    step = max(1, ROWS_AT_ONCE // len(order))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step][:, cluster]
        above = np.add.reduceat(drawn * positive, starts, axis=1)
        below = np.add.reduceat(drawn * negative, starts, axis=1)
        pairs = above.sum(axis=1) * below.sum(axis=1)
        concordant = (above * (np.cumsum(below, axis=1) - 0.5 * below)).sum(axis=1)
        values[start : start + step] = np.divide(concordant, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return values


def average_precision(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the average precision, ties taken together; NaN where no positive was drawn.

    What is found and called at each score is a sum over clusters, so that a table of clusters by scores answers every
    draw in two matrix products. That is quicker than going through the rows as long as there are few clusters.
    """
    order = np.argsort(-scored.score, kind="stable")
    positive, every = scored.weighed(scored.label == 1)[order], scored.weighed(np.ones(len(order)))[order]
    cluster, score = scored.cluster[order], scored.score[order]
    last_of_tie = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    # A score without a positive adds nothing.
    total = np.cumsum(positive)[last_of_tie]
    last_of_tie = last_of_tie[np.diff(total, prepend=0.0) > 0]
    if scored.clusters <= FEW_CLUSTERS:
        tables = [_reached(of_rows, cluster, scored.clusters, last_of_tie) for of_rows in (positive, every)]
        return _precisions(weights, (tables[0], tables[1]))
    values = np.empty(len(weights))
    step = max(1, ROWS_AT_ONCE // len(order))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step][:, cluster]
        found = np.cumsum(drawn * positive, axis=1)[:, last_of_tie]
        called = np.cumsum(drawn * every, axis=1)[:, last_of_tie]
        values[start : start + step] = _mean_precision(found, called)
    return values


def _reached(of_rows: np.ndarray, cluster: np.ndarray, clusters: int, until: np.ndarray) -> np.ndarray:
    """Add up `of_rows` (n,) of each cluster until each of these places: (clusters, places)."""
    table = np.empty((clusters, len(until)))
    for code in range(clusters):
        table[code] = np.cumsum(of_rows * (cluster == code))[until]
    return table


def _precisions(weights: np.ndarray, tables: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    values = np.empty(len(weights))
    step = max(1, ROWS_AT_ONCE // max(1, tables[0].shape[1]))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step]
        values[start : start + step] = _mean_precision(drawn @ tables[0], drawn @ tables[1])
    return values


def _mean_precision(found: np.ndarray, called: np.ndarray) -> np.ndarray:
    """Return the precision at each score, weighed by what is found there; both are (draws, scores), adding up."""
    if not found.shape[1]:
        return np.full(len(found), np.nan)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    gained = np.diff(found, axis=1, prepend=0.0)
    total = found[:, -1]
    mean: np.ndarray = np.divide(
        (precision * gained).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return mean


def log_loss(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean negative log likelihood; a probability of 0 or 1 counts as 1e-15 away from it."""
    return weighted_mean(log_losses(scored), scored, weights)


def log_losses(scored: Scored) -> np.ndarray:
    """Return the negative log likelihood of each row."""
    clipped = np.clip(scored.score.astype(np.float64), SMALLEST, 1 - SMALLEST)
    losses: np.ndarray = -np.where(scored.label == 1, np.log(clipped), np.log1p(-clipped))
    return losses


def brier(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the mean squared distance of probability and outcome."""
    return weighted_mean((scored.score - scored.label) ** 2, scored, weights)


def base_rate(scored: Scored, weights: np.ndarray) -> np.ndarray:
    """Return the share of positives."""
    return weighted_mean(scored.label, scored, weights)
