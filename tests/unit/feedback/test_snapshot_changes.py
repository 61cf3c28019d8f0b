"""What a snapshot was made from, and why two of them differ."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import Included, Tally
from handrail.feedback.domain.snapshots import SnapshotChanged
from tests.fakes.effort import tried
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, a_log, a_prediction, an_outcome, memory_stores
from tests.fakes.feedback_histories import HOUR, a_history

DAY = timedelta(days=1)
MONTH = ("ground_truth", GO_LIVE, GO_LIVE + 31 * DAY)
SOON, LATE = GO_LIVE + 20 * HOUR, GO_LIVE + 60 * DAY
MADE = [a_prediction(hour, prediction_id=f"p{hour}") for hour in range(6)]


def changes(log, before, after):
    return {each.prediction_id: each for each in log.snapshot_changes(before.digest, after.digest)}


def heard_at(hour, number, value=1.0, **more):
    return an_outcome(MADE[number], value, received_at=GO_LIVE + hour * HOUR, **more)


def test_a_snapshot_lists_its_predictions_and_its_events_each_once():
    log = a_log(kinds=[replace(GROUND_TRUTH, matching="all")])
    log.record_predictions([replace(each, subject="order") for each in MADE[:2]])
    log.record_feedback([
        an_outcome(MADE[1], event_id="b", prediction_id="", subject="order"), an_outcome(MADE[0], event_id="a"),
    ])  # fmt: skip
    taken = log.snapshot(*MONTH, LATE)

    assert taken.events == 3
    assert list(log.snapshot_ids(taken.digest)) == [
        Included("prediction", "p0"), Included("prediction", "p1"), Included("event", "a"), Included("event", "b"),
    ]  # fmt: skip


def test_ids_of_altered_rows_end_in_an_error():
    stores = memory_stores()
    log = a_log(stores)
    log.record_predictions(MADE)
    taken = log.snapshot(*MONTH, LATE)
    stores.predictions.log.rows["p3"] = replace(MADE[3], score=0.9)

    found = log.snapshot_ids(taken.digest)

    with pytest.raises(SnapshotChanged):
        list(found)
    with pytest.raises(UnknownReference, match="no snapshot"):
        list(log.snapshot_ids("sha256:0"))


def test_each_reason_is_named():
    log = a_log()
    log.record_predictions(MADE[:5])
    log.record_feedback([
        heard_at(1, 1, event_id="e1"), heard_at(1, 2, event_id="e2"), heard_at(1, 3, event_id="e3"),
        heard_at(1, 4, event_id="e4", revision=1),
        heard_at(30, 0, event_id="f0"),
        heard_at(30, 1, 0.0, event_id="f1", revision=1),
        heard_at(30, 2, None, event_id="f2", revision=1, retracts=True),
        heard_at(30, 4, 1.0, event_id="f4", revision=0),
    ])  # fmt: skip
    soon, later = log.snapshot(*MONTH, SOON), log.snapshot(*MONTH, SOON + 12 * HOUR)
    last = log.snapshot(*MONTH, LATE)

    found = changes(log, soon, later)
    matured = changes(log, later, last)

    assert {name: each.why for name, each in found.items()} == {
        "p0": ("answered",), "p1": ("corrected",), "p2": ("retracted",), "p4": ("reported again",),
    }  # fmt: skip
    assert (found["p1"].before.value, found["p1"].after.value, found["p1"].new_events) == (1.0, 0.0, ("f1",))
    assert (found["p1"].before.label, found["p1"].after.label) == (None, None)
    assert {name: each.why for name, each in matured.items()} == {
        "p0": ("matured", "label changed"), "p1": ("matured", "label changed"), "p2": ("matured",),
        "p3": ("matured", "label changed"), "p4": ("matured", "label changed"),
    }  # fmt: skip
    assert changes(log, last, last) == {}


def test_predictions_of_one_snapshot_alone_are_added_or_left():
    log = a_log()
    log.record_predictions(MADE)
    early = log.snapshot("ground_truth", GO_LIVE, GO_LIVE + 4 * HOUR, LATE)
    late = log.snapshot("ground_truth", GO_LIVE + HOUR, GO_LIVE + 9 * HOUR, LATE)

    found = changes(log, early, late)

    assert {name: each.why for name, each in found.items()} == {
        "p0": ("left",), "p4": ("added",), "p5": ("added",),
    }  # fmt: skip
    assert (found["p0"].after, found["p4"].before, found["p4"].new_events) == (None, None, ())


def test_snapshots_of_two_kinds_and_altered_ones_are_not_compared():
    stores = memory_stores()
    log = a_log(stores)
    log.record_predictions(MADE)
    truth, conversion = log.snapshot(*MONTH, LATE), log.snapshot("conversion", *MONTH[1:], LATE)

    with pytest.raises(InvalidInput, match="of 'ground_truth', the other of 'conversion'"):
        changes(log, truth, conversion)
    stores.predictions.log.rows["p3"] = replace(MADE[3], score=0.9)
    with pytest.raises(SnapshotChanged):
        changes(log, truth, truth)


@tried(10)
@given(seed=st.integers(0, 2**32))
def test_any_two_snapshots_differ_where_their_cohorts_do(seed):
    chance = Random(seed)
    log = a_log(kinds=[replace(GROUND_TRUTH, values=(), matching=chance.choice(("latest", "all", "refuse")),
                               aggregation=chance.choice(("last", "sum")))])  # fmt: skip
    log._stores.intake.keep([each for each in a_history(chance) if getattr(each, "kind", "") != "revenue"])
    taken = [log.snapshot(*MONTH, GO_LIVE + chance.choice((10, 20, 50, 90, 400)) * HOUR) for _ in range(2)]

    def counted(digest):
        cohort = log.snapshot_cohort(digest)
        rows = zip(cohort.prediction_id, cohort.label, cohort.mature, cohort.revision, strict=True)
        return {name: (label if mature else None, mature, revision) for name, label, mature, revision in rows}

    one, other = (counted(each.digest) for each in taken)
    found, tally = changes(log, *taken), Tally()
    for each in found.values():
        tally.add(each)

    assert {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)} <= found.keys()
    for name, each in found.items():
        for side, cohort in ((each.before, one), (each.after, other)):
            shown = None if side is None else (side.label, side.mature, side.revision)
            assert shown == cohort.get(name)
    assert ("label changed" in tally.counts()) == any(
        one[name][0] != other[name][0] for name in one.keys() & other.keys()
    )
    ids = {each for each in log.snapshot_ids(taken[0].digest) if each.what == "event"}
    assert len(ids) == len({each.identifier for each in ids})
