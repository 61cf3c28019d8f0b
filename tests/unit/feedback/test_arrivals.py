"""What was known at a moment depends on when each statement was first heard, never on the order of the records."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome

HOUR = timedelta(hours=1)
MOMENTS = [GO_LIVE + quarter * HOUR / 2 for quarter in range(13)]
ABOUT = a_prediction(0)


@st.composite
def hearings(draw):
    """Up to three statements, each heard once or twice, at hours that say nothing about when they happened."""
    said = draw(
        st.lists(
            st.tuples(st.sampled_from([0.0, 1.0, None]), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=3
        )
    )
    statements = [
        an_outcome(ABOUT, value, revision=revision, occurred_at=GO_LIVE + hour * HOUR, event_id=f"e{number}")
        for number, (value, revision, hour) in enumerate(said)
    ]
    heard = [(each, draw(st.integers(1, 5))) for each in statements]
    heard += draw(st.lists(st.tuples(st.sampled_from(statements), st.integers(1, 5)), max_size=4 - len(heard)))
    return [replace(each, received_at=GO_LIVE + hour * HOUR) for each, hour in heard]


def known_at(moment, heard):
    """Say by plain sorting what was known; no arrival counts before its hour."""
    known = [each for each in heard if each.received_at <= moment]
    ranked = sorted(known, key=lambda each: (each.revision, each.occurred_at, each.event_id))
    return (ranked[-1].value, ranked[-1].revision) if ranked else (None, None)


def answers(heard, at_once):
    log = a_log()
    log.record_predictions([ABOUT])
    for batch in [heard] if at_once else [[each] for each in heard]:
        log.record_feedback(batch)
    window = GO_LIVE, GO_LIVE + HOUR
    cohorts = [log.cohort(None, "ground_truth", *window, moment) for moment in MOMENTS]
    return [(cohort.label[0], cohort.revision[0]) for cohort in cohorts]


@settings(deadline=None, max_examples=60)
@given(hearings(), st.booleans())
def test_every_order_gives_the_same_label_at_every_moment(heard, at_once):
    expected = [known_at(moment, heard) for moment in MOMENTS]

    for order in permutations(heard):
        assert answers(order, at_once) == expected


@settings(deadline=None, max_examples=60)
@given(hearings())
def test_every_order_gives_the_same_snapshots(heard):
    scope = ("ground_truth", GO_LIVE, GO_LIVE + HOUR, GO_LIVE + 3 * HOUR)
    digests = set()

    for order in permutations(heard):
        log = a_log()
        log.record_feedback(order)
        log.record_predictions([ABOUT])
        digests.add(log.snapshot(*scope).digest)

    assert len(digests) == 1
