"""What every `Pulse` promises: counts of what came lately, bounded."""

from datetime import timedelta

import pytest

from handrail.feedback import Orphans, Rate, Reason, Rejected
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, stores_of

HOUR = timedelta(hours=1)
OTHER = "deploy://local/flights/2"
NOW = GO_LIVE + 40 * HOUR


@pytest.fixture(params=["memory", *DATABASES])
def stores(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores


def test_an_empty_log_has_no_rates(stores):
    recent = stores.pulse.recent(NOW, 100)

    assert (recent.predictions, recent.feedback, recent.orphans, recent.quarantined) == ({}, {}, {}, {})
    assert (recent.bounded, stores.pulse.recorded()) == (False, {"predictions": 0, "events": 0})


def test_predictions_count_by_deployment_and_by_when_they_were_made(stores):
    stores.predictions.append([a_prediction(hour) for hour in (0, 16, 17, 39, 40, 41)])
    stores.predictions.append([a_prediction(20, deployment=OTHER, prediction_id="of-other")])

    recent = stores.pulse.recent(NOW, 100)

    # What is made at the very moment counts, and what was made an hour or a day before that does not.
    assert recent.predictions == {DEPLOYMENT: Rate(1, 3), OTHER: Rate(0, 1)}
    assert stores.pulse.recorded() == {"predictions": 7, "events": 0}


def test_feedback_counts_by_kind_and_by_when_it_was_received(stores):
    about = a_prediction(0)
    stores.events.append([an_outcome(about, received_at=NOW - hours * HOUR, event_id=f"e{hours}") for hours in (0, 5)])
    stores.events.append([an_outcome(about, kind="conversion", received_at=NOW + HOUR)])
    stores.events.append([an_outcome(about, kind="conversion", received_at=NOW - 30 * HOUR, revision=1)])

    recent = stores.pulse.recent(NOW, 100)

    assert recent.feedback == {"ground_truth": Rate(1, 2)}
    assert recent.orphans == {"ground_truth": Orphans(2, 2), "conversion": Orphans(1, 1)}


def test_feedback_by_id_or_by_key_whose_prediction_is_there_is_no_orphan(stores):
    known = a_prediction(0)
    stores.predictions.append([known])
    stores.events.append(
        [an_outcome(known), an_outcome(known, prediction_id="", subject=known.subject), an_outcome(a_prediction(1))]
    )

    found = stores.pulse.recent(NOW, 100).orphans["ground_truth"]

    assert (found, found.share) == (Orphans(3, 1), pytest.approx(1 / 3))


def test_no_more_than_the_newest_rows_are_counted(stores):
    for number in range(5):
        stores.predictions.append([a_prediction(36, prediction_id=f"p{number}")])
        stores.events.append([an_outcome(a_prediction(0), received_at=NOW, event_id=f"e{number}")])

    recent = stores.pulse.recent(NOW, 3)

    assert (recent.predictions, recent.feedback) == ({DEPLOYMENT: Rate(0, 3)}, {"ground_truth": Rate(3, 3)})
    assert (recent.orphans["ground_truth"].looked_at, recent.bounded) == (3, True)


def test_quarantine_counts_what_waits_by_reason(stores):
    rows = [Rejected("feedback", reason, "", "wrong", {"n": n}) for n, reason in enumerate([*Reason][1:3] * 2)]
    stores.quarantine.add(rows, NOW)

    assert stores.pulse.recent(NOW, 100).quarantined == {str(reason): 2 for reason in [*Reason][1:3]}
