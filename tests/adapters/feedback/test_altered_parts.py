"""Somebody alters the files of a compaction, or what is recorded about them: no row is lost, doubled or overwritten."""

from dataclasses import replace

import polars as pl
import pytest

from handrail.feedback.domain.parts import Reach
from tests.contracts.test_feedback_parts import PREDICTIONS, damaged, files, parted
from tests.fakes.feedback import a_prediction

__all__ = ["parted"]


def alter(parted, old, new):
    """Alter a record behind Handrail's back; None deletes it."""
    parted.book.record([] if new is None else [new], instead_of=[old])


def in_two_runs(parted):
    """Record and compact twice, and return the records of the predictions, the earlier one first."""
    parted.record(PREDICTIONS[:2])
    parted.compaction.run()
    parted.record([a_prediction(2), a_prediction(3)])
    parted.compaction.run()
    return sorted(parted.book.all(), key=lambda part: part.first)


def made(parted):
    """Return the ids in all files that are recorded."""
    names = [parted.folder / part.path for part in parted.book.all() if part.what == "predictions"]
    return sorted(name for file in names for name in pl.read_parquet(file)["prediction_id"].to_list())


def named(part, **changes):
    """Return a record with other row numbers, and the path that belongs to them."""
    new = replace(part, **changes)
    path = f"{new.what}/day={new.day}/deployment_id=1/{new.first:012}-{new.last:012}.parquet"
    return replace(new, path=path)


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda one, other: (one, replace(one, last=other.last)), id="rows of another file"),
        pytest.param(lambda one, other: (one, named(one, last=other.last)), id="rows and name of another file"),
        pytest.param(lambda one, other: (other, named(other, first=1)), id="rows and name of an earlier file"),
        pytest.param(lambda one, other: (one, replace(one, last=1)), id="fewer rows"),
        pytest.param(lambda one, other: (other, replace(other, last=10**9)), id="rows that are still to come"),
        pytest.param(lambda one, other: (other, named(other, last=10**9)), id="rows to come, by name"),
        pytest.param(lambda one, other: (one, replace(one, path="../outside.parquet")), id="a file elsewhere"),
        pytest.param(lambda one, other: (one, replace(one, path="/etc/hostname")), id="a file of the machine"),
        pytest.param(lambda one, other: (one, replace(one, what="events")), id="another log"),
        pytest.param(lambda one, other: (one, replace(one, first=-5)), id="a number below all"),
        pytest.param(lambda one, other: (one, None), id="a record that is gone"),
    ],
)
def test_an_altered_record_costs_no_row_and_doubles_none(parted, attack):
    one, other = in_two_runs(parted)
    held = made(parted)
    old, new = attack(one, other)
    alter(parted, old, new)
    for each in (new,) if new else ():
        (parted.folder / each.path).parent.mkdir(parents=True, exist_ok=True)
    parted.record([a_prediction(4)])

    parted.compaction.run()

    assert made(parted) == sorted([*held, a_prediction(4).prediction_id])
    assert damaged(parted) == ()
    assert files(parted) == {each.path: each.sha256 for each in parted.book.all()}
    assert len(held) == 4


def test_an_altered_record_never_overwrites_or_replaces_a_sound_file(parted):
    one, other = in_two_runs(parted)
    before = files(parted)
    (parted.folder / one.path).write_bytes(b"x" * one.size)
    alter(parted, one, replace(one, first=other.first, last=other.last))

    parted.compaction.run()

    assert files(parted) == before


def test_a_copy_of_a_file_under_another_name_is_not_read_twice(parted):
    one, other = in_two_runs(parted)
    held, twin = made(parted), replace(one, path=one.path.replace("deployment_id=1", "deployment_id=2"))
    (parted.folder / twin.path).parent.mkdir()
    (parted.folder / twin.path).write_bytes((parted.folder / one.path).read_bytes())
    parted.book.record([twin])
    assert set(damaged(parted)) == {one.path, twin.path}

    parted.compaction.run()
    parted.compaction.run()

    assert made(parted) == held
    assert set(files(parted)) == {one.path, other.path}


def test_a_damage_says_which_file_and_what_is_wrong(parted):
    one, other = in_two_runs(parted)
    (parted.folder / one.path).unlink()
    (parted.folder / other.path).write_bytes(b"x" * other.size)

    found = {each.subject: each.detail for each in parted.compaction.damages()}

    assert found == {
        one.path: "its file cannot be read: No such file or directory",
        other.path: "its file has other bytes than those that were written",
    }
    alter(parted, one, replace(one, path="elsewhere"))
    alter(parted, other, replace(other, size=1))
    found = {each.subject: each.detail for each in parted.compaction.damages()}
    assert found["elsewhere"] == "its record names another file than that of its rows"
    assert found[other.path] == f"its file has {other.size:,} bytes, its record says 1"


def test_a_deleted_record_beside_others_of_its_run_is_noticed(parted):
    parted.record(PREDICTIONS)
    parted.compaction.run()
    first, *rest = parted.book.all()
    alter(parted, first, None)

    assert {each.detail for each in parted.compaction.damages()} == {"the files of rows 1 to 4 hold 2 rows, the log 4"}
    parted.compaction.run()
    assert parted.book.all() == (first, *rest)


def test_rows_that_no_file_has_though_a_later_one_does_are_named(parted):
    one, _ = in_two_runs(parted)
    alter(parted, one, None)

    (found,) = parted.compaction.damages()

    assert (found.subject, found.detail) == ("predictions 1 to 2", "no file has these 2 rows")


def test_files_that_share_rows_are_written_again(parted):
    one, other = in_two_runs(parted)
    held = made(parted)
    parted.book.record(parted.parts.write("predictions", parted.source.rows(Reach("predictions", 2, 3), 2)))
    assert len(made(parted)) == 6
    assert {each.detail for each in parted.compaction.damages()} == {"its rows lie in files of another run too"}

    parted.compaction.run()

    assert (made(parted), parted.compaction.damages()) == (held, ())
    assert {one.path, other.path}.isdisjoint(part.path for part in parted.book.all())
