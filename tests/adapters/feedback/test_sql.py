"""The SQL adapters beyond their contracts: bulk, writers at the same time, snapshots of a real store."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
from handrail.feedback.adapters.sql_log_reader import _ABOUT
from handrail.feedback.adapters.sql_sampler import _EVENTS
from handrail.feedback.adapters.sql_tables import event as events
from handrail.feedback.adapters.sql_tables import metadata
from handrail.feedback.adapters.sql_tables import prediction as predictions
from handrail.feedback.domain.plain import PlainEvent, PlainPrediction
from handrail.feedback.domain.snapshots import SnapshotChanged
from handrail.feedback.domain.values import Receipt
from handrail.storage import open_store
from handrail.storage.bulk import TEXT, _query
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_database, a_store

DAY = timedelta(days=1)
YEAR = ("ground_truth", GO_LIVE, GO_LIVE + 365 * DAY, GO_LIVE + 400 * DAY)


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with a_store(request.param, tmp_path) as store:
        yield store


@pytest.fixture
def log(store):
    return a_log(feedback_stores(store), PyarrowLabels())


def test_a_large_batch_is_recorded_once_and_its_conflicts_are_found(log):
    predictions = [a_prediction(number) for number in range(4000)]
    outcomes = [replace(an_outcome(each), event_id=f"e{number}") for number, each in enumerate(predictions)]
    log.record_predictions(predictions)
    log.record_feedback(outcomes)

    altered = [replace(each, value=0.0) if number % 1000 == 7 else each for number, each in enumerate(outcomes)]

    assert log.record_predictions(predictions) == Receipt(repeated=4000)
    assert log.record_feedback(altered) == Receipt(repeated=3996, conflicts=("e1007", "e2007", "e3007", "e7"))
    assert log.cohort(None, *YEAR).coverage == 1.0
    assert set(log.cohort(None, *YEAR).label) == {1.0}


def test_a_quarantined_body_says_what_was_sent(log):
    event = replace(an_outcome(a_prediction()), event_id="mine")
    log.record_feedback([event])

    log.record_feedback([replace(event, value=0.0)])

    (held,) = log.quarantined()
    assert (held.identifier, held.content["value"], held.content["source"]) == ("mine", 0.0, "airport-feed")


def test_late_data_leaves_the_export_of_an_old_snapshot_byte_identical(log, tmp_path):
    log.record_predictions([a_prediction(number) for number in range(50)])
    log.record_feedback([an_outcome(a_prediction(number)) for number in range(0, 50, 2)])
    snapshot = log.snapshot(*YEAR)
    log.export_snapshot(snapshot.digest, tmp_path / "before.parquet")

    log.record_feedback([an_outcome(a_prediction(number)) for number in range(50)])
    log.record_feedback([an_outcome(a_prediction(number), 0.0, revision=1) for number in range(50)])
    log.record_predictions([a_prediction(number, subject="new", prediction_id=f"late{number}") for number in range(9)])
    log.export_snapshot(snapshot.digest, tmp_path / "after.parquet")

    assert (tmp_path / "before.parquet").read_bytes() == (tmp_path / "after.parquet").read_bytes()
    assert log.snapshot(*YEAR).digest != snapshot.digest


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_order_with_repetitions_gives_the_same_digest_as_the_fakes(store, data):
    said = [an_outcome(a_prediction(number), value, revision=revision) for number in range(4) for value, revision in
            ((1.0, 0), (0.0, 1), (None, 2))]  # fmt: skip
    known = data.draw(st.lists(st.sampled_from(said), max_size=20))
    predictions = data.draw(st.permutations([a_prediction(number) for number in range(3)]))
    _clear(store)
    real, fake = a_log(feedback_stores(store)), a_log()
    for event in known:
        real.record_feedback([event])
    real.record_predictions(predictions)
    fake.record_predictions(sorted(predictions, key=lambda each: each.made_at))
    fake.record_feedback(sorted(known, key=lambda each: each.key))

    assert real.snapshot(*YEAR).digest == fake.snapshot(*YEAR).digest
    assert real.cohort(None, *YEAR) == fake.cohort(None, *YEAR)


def _clear(store):
    with store.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))


def test_altered_rows_are_noticed(log, store, tmp_path):
    log.record_predictions([a_prediction(0), a_prediction(1)])
    log.record_feedback([an_outcome(a_prediction(0)), an_outcome(a_prediction(1))])
    snapshot = log.snapshot(*YEAR)
    with store.write() as connection:
        connection.execute(sa.text("update feedback_event set event_id = 'forged' where seq = 1"))

    with pytest.raises(SnapshotChanged):
        log.export_snapshot(snapshot.digest, tmp_path / "x.parquet")

    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("database", DATABASES)
def test_snapshots_taken_while_others_write_never_change(database, tmp_path):
    with a_database(database, tmp_path) as url:
        stores = [open_store(url) for _ in range(3)]
        reader, *writers = (a_log(feedback_stores(store)) for store in stores)
        start = threading.Barrier(3)

        def write(part, log):
            start.wait(30)
            for number in range(part, 40, 2):
                log.record_predictions([a_prediction(number)])
                log.record_feedback(
                    [an_outcome(a_prediction(number)), an_outcome(a_prediction(number // 2), None, revision=1)]
                )

        with ThreadPoolExecutor(2) as pool:
            writing = [pool.submit(write, part, log) for part, log in enumerate(writers)]
            start.wait(30)
            taken = [reader.snapshot(*YEAR) for _ in range(10)]
            for each in writing:
                each.result(60)

        assert all(len(reader.snapshot_cohort(each.digest)) == each.predictions for each in taken)
        assert reader.status().predictions == 40
        for store in stores:
            store.close()


@pytest.mark.parametrize("database", DATABASES)
def test_two_writers_of_the_same_rows_record_them_once(database, tmp_path):
    rows = [a_prediction(number) for number in range(400)]
    with a_database(database, tmp_path) as url:
        stores = [open_store(url) for _ in range(2)]
        logs = [a_log(feedback_stores(store)) for store in stores]
        with ThreadPoolExecutor(2) as pool:
            receipts = list(
                pool.map(lambda pair: pair[0].record_predictions(pair[1]), zip(logs, (rows, rows[::-1]), strict=True))
            )

        assert sum(receipts, Receipt()) == Receipt(accepted=400, repeated=400)
        for store in stores:
            store.close()


@pytest.mark.parametrize(("plain", "table"), [(PlainEvent, events), (PlainPrediction, predictions)])
def test_plain_values_have_the_order_of_their_table(plain, table):
    names = [column.name for column in table.columns if column.name != "seq"]

    assert list(plain._fields) == ["deployment" if name == "deployment_id" else name for name in names]


@pytest.mark.parametrize(
    ("sql", "values", "index"),
    [
        (_ABOUT, ('["deploy://l/s/1"]', "cost"), "feedback_event_of_kind"),
        # A plain index by kind would be taken here too, for all events of the kind once a prediction.
        (_EVENTS, ('["p1"]', "truth"), "feedback_event_prediction"),
    ],
)
def test_no_question_about_events_walks_through_all_of_them(tmp_path, sql, values, index):
    with a_store("sqlite", tmp_path) as store:
        feedback_stores(store)
        with store.read() as connection:
            asked = f"explain query plan {_query('sqlite', sql, (TEXT,))}"
            plan = [row[-1] for row in connection.exec_driver_sql(asked, values)]

    assert any(index in step for step in plan), plan
    assert not any(step.startswith("SCAN") and ("prediction" in step or "event" in step) for step in plan), plan
