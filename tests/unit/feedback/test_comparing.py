"""Two versions judged by what is known of both: split, shadow, what blocks a verdict, and when there is none."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from handrail.feedback import ComparisonPlan, Guard, Measure
from handrail.statistics import Checks, OpenEnded, difference_of_proportions, judge, paired_difference
from tests.fakes.compared_versions import BUY, SHADOW, SPLIT, compared, shadow, split


def test_a_clearly_better_challenger_is_found_and_an_equal_one_is_not():
    better = compared(split(rates=(0.1, 0.14)))
    equal = compared(split(), matters=0.005)

    assert better.verdict.answer == "better"
    assert better.verdict.gain.low > 0
    assert equal.verdict.answer == "inconclusive"
    assert equal.verdict.gain.low < 0 < equal.verdict.gain.high
    assert compared(split(rates=(0.14, 0.1))).verdict.answer == "worse"


def test_the_gain_is_that_of_the_statistics_on_all_rows():
    rows = split(rates=(0.1, 0.13))
    bought = {each: sum(row["label"] for row in rows if row["variant"] == each) for each in ("champion", "challenger")}
    expected = difference_of_proportions((bought["champion"], 4_000), (bought["challenger"], 4_000))

    found = compared(rows)

    assert found.verdict.gain.value == pytest.approx(float(expected.gain), abs=1e-15)
    assert found.units == 4_000
    assert found.looks == 40
    assert (found.champion.mean, found.challenger.mean) == (bought["champion"] / 4_000, bought["challenger"] / 4_000)


def test_the_order_of_rows_changes_nothing():
    rows = split(count=600, rates=(0.1, 0.2))
    mixed = random.Random(3).sample(rows, len(rows))

    assert compared(mixed) == compared(rows)


def test_asking_each_day_or_once_reads_the_same_looks():
    rows = split(count=3_000, rates=(0.1, 0.15))
    whole = compared(rows)
    decided = whole.verdict.look

    early = compared([row for row in rows if row["hours"] < 24 * (decided + 1)])

    assert early.verdict.answer == "better"
    assert early.verdict.look == decided
    before = compared([row for row in rows if row["hours"] < 24 * decided])
    assert before.verdict.answer in ("inconclusive", "blocked")


def test_arms_of_other_shares_than_intended_block_every_verdict():
    rows = split(rates=(0.1, 0.2))
    lost = [row for n, row in enumerate(rows) if row["variant"] == "champion" or n % 4]

    found = compared(lost)

    assert found.verdict.answer == "blocked"
    assert found.verdict.blocked_by == ("arm_ratio",)
    assert found.ratio_p < 0.001
    assert compared(lost, shares=(4 / 7, 3 / 7)).verdict.answer == "better"


def test_outcomes_that_one_arm_loses_block_as_well():
    rows = split(rates=(0.1, 0.2))
    for n, row in enumerate(rows):
        if row["variant"] == "challenger" and n % 4 == 0:
            row["label"] = None

    found = compared(rows)

    assert found.verdict.blocked_by == ("arm_ratio",)


def test_immature_predictions_block_every_verdict():
    rows = split(rates=(0.1, 0.2))
    rows[-1]["mature"] = False

    found = compared(rows)

    assert (found.verdict.answer, found.verdict.blocked_by, found.mature) == ("blocked", ("immature",), False)


def test_what_is_known_of_immature_predictions_is_not_counted():
    rows = split(count=300, rates=(0.1, 0.1))
    young = [{**row, "mature": row["hours"] < 480} for row in rows]

    found = compared(young)

    assert found.champion.judged == sum(row["variant"] == "champion" and row["mature"] for row in young)
    assert found.champion.judged < 300


def test_few_subjects_are_too_few():
    found = compared(split(count=150, rates=(0.1, 0.9)))

    assert found.verdict.blocked_by == ("too_few",)


def test_without_one_outcome_nothing_is_said():
    found = compared(split(count=300, label=None))

    assert found.verdict.blocked_by == ("too_few",)
    assert (found.looks, found.simulated, found.champion.mean) == (0, None, None)


def test_an_inconclusive_answer_says_what_would_end_it():
    found = compared(split(count=3_000, rates=(0.100, 0.110)), matters=0.005)

    assert found.verdict.answer == "inconclusive"
    assert found.verdict.more_units > 0
    assert found.days_left == pytest.approx(found.verdict.more_units / (3_000 / 40), rel=0.05)


def test_within_what_matters_there_is_no_difference():
    found = compared(split(count=20_000, rates=(0.10, 0.10)), matters=0.03)

    assert found.verdict.answer == "no_difference"


def test_subjects_that_both_arms_have_are_left_out_and_counted():
    rows = split(count=500)
    rows.append({**rows[0], "variant": "challenger", "hours": 900})

    found = compared(rows)

    assert found.crossed == 1
    assert found.champion.judged == 499


def test_a_subject_with_many_predictions_is_one_observation():
    rows = split(count=400, rates=(0.3, 0.3))
    again = [{**row, "hours": row["hours"] + 1 + n} for row in rows for n in range(5)]

    found = compared([*rows, *again])

    assert found.units == 400
    alone = compared(rows)
    width = found.verdict.gain.high - found.verdict.gain.low
    assert width == pytest.approx(alone.verdict.gain.high - alone.verdict.gain.low, rel=0.02)


def test_a_fixed_horizon_has_its_own_looks_and_ends_there():
    plan = ComparisonPlan(SPLIT, BUY, "fixed_horizon", horizon=4_000)

    found = compared(split(rates=(0.1, 0.13)), plan)
    past = compared(split(rates=(0.1, 0.101)), replace(plan, horizon=2_000))

    assert found.verdict.answer == "better"
    assert past.verdict.answer in ("inconclusive", "no_difference")
    assert past.verdict.more_units is None


@pytest.mark.parametrize("more", [{"matters": 0.01}, {"design": "fixed_horizon", "horizon": 4_000}])
def test_the_simulated_rate_of_false_positives_keeps_its_promise_and_peeking_does_not(more):
    found = compared(split(), **more)

    assert found.simulated.decided <= 0.065
    assert found.simulated.naive > 0.2


def test_cases_that_both_answered_are_compared_in_pairs():
    rows = shadow()
    plan = ComparisonPlan(SHADOW, Measure("truth", "brier"), matters=0.01)
    gains = [
        (rows[n]["score"] - rows[n]["label"]) ** 2 - (rows[n + 1]["score"] - rows[n + 1]["label"]) ** 2
        for n in range(0, len(rows), 2)
    ]

    found = compared(rows, plan)

    assert (found.paired, found.pairs, found.ratio_p) == (True, 2_000, 1.0)
    expected = paired_difference(np.array(gains))
    assert found.verdict.gain.value == pytest.approx(float(expected.gain), abs=1e-12)
    last = judge(expected, OpenEnded(0.01), Checks())
    assert found.verdict.answer == last.answer == "better"


def test_a_pair_is_made_by_time_and_each_answer_is_in_one_pair():
    rows = shadow(count=300)
    apart = [{**row, "hours": row["hours"] + (0.4 if row["deployment"] == SHADOW.challenger else 0)} for row in rows]
    far = [{**row, "hours": row["hours"] + (2 if row["deployment"] == SHADOW.challenger else 0)} for row in rows]
    twice = [*rows, *({**row, "hours": row["hours"] + 0.2} for row in rows if row["deployment"] == SHADOW.champion)]
    plan = ComparisonPlan(SHADOW, Measure("truth", "brier"), matters=0.01, paired=True)

    assert compared(apart, plan).pairs == 300
    assert compared(far, plan).pairs == 0
    found = compared(twice, plan)
    assert (found.pairs, found.champion.predictions) == (300, 600)
    assert found.verdict.gain == compared(rows, plan).verdict.gain


def test_days_as_units_are_wider_where_a_day_shares_its_luck():
    rows, source = shadow(count=4_000, worth=0.0, noise=0.01), random.Random(5)
    luck = {day: source.gauss(0, 0.05) for day in range(60)}
    for row in rows:
        if row["deployment"] == SHADOW.challenger:
            row["score"] = min(max(row["score"] + luck[int(row["hours"] // 24)], 0), 1)
    plan = ComparisonPlan(SHADOW, Measure("truth", "brier"), matters=0.01)

    by_subject, by_day = compared(rows, plan), compared(rows, replace(plan, unit="day"))

    width = lambda found: found.verdict.gain.high - found.verdict.gain.low  # noqa: E731
    assert (by_subject.units, by_day.units) == (4_000, 40)
    assert width(by_day) > 1.3 * width(by_subject)


def test_two_days_that_were_bad_alike_break_no_guardrail():
    rows = shadow(count=4_000, worth=0.0, noise=0.01)
    for row in rows:
        if row["hours"] < 48:
            weak = 0.3 + row["hours"] / 10_000
            row["label"], row["score"] = 1, weak if row["deployment"] == SHADOW.challenger else 0.5
    guard = Guard(Measure("truth", "brier"), 0.05)
    plan = ComparisonPlan(SHADOW, Measure("truth", "brier"), matters=0.05, unit="day", guards=(guard,))

    (found,) = compared(rows, plan).guardrails

    assert found.standing != "broken"
    assert found.low < found.gain < found.high
