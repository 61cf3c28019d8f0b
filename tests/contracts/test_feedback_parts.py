"""What `PartSource`, `PartBook` and `PartFolder` promise together: a compaction repeats safely and loses nothing.

`SqlParts`, `SqlPartSource` and `PyarrowParts` keep them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest
import sqlalchemy as sa

from handrail.errors import Unavailable
from handrail.feedback.domain.parts import Compacted, Reach
from handrail.files import sha256_of
from tests.fakes.feedback import DEPLOYMENT, GO_LIVE, a_prediction, an_outcome
from tests.fakes.feedback_parts import Parted
from tests.fakes.feedback_store import DATABASES, a_store

OTHER = "deploy://local/flights/2"
PREDICTIONS = [a_prediction(hour) for hour in (0, 1, 30)] + [
    a_prediction(1, deployment=OTHER, prediction_id="of-other", variant="b", propensity=0.5)
]


@pytest.fixture(params=DATABASES)
def parted(request, tmp_path):
    with a_store(request.param, tmp_path) as store:
        yield Parted(store, tmp_path / "parts")


def files(parted):
    found = (file for file in parted.folder.rglob("*") if file.is_file() and file.name != ".lock")
    return {str(file.relative_to(parted.folder)): sha256_of(file) for file in found}


def damaged(parted):
    """Return the paths of damaged parts."""
    return tuple(sorted(each.subject for each in parted.compaction.damages()))


def test_a_part_holds_the_rows_of_one_day_and_deployment(parted):
    parted.record([*PREDICTIONS, an_outcome(PREDICTIONS[2])])

    done = parted.compaction.run()

    assert done == Compacted(4, 1, 4, 0)
    shown = [(each.what, str(each.day), each.deployment, each.rows) for each in parted.book.all()]
    # The outcome of the second day lies on the day of its prediction.
    assert shown == [
        ("events", "2013-08-02", DEPLOYMENT, 1),
        ("predictions", "2013-08-01", DEPLOYMENT, 2),
        ("predictions", "2013-08-01", OTHER, 1),
        ("predictions", "2013-08-02", DEPLOYMENT, 1),
    ]
    assert files(parted) == {each.path: each.sha256 for each in parted.book.all()}


def test_a_second_compaction_writes_what_is_new_alone(parted):
    parted.record(PREDICTIONS[:2])
    first = parted.compaction.run()
    held = files(parted)

    again = parted.compaction.run()
    parted.record([PREDICTIONS[3], an_outcome(PREDICTIONS[0])])
    late = parted.compaction.run()

    assert (first.predictions, again, late) == (2, Compacted(), Compacted(1, 1, 2, 0))
    assert held.items() <= files(parted).items()


def test_feedback_of_nobody_knows_whom_lies_on_the_day_on_which_it_occurred(parted):
    parted.record([an_outcome(PREDICTIONS[0]), an_outcome(PREDICTIONS[1], prediction_id="", subject="order-1")])

    parted.compaction.run()

    (part,) = parted.book.all()
    assert (str(part.day), part.is_loose, part.rows) == ("2013-08-01", True, 2)


def test_a_file_that_is_missing_or_altered_is_written_again_as_it_was(parted):
    parted.record([*PREDICTIONS, *map(an_outcome, PREDICTIONS)])
    parted.compaction.run()
    held, (first, second, *_) = files(parted), parted.book.all()
    (parted.folder / first.path).unlink()
    (parted.folder / second.path).write_bytes(b"x" * second.size)
    assert set(damaged(parted)) == {first.path, second.path}

    done = parted.compaction.run()

    assert done.again
    assert (files(parted), damaged(parted)) == (held, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("what", "events"),
        ("path", "predictions/elsewhere.parquet"),
        ("day", date(2013, 8, 3)),
        ("deployment", OTHER),
        ("first", 2),
        ("last", 99),
        ("rows", 3),
        ("size", 1),
        ("sha256", "0" * 64),
    ],
)
def test_a_record_that_does_not_fit_its_file_is_damaged(parted, field, value):
    parted.record(PREDICTIONS[:2])
    parted.compaction.run()
    (held,) = parted.book.all()

    assert damaged(parted) == ()
    altered = replace(held, **{field: value})
    parted.book.record([altered], instead_of=[held])
    assert altered.path in damaged(parted)

    parted.compaction.run()

    assert (parted.book.all(), files(parted)) == ((held,), {held.path: held.sha256})


def test_a_record_that_cannot_be_read_is_one_sentence(parted):
    parted.record(PREDICTIONS[:2])
    parted.compaction.run()
    with parted.book._store.write() as connection:
        connection.execute(sa.text("update feedback_part set day = 'yesterday'"))

    with pytest.raises(Unavailable, match="it is damaged"):
        parted.book.all()


def test_early_feedback_gets_its_place_when_its_part_is_written_again(parted):
    parted.record([an_outcome(PREDICTIONS[0])])
    parted.compaction.run()
    parted.record(PREDICTIONS[:1])
    parted.compaction.run()
    (loose,) = (each for each in parted.book.all() if each.is_loose)
    (parted.folder / loose.path).unlink()

    parted.compaction.run()

    assert {each.is_loose for each in parted.book.all()} == {False}
    assert files(parted).keys() == {each.path for each in parted.book.all()}


class Killed(BaseException):
    """What ends a process."""


class KilledBook:
    """A book whose process is killed when it is to record."""

    def __init__(self, book):
        self.book = book

    def all(self):
        return self.book.all()

    def record(self, parts, instead_of=None):
        raise Killed


def test_what_a_killed_compaction_wrote_is_not_read_and_is_removed_by_the_next(parted):
    parted.record(PREDICTIONS)
    killed = type(parted.compaction)(parted.stores.reader, parted.source, KilledBook(parted.book), parted.parts)
    with pytest.raises(Killed):
        killed.run()
    left = files(parted)
    parted.record([a_prediction(2)])
    beside = parted.folder / next(iter(left))
    beside.with_name(".half.next").write_bytes(b"half")

    done = parted.compaction.run()

    assert left
    assert done.predictions == 5
    assert files(parted) == {each.path: each.sha256 for each in parted.book.all()}


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_recorded(parted, tmp_path):
    parted.record(PREDICTIONS)
    parted.folder.write_bytes(b"a file in its place")

    with pytest.raises(Unavailable, match="handrail feedback compact"):
        parted.compaction.run()

    assert parted.book.all() == ()


def test_other_tools_read_the_folders_as_they_are(parted):
    outcomes = [an_outcome(each) for each in PREDICTIONS]
    parted.record([*PREDICTIONS, *outcomes, an_outcome(a_prediction(5))])
    parted.compaction.run()
    made, said = str(parted.folder / "predictions"), str(parted.folder / "events")

    by_arrow = ds.dataset(made, partitioning="hive").to_table()
    by_polars = pl.scan_parquet(f"{said}/**/*.parquet", hive_partitioning=True).collect()
    with duckdb.connect() as connection:
        query = f"from read_parquet('{made}/**/*.parquet') where day = '2013-08-01' and deployment = '{OTHER}'"
        by_duckdb = connection.sql(query).to_arrow_table().to_pylist()

    assert sorted(by_arrow.column("prediction_id").to_pylist()) == sorted(each.prediction_id for each in PREDICTIONS)
    assert {str(day) for day in by_arrow.column("day").to_pylist()} == {"2013-08-01", "2013-08-02"}
    assert str(by_arrow.schema.field("made_at").type) == "timestamp[us, tz=UTC]"
    assert by_polars.height == 5
    assert by_polars.filter(pl.col("deployment_id") == 0)["deployment"].to_list() == [None]
    assert [(row["prediction_id"], row["made_at"], row["propensity"]) for row in by_duckdb] == [
        ("of-other", GO_LIVE.replace(hour=5), 0.5)
    ]


def test_rows_are_read_by_their_numbers_so_many_at_once(parted):
    parted.record(PREDICTIONS)

    first = parted.source.rows(Reach("predictions", 1, 4), 3)
    rest = parted.source.rows(Reach("predictions", first[-1][0] + 1, 4), 3)

    assert ([row[0] for row in first], [row[0] for row in rest]) == ([1, 2, 3], [4])
