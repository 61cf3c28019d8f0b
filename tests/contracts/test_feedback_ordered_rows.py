"""What every `OrderedRows` promises: the rows of the log in a fixed order, compacted or not.

`SortedRows` (over the fakes), `SqlOrderedRows` and `DuckdbRows` keep it.
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.feedback.adapters import sql_ordered_rows
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.snapshots import Recount, build_snapshot
from handrail.storage import open_store
from tests.fakes.effort import tried
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, a_prediction, an_outcome, memory_stores
from tests.fakes.feedback_histories import DEPLOYMENTS, a_history
from tests.fakes.feedback_parts import Parted
from tests.fakes.feedback_store import DATABASES, a_database

HOUR = timedelta(hours=1)
LATER = GO_LIVE + timedelta(days=30)
RULES = [Kind("ground_truth", 36 * HOUR, matching=matching) for matching in ("latest", "all", "refuse")]


class InMemory:
    """The fakes as a world."""

    def __init__(self):
        self.stores = memory_stores()
        self.rows = self.stores.rows

    def record(self, sent):
        self.stores.intake.keep(sent)


@pytest.fixture(params=["memory", *DATABASES])
def a_world(request, tmp_path):
    """Make worlds, each with an empty log."""
    with ExitStack() as worlds:

        def make():
            if request.param == "memory":
                return InMemory()
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            store = open_store(worlds.enter_context(a_database(request.param, folder)))
            worlds.callback(store.close)
            return Parted(store, folder / "parts")

        yield make


def flat(batches):
    held = list(batches)
    assert all(map(len, held))
    return [tuple(row) for row in chain.from_iterable(held)]


def a_scope(chance):
    start = GO_LIVE + chance.choice((0, 1, 19, 20)) * HOUR
    end = start + chance.choice((1, 25, 60, 300)) * HOUR
    as_of = GO_LIVE + chance.choice((0, 20, 50, 90, 400)) * HOUR
    return Scope("ground_truth", start, end, as_of, chance.choice((None, *DEPLOYMENTS)))


@tried(2)
@given(seed=st.integers(0, 2**32))
def test_any_history_gives_the_rows_of_the_log_in_order_and_with_them_the_digest(a_world, seed):
    chance, world, marks = Random(seed), a_world(), []
    sent = a_history(chance)
    for begin in range(0, len(sent), 40):
        world.record(sent[begin : begin + 40])
        marks.append(world.stores.reader.mark())
        if hasattr(world, "compaction") and chance.random() < 0.6:
            world.compaction.run()

    for mark in marks:
        scope, kind = a_scope(chance), chance.choice(RULES)
        wanted = world.stores.reader.read(scope, mark, kind.matching)
        for rows in (world.rows, world.stores.rows):
            recount = Recount(scope, kind, mark)
            made, said = flat(rows.predictions(scope, kind, mark)), flat(rows.events(scope, kind, mark))
            recount.add_predictions(made)
            recount.add_events(said)
            assert made == sorted(map(tuple, wanted.predictions), key=itemgetter(0)), (scope, kind, mark)
            assert said == sorted(map(tuple, wanted.events), key=itemgetter(3, 0))
            assert flat(rows.events(scope, kind, mark, "prediction")) == sorted(said, key=itemgetter(0, 3))
            assert recount.snapshot() == build_snapshot(scope, kind, wanted, mark)


def test_ids_are_sorted_by_code_points_and_come_some_at_once(a_world, monkeypatch):
    monkeypatch.setattr(sql_ordered_rows, "AT_ONCE", 2)
    world = a_world()
    made = [
        a_prediction(hour, prediction_id=name)
        for hour, name in enumerate(("b", "Z", "ä", "a-1", "a", "\U0001f600", "￥"))
    ]
    world.record([*made, *(an_outcome(each, event_id=f"of {each.prediction_id}") for each in made)])
    scope, mark = Scope("ground_truth", GO_LIVE, LATER, LATER), world.stores.reader.mark()

    predictions = flat(world.rows.predictions(scope, GROUND_TRUTH, mark))
    events = flat(world.rows.events(scope, GROUND_TRUTH, mark))

    assert [row[0] for row in predictions] == ["Z", "a", "a-1", "b", "ä", "￥", "\U0001f600"]
    assert [row[3] for row in events] == [f"of {row[0]}" for row in predictions]


def test_an_event_about_several_predictions_comes_once_for_each_of_the_scope(a_world):
    world, kind = a_world(), replace(GROUND_TRUTH, matching="all")
    made = [a_prediction(hour, subject="order") for hour in range(3)]
    key = an_outcome(made[2], event_id="e", prediction_id="", subject="order")
    world.record([key, an_outcome(made[0], event_id="f"), *made])
    scope, mark = Scope("ground_truth", made[1].made_at, LATER, LATER), world.stores.reader.mark()

    assert sorted(row[0] for row in flat(world.rows.events(scope, kind, mark))) == sorted(
        each.prediction_id for each in made[1:]
    )
