"""Metrics of answers with confidence intervals, paired comparisons and shifts: one place for everybody who judges."""

from handrail.statistics.comparison import Answers, Comparison, compare, metric_named
from handrail.statistics.decisions import called_share, found_share, right_share
from handrail.statistics.delay import LabelDelay, label_delay
from handrail.statistics.metrics import METRICS_OF, Metric, judgeable, metrics_of
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate, weighted_mean
from handrail.statistics.shift import stability_index
from handrail.statistics.two_way import two_way_estimate
from handrail.statistics.weighting import Weights, effective_sample_size, horvitz_thompson_mean, inverse_probability

__all__ = [
    "METRICS_OF",
    "Answers",
    "Comparison",
    "Estimate",
    "Intervals",
    "LabelDelay",
    "Metric",
    "Scored",
    "Weights",
    "called_share",
    "compare",
    "draw_clusters",
    "effective_sample_size",
    "estimate",
    "found_share",
    "horvitz_thompson_mean",
    "inverse_probability",
    "judgeable",
    "label_delay",
    "metric_named",
    "metrics_of",
    "right_share",
    "stability_index",
    "two_way_estimate",
    "weighted_mean",
]
