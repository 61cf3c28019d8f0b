"""Metrics of answers with confidence intervals, paired comparisons and shifts: one place for everybody who judges."""

from handrail.statistics.arm_ratio import BLOCKING_P, arm_ratio_p_value
from handrail.statistics.calibration import Calibration, calibrate
from handrail.statistics.change import budget_level, evidence_of_change, named_by_ebh
from handrail.statistics.comparison import Answers, Comparison, compare, metric_named
from handrail.statistics.decisions import called_share, found_share, right_share
from handrail.statistics.delay import LabelDelay, label_delay
from handrail.statistics.differences import (
    Arm,
    Difference,
    arm_of_values,
    at_looks,
    difference_of_means,
    difference_of_proportions,
    paired_difference,
)
from handrail.statistics.disparity import RATES_OF, Disparity, Rate, disparities, names_of_disparity
from handrail.statistics.expected import (
    ESTIMATED,
    Hindsight,
    compare_in_hindsight,
    design_effect,
    estimate_change,
    estimate_performance,
    expected_rows,
)
from handrail.statistics.labels_worth_buying import draw_for_labelling, label_uncertainty, labelling_propensity
from handrail.statistics.metrics import METRICS_OF, Metric, judgeable, metrics_of
from handrail.statistics.open_ended import OpenEnded, lower_bound, tau_narrowest_at
from handrail.statistics.prediction_powered import (
    PartlyLabelled,
    Powered,
    prediction_powered_difference,
    prediction_powered_mean,
)
from handrail.statistics.rate import rate_evidence
from handrail.statistics.running import Running
from handrail.statistics.scored import Estimate, Intervals, Scored, draw_clusters, estimate, weighted_mean
from handrail.statistics.shift import stability_index
from handrail.statistics.simulation import Experiment, Rule, Simulation, simulate, simulate_false_positives
from handrail.statistics.spending import FixedHorizon, spending_bounds
from handrail.statistics.two_way import two_way_estimate
from handrail.statistics.unit_summaries import Summaries, summarise_categories, summarise_numbers
from handrail.statistics.verdict import Checks, Guardrail, Verdict, guardrail, judge
from handrail.statistics.weighting import Weights, effective_sample_size, horvitz_thompson_mean, inverse_probability

__all__ = [
    "BLOCKING_P",
    "ESTIMATED",
    "METRICS_OF",
    "RATES_OF",
    "Answers",
    "Arm",
    "Calibration",
    "Checks",
    "Comparison",
    "Difference",
    "Disparity",
    "Estimate",
    "Experiment",
    "FixedHorizon",
    "Guardrail",
    "Hindsight",
    "Intervals",
    "LabelDelay",
    "Metric",
    "OpenEnded",
    "PartlyLabelled",
    "Powered",
    "Rate",
    "Rule",
    "Running",
    "Scored",
    "Simulation",
    "Summaries",
    "Verdict",
    "Weights",
    "arm_of_values",
    "arm_ratio_p_value",
    "at_looks",
    "budget_level",
    "calibrate",
    "called_share",
    "compare",
    "compare_in_hindsight",
    "design_effect",
    "difference_of_means",
    "difference_of_proportions",
    "disparities",
    "draw_clusters",
    "draw_for_labelling",
    "effective_sample_size",
    "estimate",
    "estimate_change",
    "estimate_performance",
    "evidence_of_change",
    "expected_rows",
    "found_share",
    "guardrail",
    "horvitz_thompson_mean",
    "inverse_probability",
    "judge",
    "judgeable",
    "label_delay",
    "label_uncertainty",
    "labelling_propensity",
    "lower_bound",
    "metric_named",
    "metrics_of",
    "named_by_ebh",
    "names_of_disparity",
    "paired_difference",
    "prediction_powered_difference",
    "prediction_powered_mean",
    "rate_evidence",
    "right_share",
    "simulate",
    "simulate_false_positives",
    "spending_bounds",
    "stability_index",
    "summarise_categories",
    "summarise_numbers",
    "tau_narrowest_at",
    "two_way_estimate",
    "weighted_mean",
]
