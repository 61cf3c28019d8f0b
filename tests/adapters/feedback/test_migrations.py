"""What earlier releases wrote is still there, and means the same, after the tables were brought up to date."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback.adapters.sql_tables import MIGRATIONS
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.snapshots import Format
from handrail.storage import migrate, open_store
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_database

AUGUST = Scope("ground_truth", GO_LIVE, a_prediction(24).made_at, a_prediction(48).made_at)
SNAPSHOT = """insert into feedback_snapshot
(digest, scope, kind, predictions, events, mark_predictions, mark_events) values (:digest, :scope, :kind, 1, 1, 1, 1)"""


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    """A store with the tables of the first release."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(MIGRATIONS / "feedback_0001.py", scripts)
    with a_database(request.param, tmp_path) as url:
        opened = open_store(url)
        migrate(opened, "feedback", scripts)
        yield opened
        opened.close()


def test_a_snapshot_of_the_first_release_covers_ids_and_knows_no_earlier_arrival(store):
    scope = '{"kind": "ground_truth", "deployment": null, "start": "%s", "end": "%s", "as_of": "%s"}'
    moments = tuple(getattr(AUGUST, name).isoformat() for name in ("start", "end", "as_of"))
    kind = '{"name": "ground_truth", "maturity_window": 1.0, "absence_means": null, "values": []}'
    with store.write() as connection:
        row = {"digest": "sha256:a", "scope": scope % moments, "kind": kind}
        connection.execute(sa.text(SNAPSHOT), row)

    (snapshot,) = feedback_stores(store).snapshots.all()

    assert (snapshot.format, snapshot.mark, snapshot.scope) == (Format.IDS, Mark(1, 1, 0), AUGUST)


def test_a_store_of_the_first_release_takes_arrivals(store):
    log = a_log(feedback_stores(store))
    prediction, said = a_prediction(0), an_outcome(a_prediction(0))
    log.record_predictions([prediction])

    for hours in (9, 6):
        log.record_feedback([an_outcome(prediction, received_at=a_prediction(hours).made_at)])

    (held,) = log.feedback_about(prediction.prediction_id)
    assert (held.key, held.received_at) == (said.key, a_prediction(6).made_at)
