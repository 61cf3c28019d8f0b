"""What every `LabelReader` promises: the cohort of the rules in Python, by columns, compacted or not.

`PlainLabels` and `DuckdbLabels` keep it.
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.feedback.adapters import duckdb_labels
from handrail.feedback.adapters.pyarrow_cohorts import as_table, cohort_schema
from handrail.feedback.domain.addresses import Matching
from handrail.feedback.domain.cohorts import build_cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Aggregation, Scope
from handrail.storage import open_store
from tests.fakes.effort import tried
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, a_prediction, an_outcome
from tests.fakes.feedback_histories import DEPLOYMENTS, a_history
from tests.fakes.feedback_parts import Parted
from tests.fakes.feedback_store import DATABASES, a_database

HOUR = timedelta(hours=1)
LATER = GO_LIVE + timedelta(days=30)
CASES: list[tuple[float | None, Matching, Aggregation]] = [
    (None, "latest", "last"), (0.0, "all", "sum"), (None, "refuse", "mean"), (0.5, "latest", "first"),
    (None, "all", "mean"), (None, "latest", "sum"),
]  # fmt: skip
RULES = [
    Kind("ground_truth", timedelta(hours=36), absent, matching=matching, aggregation=aggregation)
    for absent, matching, aggregation in CASES
]


@pytest.fixture(params=DATABASES)
def a_world(request, tmp_path):
    """Make worlds, each with an empty log."""
    with ExitStack() as worlds:
        number = count()

        def make():
            folder = tmp_path / str(next(number))
            folder.mkdir()
            store = open_store(worlds.enter_context(a_database(request.param, folder)))
            worlds.callback(store.close)
            return Parted(store, folder / "a [folder]* of 'parts'?")

        yield make


def read(reader, scope, kind, mark):
    return pa.concat_tables([cohort_schema().empty_table(), *reader.tables(scope, kind, mark)])


def expected(world, scope, kind, mark):
    return as_table(build_cohort(scope, kind, world.stores.reader.read(scope, mark, kind.matching)))


def a_scope(chance):
    start = GO_LIVE + chance.choice((0, 1, 19, 20)) * HOUR
    end = start + chance.choice((1, 25, 60, 300)) * HOUR
    as_of = GO_LIVE + chance.choice((0, 20, 50, 90, 400)) * HOUR
    return Scope("ground_truth", start, end, as_of, chance.choice((None, *DEPLOYMENTS)))


@tried(2)
@given(seed=st.integers(0, 2**32))
def test_any_history_gives_the_cohort_of_the_rules_in_python_whenever_it_was_compacted(a_world, seed):
    chance, world, marks = Random(seed), a_world(), []
    sent = a_history(chance)
    for begin in range(0, len(sent), 40):
        world.record(sent[begin : begin + 40])
        marks.append(world.stores.reader.mark())
        if chance.random() < 0.6:
            world.compaction.run()

    for mark in marks:
        for kind in chance.sample(RULES, 2):
            scope = a_scope(chance)
            wanted = expected(world, scope, kind, mark)
            assert read(world.columns, scope, kind, mark).equals(wanted), (scope, kind, mark)
            assert read(world.plain, scope, kind, mark).equals(wanted)


def test_tables_come_day_by_day_in_order_and_none_is_empty(a_world, monkeypatch):
    monkeypatch.setattr(duckdb_labels, "ROWS_AT_ONCE", 30)
    world = a_world()
    world.record([a_prediction(hour) for hour in range(100)])
    world.compaction.run()
    scope = Scope("ground_truth", GO_LIVE, LATER, LATER)

    tables = list(world.columns.tables(scope, GROUND_TRUTH, world.stores.reader.mark()))

    # From four in the morning on: 20 hours, then whole days of 24.
    assert [len(each) for each in tables] == [20, 24, 24, 24, 8]
    assert pa.concat_tables(tables).column("made_at").to_pylist() == [GO_LIVE + hour * HOUR for hour in range(100)]


def test_without_the_files_that_are_recorded_the_log_alone_is_read(a_world):
    world = a_world()
    world.record([a_prediction(0), a_prediction(40), an_outcome(a_prediction(0))])
    world.compaction.run()
    scope, mark = Scope("ground_truth", GO_LIVE, LATER, LATER), world.stores.reader.mark()
    (world.folder / world.book.all()[-1].path).unlink()

    assert read(world.columns, scope, GROUND_TRUTH, mark).equals(expected(world, scope, GROUND_TRUTH, mark))


def test_an_arrival_that_is_reported_after_a_compaction_counts(a_world):
    world, prediction = a_world(), a_prediction(0)
    late = an_outcome(prediction, received_at=GO_LIVE + 90 * HOUR)
    world.record([prediction, late])
    world.compaction.run()
    scope = Scope("ground_truth", GO_LIVE, LATER, GO_LIVE + 50 * HOUR)
    before = read(world.columns, scope, GROUND_TRUTH, world.stores.reader.mark()).column("label").to_pylist()

    world.record([replace(late, received_at=GO_LIVE + 40 * HOUR)])

    assert before == [None]
    assert read(world.columns, scope, GROUND_TRUTH, world.stores.reader.mark()).column("label").to_pylist() == [1.0]
