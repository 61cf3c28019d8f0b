"""What Handrail recorded has its digests on every database; which edits are found is tested with the doctor."""

from datetime import timedelta

import numpy
import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_store

pytestmark = pytest.mark.any_version

LAST = GO_LIVE + timedelta(days=30)


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with a_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def log(store):
    return a_log(feedback_stores(store))


def test_what_was_recorded_has_no_damage(log):
    zero = a_prediction(1, score=-0.0)
    odd = a_prediction(2, score=numpy.float32(0.1), label=numpy.int64(1), latency_ms=None, features_digest="")
    withdrawn = an_outcome(zero, None, revision=1)
    log.record_predictions([a_prediction(0), zero, odd, a_prediction(0, score=0.9)])
    log.record_feedback([an_outcome(a_prediction(0)), an_outcome(zero, -0.0), withdrawn, an_outcome(a_prediction(7))])
    log.record_feedback([an_outcome(odd, 1.0, event_id="mine"), an_outcome(odd, 0.0, event_id="mine")])
    log.record_feedback([an_outcome(a_prediction(0), received_at=GO_LIVE)])
    log.snapshot("ground_truth", GO_LIVE, LAST, LAST)

    assert log.status().conflicts == 2
    assert log.damages() == ()


def test_a_row_that_is_gone_from_under_a_snapshot_is_found(log, store):
    log.record_predictions([a_prediction(0)])
    log.record_feedback([an_outcome(a_prediction(0))])
    snapshot = log.snapshot("ground_truth", GO_LIVE, LAST, LAST)
    with store.write() as connection:
        connection.execute(sa.text("delete from feedback_event"))

    assert [(each.kind, each.subject) for each in log.damages()] == [("changed-snapshot", snapshot.digest)]
