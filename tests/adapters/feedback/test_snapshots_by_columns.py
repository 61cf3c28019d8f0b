"""A snapshot that is read by columns, while somebody alters what lies below it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from handrail.bootstrap.feedback import feedback_stores
from handrail.errors import HandrailError
from handrail.feedback import FeedbackLog
from handrail.feedback.domain.snapshots import SnapshotChanged
from handrail.files import sha256_of
from handrail.storage import open_store
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, MemoryWriter, a_prediction, an_outcome
from tests.fakes.feedback_parts import Parted
from tests.fakes.feedback_store import DATABASES, a_database

MADE = [a_prediction(hour) for hour in range(5)]
MONTH = ("ground_truth", GO_LIVE, GO_LIVE.replace(month=9), GO_LIVE.replace(month=10))


@pytest.fixture(params=DATABASES)
def world(request, tmp_path):
    with a_database(request.param, tmp_path) as url:
        store = open_store(url)
        made = Parted(store, tmp_path / "parts")
        made.store = store
        made.log = FeedbackLog(
            feedback_stores(store, tmp_path / "parts"), MemoryWriter(), {"ground_truth": GROUND_TRUTH}
        )
        made.record([*MADE, *map(an_outcome, MADE)])
        yield made
        store.close()


def labels(world, digest):
    return pa.concat_tables(world.log.labels.of_snapshot(digest)).column("label").to_pylist()


def alter(world, what, column, value):
    """Write a part anew with another value in a column, and record the new file as if a compaction had written it."""
    (part,) = (each for each in world.book.all() if each.what == what)
    path = world.folder / part.path
    table = pq.read_table(path, partitioning=None)
    place = table.schema.get_field_index(column)
    filled = pa.array([value] * len(table), table.schema.field(column).type)
    pq.write_table(table.set_column(place, table.schema.field(column), filled), path, compression="zstd")
    with world.store.write() as connection:
        connection.execute(
            sa.text("update feedback_part set size = :size, sha256 = :sha where path = :path"),
            {"size": path.stat().st_size, "sha": sha256_of(path), "path": part.path},
        )


def test_a_snapshot_gives_its_labels_by_columns_whatever_was_compacted_since(world):
    taken = world.log.snapshot(*MONTH)
    before = labels(world, taken.digest)
    world.compaction.run()
    world.record([an_outcome(MADE[0], 0.0, revision=1)])

    assert labels(world, taken.digest) == before == [1.0] * 5


@pytest.mark.parametrize(
    ("what", "column", "value"),
    [
        ("events", "value", 0.0),
        ("events", "revision", 7),
        ("events", "kind", "rating"),
        ("predictions", "score", 0.5),
        ("predictions", "predicted", 9),
        ("predictions", "subject", "somebody"),
    ],
)
def test_a_part_that_was_altered_with_its_record_is_noticed(world, what, column, value):
    taken = world.log.snapshot(*MONTH)
    world.compaction.run()
    labels(world, taken.digest)

    alter(world, what, column, value)

    assert world.compaction.damages() == ()
    with pytest.raises(SnapshotChanged):
        labels(world, taken.digest)
    with pytest.raises(SnapshotChanged):
        list(world.log.snapshot_ids(taken.digest))


def test_an_altered_row_behind_the_parts_is_noticed(world):
    world.compaction.run()
    world.record([an_outcome(MADE[0], 0.0, revision=1)])
    taken = world.log.snapshot(*MONTH)
    labels(world, taken.digest)

    with world.store.write() as connection:
        connection.execute(sa.text("update feedback_event set value = 1 where revision = 1"))

    with pytest.raises(SnapshotChanged):
        labels(world, taken.digest)


def test_a_file_of_other_bytes_and_the_same_size_ends_in_a_sentence(world):
    taken = world.log.snapshot(*MONTH)
    world.compaction.run()
    part = world.book.all()[0]
    (world.folder / part.path).write_bytes(b"x" * part.size)

    with pytest.raises(HandrailError, match="handrail feedback compact"):
        labels(world, taken.digest)
