"""`LabelWriter`: the same promises by the fake and by pyarrow."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest

from handrail.errors import Unavailable
from handrail.feedback.adapters.pyarrow_labels import PyarrowLabels
from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.snapshots import LabelTable, Snapshot
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, MemoryWriter

SCOPE = Scope("ground_truth", GO_LIVE, GO_LIVE + timedelta(days=31), GO_LIVE + timedelta(days=40))
SNAPSHOT = Snapshot("sha256:abc", SCOPE, GROUND_TRUTH, 2, 2, Mark(2, 2))
ROWS = (("a", 1.0, 0.75, GO_LIVE, "p1", 0), ("b", 0.0, 0.25, GO_LIVE + timedelta(hours=1), "p2", None))
TABLES = {
    "as it is": LabelTable(SNAPSHOT, ROWS),
    "another label": LabelTable(SNAPSHOT, (ROWS[0], ("b", 1.0, *ROWS[1][2:]))),
    "another revision": LabelTable(SNAPSHOT, (ROWS[0], (*ROWS[1][:-1], 0))),
    "a microsecond later": LabelTable(
        SNAPSHOT, (ROWS[0], (*ROWS[1][:3], GO_LIVE + timedelta(microseconds=1), "p2", None))
    ),
    "another order": LabelTable(SNAPSHOT, ROWS[::-1]),
    "a row less": LabelTable(SNAPSHOT, ROWS[:1]),
    "no rows": LabelTable(SNAPSHOT, ()),
    "another snapshot": LabelTable(replace(SNAPSHOT, digest="sha256:abd"), ROWS),
}


class Memory:
    """Files of the fake."""

    def __init__(self):
        self.writer = MemoryWriter()

    def held(self, path):
        return self.writer.written.get(path)

    def block(self, path):
        self.writer.unwritable.add(path)


class Pyarrow:
    """Files on the disk; a folder in the place of a file cannot be written over."""

    def __init__(self):
        self.writer = PyarrowLabels()

    def held(self, path):
        return path.read_bytes() if path.is_file() else None

    def block(self, path):
        path.mkdir()


@pytest.fixture(params=[Memory, Pyarrow])
def world(request):
    return request.param()


@pytest.mark.parametrize("name", TABLES)
def test_equal_tables_give_equal_bytes(world, name, tmp_path):
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    for path in (one, other):
        world.writer.write(replace(TABLES[name]), path)

    assert world.held(one) == world.held(other)
    assert world.held(one) is not None


@pytest.mark.parametrize(("one", "other"), list(combinations(TABLES, 2)))
def test_tables_that_differ_give_other_bytes(world, one, other, tmp_path):
    for name in (one, other):
        world.writer.write(TABLES[name], tmp_path / name)

    assert world.held(tmp_path / one) != world.held(tmp_path / other)


def test_a_file_is_replaced_by_a_later_one(world, tmp_path):
    path, fresh = tmp_path / "labels.parquet", tmp_path / "fresh.parquet"
    world.writer.write(TABLES["as it is"], path)

    world.writer.write(TABLES["a row less"], path)
    world.writer.write(TABLES["a row less"], fresh)

    assert world.held(path) == world.held(fresh)


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_there(world, tmp_path):
    path = tmp_path / "labels.parquet"
    world.block(path)

    with pytest.raises(Unavailable, match=r"labels\.parquet"):
        world.writer.write(TABLES["as it is"], path)

    assert world.held(path) is None
