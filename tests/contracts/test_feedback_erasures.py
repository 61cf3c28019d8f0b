"""`SqlErasures`: a subject leaves every row, figures stay, no edit passes for an erasure; on every database."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback.adapters.erased_books import ErasedAuditor, ErasedSnapshots
from handrail.feedback.adapters.sql_erasures import SqlErasures
from handrail.feedback.adapters.sql_tables import erased, erasure, metadata, replaced
from handrail.feedback.domain.quarantine import Reason, Rejected
from handrail.feedback.domain.snapshots import SnapshotChanged, SnapshotErased
from tests.fakes.feedback import GO_LIVE, a_log, a_prediction, an_outcome
from tests.fakes.feedback_store import DATABASES, a_store

KEY = b"e" * 32
WHO, OTHER = "order-1", "order-10"
LAST = GO_LIVE + timedelta(days=60)
AUGUST = GO_LIVE, GO_LIVE + timedelta(days=31)


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with a_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def erasures(store):
    return SqlErasures(store, lambda: KEY, lambda: KEY)


def log_over(store, erasures):
    stores = feedback_stores(store)
    snapshots, auditor = ErasedSnapshots(stores.snapshots, erasures), ErasedAuditor(stores.auditor, erasures)
    return a_log(replace(stores, snapshots=snapshots, auditor=auditor))


@pytest.fixture
def log(store, erasures):
    return log_over(store, erasures)


def fill(log):
    made = [a_prediction(number, subject=WHO if number % 3 == 0 else f"order-1{number}") for number in range(12)]
    log.record_predictions(made)
    for number, each in enumerate(made):
        to = {"prediction_id": "", "subject": each.subject} if number % 2 else {}
        log.record_feedback([an_outcome(each, float(number % 2), **to, event_id=f"{each.subject} said {number}")])
    # Ties are decided by the event's id; an earlier arrival has a row of its own.
    log.record_feedback([an_outcome(made[3], 0.0, event_id="a"), an_outcome(made[3], 1.0, event_id="b")])
    log.record_feedback([an_outcome(made[3], 1.0, event_id="b", received_at=GO_LIVE)])
    log.record_predictions([replace(made[0], score=0.9), replace(made[1], score=0.9)])
    log.receive([Rejected("feedback", Reason.MALFORMED, "value", f"{WHO} is not a number.", {"subject": WHO})])
    log.receive([Rejected("feedback", Reason.MALFORMED, "value", f"{OTHER} is not a number.", {"subject": OTHER})])
    return made


def cohort(log):
    found = log.cohort(None, "ground_truth", *AUGUST, LAST)
    return sorted(zip(found.made_at, found.score, found.label, found.revision, strict=True))


def erase(erasures, *names):
    return erasures.erase(names or (WHO,), "ada", GO_LIVE, "asked")


def every_text(store):
    with store.read() as connection:
        return repr([row for table in metadata.sorted_tables for row in connection.execute(sa.select(table))])


def test_the_subject_is_gone_and_every_figure_stays(log, store, erasures):
    made, before = fill(log), cohort(log)

    record = erase(erasures).record

    assert (record.predictions, record.feedback, record.quarantined) == (4, 6, 2)
    assert cohort(log) == before
    text = every_text(store)
    assert all(name not in text for name in (f"'{WHO}'", f'"{WHO}"', f"{WHO} ", made[0].prediction_id))
    assert OTHER in text
    assert log.damages() == ()
    assert {each.subject for each in map(log.find_prediction, [made[1].prediction_id])} == {"order-11"}
    assert len(log.predictions_about(record.name)) == 4
    assert Reason.ERASED not in {each.reason for each in log.quarantined()}
    gone = log.quarantine.held(9, "dropped", Reason.ERASED)
    assert [(each.changed_by, each.identifier, each.origin) for each in gone] == [("ada", "", "")] * 2


def test_a_subject_that_is_not_there_leaves_no_record(log, erasures):
    fill(log)

    assert erase(erasures, "nobody").record.is_empty
    assert erasures.records() == ()


def test_the_record_says_who_and_never_whom(log, erasures):
    fill(log)
    record = erase(erasures).record

    (kept,) = erasures.records()

    assert kept == record
    assert (kept.by, kept.at, kept.why) == ("ada", GO_LIVE, "asked")
    assert kept.name.startswith("erased:")
    assert WHO not in repr(kept)


def test_a_snapshot_says_that_rows_were_erased_and_its_successor_can_be_used(log, erasures):
    fill(log)
    taken = log.snapshot("ground_truth", *AUGUST, LAST)
    apart = log.snapshot("ground_truth", GO_LIVE + timedelta(hours=1), GO_LIVE + timedelta(hours=3), LAST)
    before = log.snapshot_cohort(taken.digest).label

    (became,) = erase(erasures).replaced

    assert (became.digest, became.rows) == (taken.digest, 4)
    with pytest.raises(SnapshotErased, match="contained erased rows, 4 predictions"):
        log.snapshot_cohort(taken.digest)
    assert sorted(map(str, log.snapshot_cohort(became.successor).label)) == sorted(map(str, before))
    assert len(log.snapshot_cohort(apart.digest).label) == 2
    assert {each.digest: each.erased for each in log.snapshots()} == {
        taken.digest: 4,
        apart.digest: 0,
        became.successor: 0,
    }
    assert log.damages() == ()


def test_of_two_erasures_the_snapshot_leads_to_the_last_one(log, erasures):
    fill(log)
    taken = log.snapshot("ground_truth", *AUGUST, LAST)
    first = erase(erasures).replaced[0]
    second = erase(erasures, "order-11").replaced[0]

    assert second.digest == first.successor
    for digest in (taken.digest, first.successor):
        with pytest.raises(SnapshotErased):
            log.snapshot_cohort(digest)
    assert len(log.snapshot_cohort(second.successor).label) == 12
    assert log.damages() == ()


def alter(store, table, values, where):
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with store.write() as connection:
        done = connection.execute(sa.text(f"update {table} set {sets} where {where}"), values)
        assert done.rowcount > 0


def test_what_was_altered_before_stays_altered_after_an_erasure(log, store, erasures):
    fill(log)
    taken = log.snapshot("ground_truth", *AUGUST, LAST)
    alter(store, "feedback_prediction", {"score": 0.999}, f"subject <> '{WHO}'")

    done = erase(erasures)

    assert (done.replaced, done.altered) == ((), (taken.digest,))
    with pytest.raises(SnapshotChanged):
        log.snapshot_cohort(taken.digest)


def test_an_edit_is_not_hidden_by_a_record_of_an_erasure_that_somebody_wrote(log, store, erasures):
    fill(log)
    taken = log.snapshot("ground_truth", *AUGUST, LAST)
    honest = log_over(store, SqlErasures(store, lambda: b"x" * 32, lambda: b"x" * 32))
    erase(SqlErasures(store, lambda: b"x" * 32, lambda: b"x" * 32))

    assert honest.damages() == ()
    with pytest.raises(SnapshotChanged):
        log.snapshot_cohort(taken.digest)
    assert {each.kind for each in log.damages()} == {"forged-erasure", "changed-snapshot"}


@pytest.mark.parametrize(
    ("table", "values", "where"),
    [
        ("feedback_erasure", {"by": "bob"}, "true"),
        ("feedback_erasure", {"predictions": 3}, "true"),
        ("feedback_erased", {"erasure": "erased:other"}, "what = 'prediction'"),
        ("feedback_snapshot_replaced", {"rows": 1}, "true"),
        ("feedback_snapshot_replaced", {"successor": "sha256:0"}, "true"),
        ("feedback_prediction", {"body": b"0" * 32}, "subject like 'erased:%'"),
    ],
)
def test_what_is_altered_after_an_erasure_is_found(log, store, erasures, table, values, where):
    fill(log)
    log.snapshot("ground_truth", *AUGUST, LAST)
    erase(erasures)
    sound = log.damages()
    alter(store, table, values, where)

    assert sound == ()
    assert {each.kind for each in log.damages()} & {"forged-erasure", "changed-erasure"}


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table in (erasure, erased, replaced) for column in table.c],
    ids=lambda part: part.name,
)
def test_no_column_of_what_was_erased_can_be_edited_unseen(log, store, erasures, table, column):
    fill(log)
    log.snapshot("ground_truth", *AUGUST, LAST)
    erase(erasures)
    other = {sa.Text: "other", sa.BigInteger: 77}.get(type(column.type), GO_LIVE - timedelta(days=9))
    with store.write() as connection:
        row = connection.execute(sa.select(table).limit(1)).one()
        this = sa.and_(*(key == row._mapping[key] for key in table.primary_key))
        assert row._mapping[column] != other
        assert connection.execute(sa.update(table).where(this).values({column: other})).rowcount == 1

    assert {each.kind for each in log.damages()} & {"forged-erasure", "changed-erasure"}


def test_an_erased_row_that_is_gone_is_found(log, store, erasures):
    fill(log)
    erase(erasures)
    with store.write() as connection:
        connection.execute(sa.text("delete from feedback_prediction where subject like 'erased:%'"))

    assert "it covers 12 rows, and 8 are there" in [each.detail for each in log.damages()]


def test_without_the_key_nothing_of_it_is_believed(log, store, erasures):
    fill(log)
    log.snapshot("ground_truth", *AUGUST, LAST)
    erase(erasures)

    lost = log_over(store, SqlErasures(store, lambda: KEY, lambda: None))

    assert "forged-erasure" in {each.kind for each in lost.damages()}
