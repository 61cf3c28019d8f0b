"""The kinds of label: each is of one of two sorts, and each has metrics that judge it."""

from handrail.label_kinds import CLASSIFIED, KINDS, NUMERIC
from handrail.statistics import METRICS_OF


def test_a_label_is_a_class_or_a_number():
    assert sorted(CLASSIFIED + NUMERIC) == sorted(KINDS)


def test_each_kind_is_judged_by_metrics_of_its_own():
    assert tuple(METRICS_OF) == KINDS
    assert all(METRICS_OF.values())
