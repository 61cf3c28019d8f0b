"""What both versions decide, counted on one base: the counts add up, and loss is said beside gain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals import Wording
from handrail.entrypoints.console.request_calls import (
    call_rows,
    calls_of,
    calls_sentences,
    group_calls,
    worst_first,
)
from tests.fakes.approvals_evidence import WORDING
from tests.fakes.effort import tried


def _found(before, after, positives, rows=26857, **intervals):
    """Return measures of two versions, each (called rightly, called wrongly) of all rows."""

    def shares(counts):
        hits, alarms = counts
        called = hits + alarms
        return {"called": called / rows, "found": hits / positives, "right": hits / called if called else None}

    of = {"champion": shares(before) if before else None, "candidate": shares(after)}
    measures = [
        {"name": name, **{who: row and row[name] for who, row in of.items()}} | intervals.get(name, {})
        for name in ("found", "right", "called")
    ]
    rate = positives / rows
    return {"rows": rows, "measures": [*measures, {"name": "base_rate", "champion": rate, "candidate": rate}]}


UP, DOWN = {"low": 0.1, "high": 0.2}, {"low": -0.2, "high": -0.1}
LOWER_THRESHOLD = _found((859, 617), (1363, 2003), 3537, found=UP, right=DOWN, called=UP)


def test_found_false_alarms_and_missed_stand_on_one_base():
    calls = calls_of(LOWER_THRESHOLD, WORDING)

    assert (calls["base"], calls["positives"]) == (1000, 132)
    assert calls["candidate"] == {"called": 126, "rightly": 51, "wrongly": 75, "missed": 81}
    assert (calls["better"], calls["worse"]) == (True, True)
    assert calls_sentences(calls) == (
        "Of 1,000 flights, 126 instead of 55 would be called late: 51 instead of 32 rightly and 75 instead of 23 "
        "wrongly, as false alarms. Of 132 that landed late, 81 instead of 100 would be missed."
    )
    assert [(row["label"], row["change_text"], row["side"]) for row in call_rows(calls)] == [
        ("Called late, rightly", "+19", "better"),
        ("Called late, wrongly", "+52", "worse"),
        ("Missed", "−19", "better"),
    ]


def test_more_false_alarms_alone_are_worse_also_where_no_share_moved_clearly():
    calls = calls_of(_found((859, 617), (859, 2003), 3537, called=UP), WORDING)

    assert (calls["better"], calls["worse"]) == (False, True)


def test_a_first_version_is_counted_alone():
    calls = calls_of(_found(None, (859, 617), 3537), WORDING)

    assert call_rows(calls) == []
    assert calls_sentences(calls) == (
        "Of 1,000 flights, 55 are called late: 32 rightly and 23 wrongly, as false alarms. "
        "Of 132 that landed late, 100 are missed."
    )


def test_a_version_that_calls_nothing_has_no_false_alarms():
    calls = calls_of(_found((859, 617), (0, 0), 3537), Wording())

    assert calls["candidate"] == {"called": 0, "rightly": 0, "wrongly": 0, "missed": 132}
    assert calls_sentences(calls).startswith("Of 1,000 cases, 0 instead of 55 would be called positive: 0 instead of")


def test_rare_calls_are_counted_on_a_larger_base_where_there_are_cases_enough():
    assert calls_of(_found((20, 30), (30, 30), 90, rows=100_000), WORDING)["base"] == 100_000
    assert calls_of(_found((2, 3), (3, 3), 9, rows=1_500), WORDING)["base"] == 1_000


def test_without_a_measured_share_it_follows_from_what_was_found():
    found = LOWER_THRESHOLD | {"measures": LOWER_THRESHOLD["measures"][:3]}

    assert calls_of(found, WORDING)["positives"] == 132


@pytest.mark.parametrize("measures", [[], [{"name": "rmse", "candidate": 1.0}], [{"name": "called", "candidate": 1}]])
def test_other_answers_than_yes_and_no_have_no_such_counts(measures):
    assert calls_of({"rows": 100, "measures": measures}, WORDING) is None
    assert call_rows(None) == []


counts = st.tuples(st.integers(0, 500), st.integers(0, 500))


@given(before=counts, after=counts, positives=st.integers(500, 900))
@tried(200)
def test_the_parts_add_up(before, after, positives):
    calls = calls_of(_found(before, after, positives, rows=2000), WORDING)

    for who, (hits, alarms) in (("champion", before), ("candidate", after)):
        count = calls[who]
        assert count["called"] == count["rightly"] + count["wrongly"]
        assert count["rightly"] + count["missed"] == calls["positives"]
        assert abs(count["rightly"] - hits / 2) <= 0.51
        assert abs(count["wrongly"] - alarms / 2) <= 0.51


def test_groups_are_ordered_by_how_many_more_answers_are_wrong():
    def group(label, called, right):
        both = {"called_champion": 0.05, "right_champion": 0.6, "called_candidate": called, "right_candidate": right}
        return {"label": label, "found_champion": 0.2, "found_candidate": 0.3, **group_calls(both)}

    rows = worst_first([group("a", 0.06, 0.6), group("b", 0.2, 0.2), group("c", 0.1, 0.9)])

    assert [(row["label"], row["alarms_text"], row["more_text"]) for row in rows] == [
        ("b", "20 → 160", "+130"),
        ("a", "20 → 24", "−2"),
        ("c", "20 → 10", "−70"),
    ]


def test_groups_from_before_calls_were_measured_are_ordered_by_what_is_found():
    rows = [{"label": "x", "found_champion": 0.2, "found_candidate": 0.3}]
    rows += [{"label": "y", "found_champion": 0.3, "found_candidate": 0.2}]

    assert [row["label"] for row in worst_first([row | group_calls(row) for row in rows])] == ["y", "x"]
