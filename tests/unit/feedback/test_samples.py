"""A sample as two cohorts: what is known, and what somebody says who takes the first answer and silence for labels."""

from datetime import UTC, datetime, timedelta

import pytest

from handrail.feedback import groups
from handrail.feedback.domain.samples import month_after
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome

LATER = GO_LIVE + timedelta(days=90)


def an_overview(predictions, events, as_of=LATER):
    log = a_log()
    log.record_predictions(predictions)
    log.record_feedback(events)
    return log.overview("ground_truth", as_of)


def test_silence_is_unknown_where_it_is_corrected_and_a_label_where_it_is_not():
    made = [a_prediction(number) for number in range(4)]

    found = an_overview(made, [an_outcome(made[0])])

    assert found.corrected.label == (1.0, None, None, None)
    assert (found.naive.label, found.silence) == ((1.0, 0.0, 0.0, 0.0), 0.0)
    assert (found.corrected.coverage, found.total, found.step) == (0.25, 4, 1)


def test_a_correction_counts_where_it_is_corrected_alone():
    made = a_prediction()
    first, second = (
        an_outcome(made, 0.0),
        an_outcome(made, 1.0, revision=1, received_at=made.made_at + timedelta(days=1)),
    )

    found = an_overview([made], [second, first])

    assert (found.corrected.label, found.naive.label, found.revised) == ((1.0,), (0.0,), 1)
    assert found.waited == (timedelta(hours=5, minutes=30),)


def test_an_answer_after_the_month_is_silence_for_who_asks_at_its_end():
    made = a_prediction()

    found = an_overview([made], [an_outcome(made, received_at=month_after(made.made_at))])

    assert (found.corrected.label, found.naive.label) == ((1.0,), (0.0,))


def test_only_mature_predictions_say_how_long_an_answer_takes():
    old, new = a_prediction(0), a_prediction(24 * 60)

    found = an_overview([old, new], [an_outcome(old), an_outcome(new)], new.made_at + timedelta(hours=6))

    assert found.mature_waits() == [timedelta(hours=5, minutes=30)]


def test_a_part_keeps_rows_of_everything():
    made = [a_prediction(number) for number in range(3)]

    part = an_overview(made, [an_outcome(made[2])]).part([False, True, True])

    assert (len(part.corrected), len(part.naive), len(part.waited), part.total) == (2, 2, 2, 3)


@pytest.mark.parametrize(("hours", "names"), [(24, ["2013-08-01", "2013-08-02"]), (24 * 80, ["2013-08", "2013-10"])])
def test_a_short_log_is_shown_by_days_and_a_long_one_by_months(hours, names):
    first = datetime(2013, 8, 1, 12, tzinfo=UTC)
    made = [a_prediction(0, made_at=first), a_prediction(1, made_at=first + timedelta(hours=hours))]

    found = an_overview(made, [])

    assert [name for name, _ in groups(found.corrected)] == names


def test_a_month_ends_with_the_next_one():
    assert month_after(datetime(2013, 12, 31, 23, tzinfo=UTC)) == datetime(2014, 1, 1, tzinfo=UTC)
