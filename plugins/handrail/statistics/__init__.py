"""Metrics of answers with confidence intervals, paired comparisons and shifts: one place for everybody who judges."""

from handrail.statistics.comparison import Answers, Comparison, compare, metric_named
from handrail.statistics.decisions import called_share, found_share, right_share
from handrail.statistics.metrics import METRICS_OF, Metric, judgeable, metrics_of
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate, weighted_mean
from handrail.statistics.shift import stability_index

__all__ = [
    "METRICS_OF",
    "Answers",
    "Comparison",
    "Estimate",
    "Intervals",
    "Metric",
    "Scored",
    "called_share",
    "compare",
    "draw_clusters",
    "estimate",
    "found_share",
    "judgeable",
    "metric_named",
    "metrics_of",
    "right_share",
    "stability_index",
    "weighted_mean",
]
