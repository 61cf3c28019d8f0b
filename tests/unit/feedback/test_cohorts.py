"""Which label a prediction has, when it may be judged, and how much of a cohort that covers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback.domain.material import Scope
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_log, a_prediction, an_outcome

DAY = timedelta(days=1)
MONTH = (GO_LIVE, GO_LIVE + 31 * DAY)


def a_cohort(log, as_of=GO_LIVE + 60 * DAY, kind="ground_truth", deployment=None):
    return log.cohort(deployment, kind, *MONTH, as_of)


def test_rows_are_ordered_by_time_whatever_the_order_of_arrival():
    log = a_log()
    predictions = [a_prediction(number) for number in (3, 1, 2)]
    log.record_predictions(predictions)

    cohort = a_cohort(log)

    assert cohort.made_at == tuple(a_prediction(number).made_at for number in (1, 2, 3))
    assert cohort.prediction_id == tuple(a_prediction(number).prediction_id for number in (1, 2, 3))
    assert cohort.columns().keys() == {
        "prediction_id", "subject", "deployment", "made_at", "score", "predicted", "latency_ms", "label", "revision",
        "mature", "variant", "propensity", "sampled",
    }  # fmt: skip


def test_the_highest_revision_is_current_even_if_it_came_first():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])

    log.record_feedback([an_outcome(prediction, 0.0, revision=2)])
    log.record_feedback([an_outcome(prediction, 1.0, revision=1)])

    assert (a_cohort(log).label, a_cohort(log).revision) == ((0.0,), (2,))


def test_among_equal_revisions_the_later_occurrence_wins_then_the_greater_id():
    log, prediction = a_log(), a_prediction()
    early = an_outcome(prediction, 1.0, event_id="z")
    late = replace(early, value=0.0, occurred_at=early.occurred_at + DAY, event_id="b")
    rival = replace(late, value=1.0, event_id="c")
    log.record_predictions([prediction])

    log.record_feedback([late, early])
    first = a_cohort(log).label
    log.record_feedback([rival])

    assert (first, a_cohort(log).label) == ((0.0,), (1.0,))


def test_a_retraction_leaves_no_label_until_somebody_speaks_again():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])
    log.record_feedback([an_outcome(prediction, 1.0), an_outcome(prediction, None, revision=1)])
    withdrawn = a_cohort(log)

    log.record_feedback([an_outcome(prediction, 0.0, revision=2)])

    assert (withdrawn.label, withdrawn.revision, withdrawn.coverage) == ((None,), (1,), 0.0)
    assert a_cohort(log).label == (0.0,)


def test_what_was_heard_after_the_as_of_time_is_not_known():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])
    correction = an_outcome(prediction, 0.0, revision=1, received_at=prediction.made_at + 10 * DAY)
    log.record_feedback([an_outcome(prediction, 1.0), correction])

    assert a_cohort(log, prediction.made_at + 9 * DAY).label == (1.0,)
    assert a_cohort(log, prediction.made_at + 10 * DAY).label == (0.0,)


def test_a_prediction_is_mature_once_its_window_has_passed():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])
    log.record_feedback([an_outcome(prediction)])
    ripe = prediction.made_at + timedelta(hours=36)

    before, after = a_cohort(log, ripe - timedelta(microseconds=1)), a_cohort(log, ripe)

    assert (before.mature, before.label, len(before.judged())) == ((False,), (1.0,), 0)
    assert (after.mature, after.label, len(after.judged())) == ((True,), (1.0,), 1)


def test_silence_says_nothing_about_a_flight_and_no_about_a_conversion():
    log, prediction = a_log(), a_prediction()
    log.record_predictions([prediction])
    week = prediction.made_at + timedelta(days=7)

    assert a_cohort(log, week).label == (None,)
    assert a_cohort(log, week - timedelta(hours=1), "conversion").label == (None,)
    assert a_cohort(log, week, "conversion").label == (0.0,)


def test_coverage_counts_mature_rows_only():
    log = a_log()
    predictions = [a_prediction(hours) for hours in (0, 1, 2, 3, 100)]
    log.record_predictions(predictions)
    log.record_feedback([an_outcome(each) for each in (*predictions[:3], predictions[4])])

    cohort = a_cohort(log, GO_LIVE + timedelta(hours=106))

    assert cohort.mature_share == 0.8
    assert cohort.coverage == 0.75
    assert len(cohort.judged()) == 3
    assert cohort.judged().coverage == 1.0


def test_an_empty_cohort_covers_nothing():
    cohort = a_cohort(a_log())

    assert (len(cohort), cohort.coverage, cohort.mature_share, len(cohort.judged())) == (0, 0.0, 0.0, 0)


def test_a_cohort_of_one_deployment_leaves_the_others_out():
    log = a_log()
    other = "deploy://local/flights/2"
    log.record_predictions([a_prediction(0), a_prediction(1, deployment=other, prediction_id="of-other")])

    assert a_cohort(log, deployment=other).prediction_id == ("of-other",)
    assert a_cohort(log).of_deployment(other) == a_cohort(log, deployment=other)
    assert a_cohort(log, deployment=DEPLOYMENT).deployment == (DEPLOYMENT,)


def test_a_kind_that_nobody_declared_is_named_with_those_that_are():
    with pytest.raises(UnknownReference, match=r"no kind named 'rating'.*conversion, ground_truth"):
        a_cohort(a_log(), kind="rating")


@pytest.mark.parametrize("end", [GO_LIVE, GO_LIVE - DAY])
def test_a_window_that_ends_before_it_starts_is_refused(end):
    with pytest.raises(InvalidInput, match="^end: "):
        Scope("ground_truth", GO_LIVE, end, GO_LIVE)


def test_a_window_without_a_time_zone_is_refused():
    with pytest.raises(InvalidInput, match="^start: "):
        Scope("ground_truth", GO_LIVE.replace(tzinfo=None), GO_LIVE, GO_LIVE)
