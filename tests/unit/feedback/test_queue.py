"""Labels worth buying: a draw that can be made again, and figures that the draw and missing answers do not bend."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback import QueuePlan, make_queue, measure_queue, plan_of
from handrail.feedback.domain.cohorts import Cohort
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.queue import REASONS, draw_queue, labels_of, queue_figures
from tests.fakes.feedback import GO_LIVE, GROUND_TRUTH, LAST, a_log, a_prediction, an_outcome

END = GO_LIVE + timedelta(days=30)
SALES = Kind("sales", timedelta(hours=1))


def a_log_of(count, known=()):
    log = a_log()
    made = [a_prediction(number) for number in range(count)]
    log.record_predictions(made)
    log.record_feedback([an_outcome(made[number]) for number in known])
    return log, made


def a_plan(log, most=10, seed=""):
    return QueuePlan(log.snapshot("ground_truth", GO_LIVE, END, END).digest, most, seed)


def a_cohort(scores, labels=None):
    """A cohort of as many rows as there are scores, the decision at 0.5."""
    scores = tuple(float(each) for each in scores)
    count = len(scores)
    return Cohort(
        scope=Scope("ground_truth", GO_LIVE, END, END),
        prediction_id=tuple(f"p{row}" for row in range(count)),
        subject=tuple(f"s{row}" for row in range(count)),
        deployment=("deploy://local/shop/1",) * count,
        made_at=(GO_LIVE,) * count,
        score=scores,
        predicted=tuple(int(score >= 0.5) for score in scores),
        latency_ms=(None,) * count,
        label=(None,) * count if labels is None else tuple(labels),
        revision=(None,) * count,
        mature=(True,) * count,
    )


def test_the_same_plan_draws_the_same_predictions_whatever_arrived_since():
    log, made = a_log_of(200)
    plan = a_plan(log)
    queue = make_queue(log, plan)

    log.record_predictions([a_prediction(300 + number) for number in range(50)])
    log.record_feedback([an_outcome(each) for each in made[:100]])

    assert make_queue(log, plan) == queue
    assert queue.waiting == 200
    assert 2 <= len(queue.tasks) <= 25
    assert make_queue(log, a_plan(log, seed="other")).tasks != queue.tasks


def test_nobody_is_asked_for_what_is_known():
    log, made = a_log_of(20, known=range(15))

    queue = make_queue(log, a_plan(log, most=20))

    assert (queue.known, queue.waiting) == (15, 5)
    assert {task.prediction_id for task in queue.tasks} == {each.prediction_id for each in made[15:]}
    assert all(task.propensity == 1 for task in queue.tasks)


def test_where_everything_is_known_there_is_nothing_to_ask():
    log, _ = a_log_of(5, known=range(5))

    with pytest.raises(InvalidInput, match="nothing to ask"):
        make_queue(log, a_plan(log))


def test_a_snapshot_that_nobody_took_is_named():
    log, _ = a_log_of(5)

    for call in (lambda plan: make_queue(log, plan), lambda plan: measure_queue(log, plan, LAST)):
        with pytest.raises(UnknownReference, match="sha256:none"):
            call(QueuePlan("sha256:none", 5))


def test_the_unsure_are_drawn_more_often_and_the_sure_never_not_at_all():
    cohort = a_cohort([0.5] * 500 + [0.999] * 500)

    queue = draw_queue(QueuePlan("sha256:a", 200), GROUND_TRUTH, cohort)

    chance = {task.propensity for task in queue.tasks}
    unsure = [task for task in queue.tasks if int(task.prediction_id[1:]) < 500]
    assert len(unsure) > 3 * (len(queue.tasks) - len(unsure)) > 0
    assert min(chance) >= 0.2 * 200 / 1000


def test_of_numbers_each_is_as_likely():
    queue = draw_queue(QueuePlan("sha256:a", 100), SALES, a_cohort(range(1000)))

    assert [task.propensity for task in queue.tasks] == pytest.approx([0.1] * len(queue.tasks))


def test_too_few_answers_are_no_figure():
    log, made = a_log_of(50)
    plan = a_plan(log)
    drawn = make_queue(log, plan).tasks
    log.record_feedback([an_outcome(each) for each in made if each.prediction_id == drawn[0].prediction_id])

    with pytest.raises(InvalidInput, match=f"1 of {len(drawn)} drawn predictions have a label"):
        measure_queue(log, plan, LAST)


def test_a_label_of_what_was_not_drawn_changes_no_figure():
    log, made = a_log_of(200)
    plan = a_plan(log, most=40)
    drawn = {task.prediction_id for task in make_queue(log, plan).tasks}
    log.record_feedback([an_outcome(each, each.label) for each in made if each.prediction_id in drawn])
    before = measure_queue(log, plan, LAST)

    log.record_feedback([an_outcome(each, 1 - each.label) for each in made if each.prediction_id not in drawn])

    assert measure_queue(log, plan, LAST) == before
    assert (before[0].name, before[0].asked, before[0].answered) == ("accuracy", len(drawn), len(drawn))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_intervals_hold_the_truth_as_often_as_they_say(missing):
    """Over 100 draws of a population with a model that is wrong: coverage of 95 % within what chance allows."""
    random = np.random.default_rng(7)
    score = random.uniform(0.02, 0.98, 2000)
    truth = (random.uniform(size=2000) < score**2).astype(float)  # the scores promise too much
    cohort = a_cohort(score)
    right = float(np.mean((score >= 0.5) == (truth == 1)))
    held = {"accuracy": 0, "base_rate": 0}
    for trial in range(100):
        plan = QueuePlan("sha256:a", 150, str(trial))
        queue = draw_queue(plan, GROUND_TRUTH, cohort)
        answered = [task.prediction_id for task in queue.tasks if random.uniform() >= missing]
        now = {name: float(truth[int(name[1:])]) for name in answered}
        for figure in queue_figures(plan, GROUND_TRUTH, cohort, now):
            wanted = right if figure.name == "accuracy" else float(truth.mean())
            held[figure.name] += figure.low <= wanted <= figure.high

    assert all(count >= 88 for count in held.values()), held


def test_scores_shorten_the_interval():
    random = np.random.default_rng(3)
    score = random.choice([0.03, 0.97], 4000)
    truth = (random.uniform(size=4000) < score).astype(float)
    plan = QueuePlan("sha256:a", 200)
    cohort = a_cohort(score)
    drawn = draw_queue(plan, GROUND_TRUTH, cohort).tasks

    figures = queue_figures(
        plan, GROUND_TRUTH, cohort, {task.prediction_id: float(truth[int(task.prediction_id[1:])]) for task in drawn}
    )

    rate = next(each for each in figures if each.name == "base_rate")
    assert rate.high - rate.low < 0.6 * (rate.alone[1] - rate.alone[0])
    assert rate.effective > 2 * rate.answered
    assert rate.low <= truth.mean() <= rate.high


def test_of_numbers_the_mean_error_and_the_mean_are_estimated():
    cohort = a_cohort(range(1, 401))
    plan = QueuePlan("sha256:a", 100)
    drawn = draw_queue(plan, SALES, cohort).tasks
    now = {task.prediction_id: float(task.prediction_id[1:]) + 3 for task in drawn}  # 2 above each score

    error, mean = queue_figures(plan, SALES, cohort, now)

    assert (error.name, mean.name) == ("mae", "mean_label")
    assert error.low <= 2 <= error.high
    assert mean.value == pytest.approx(np.mean(range(3, 403)), abs=0.5)


def test_labels_of_a_cohort_are_by_id():
    assert labels_of(a_cohort([0.1, 0.9], [None, 1.0])) == {"p0": None, "p1": 1.0}


def reported(cohort, labels, revisions):
    return replace(cohort, label=tuple(labels), revision=tuple(revisions))


def test_asked_about_are_those_past_maturity_whose_truth_nobody_reported():
    """Silence means 0 here, once mature; p2 is too young, p3 was reported."""
    cohort = reported(a_cohort([0.5] * 4), [0.0, 0.0, None, 1.0], [None, None, None, 0])
    cohort = replace(cohort, mature=(True, True, False, True))

    queue = draw_queue(QueuePlan("sha256:a", 9, reason="never-came"), GROUND_TRUTH, cohort)

    assert [task.prediction_id for task in queue.tasks] == ["p0", "p1"]
    assert (queue.waiting, queue.known) == (2, 1)


def test_each_whose_truth_never_came_is_as_likely():
    queue = draw_queue(QueuePlan("sha256:a", 100, reason="never-came"), GROUND_TRUTH, a_cohort([0.5, 0.999] * 500))

    assert {round(task.propensity, 9) for task in queue.tasks} == {0.1}


def test_another_reason_draws_others():
    cohort = a_cohort([0.5] * 400)
    one, other = (draw_queue(QueuePlan("sha256:a", 40, "", reason), GROUND_TRUTH, cohort) for reason in REASONS)

    assert one.tasks != other.tasks


def test_where_every_truth_came_there_is_nothing_to_ask():
    log, _ = a_log_of(5, known=range(5))

    with pytest.raises(InvalidInput, match="5 predictions past their maturity has a label"):
        make_queue(log, replace(a_plan(log), reason="never-came"))


def test_what_silence_means_is_not_taken_for_an_answer():
    log, made = a_log_of(60)
    plan = QueuePlan(log.snapshot("conversion", GO_LIVE, END, LAST).digest, 60, reason="never-came")
    log.record_feedback([an_outcome(each, 1, kind="conversion") for each in made[:3]])

    for figure in measure_queue(log, plan, LAST):
        assert (figure.asked, figure.answered, figure.known) == (60, 3, 0)


def test_figures_are_unbiased_where_truths_that_never_came_differ_from_those_that_did():
    """The truth of positives comes half as often; taking what came alone would be 0.1 off. Coverage over 100 draws."""
    random = np.random.default_rng(11)
    score = random.uniform(0.02, 0.98, 3000)
    truth = (random.uniform(size=3000) < score).astype(float)
    came = random.uniform(size=3000) < np.where(truth == 1, 0.4, 0.8)
    labels = [float(truth[row]) if came[row] else None for row in range(3000)]
    cohort = reported(a_cohort(score), labels, [0 if came[row] else None for row in range(3000)])
    naive = truth[came].mean()
    held, values = 0, []
    for trial in range(100):
        plan = QueuePlan("sha256:a", 200, str(trial), "never-came")
        now = {row: label for row, label in zip(cohort.prediction_id, labels, strict=True) if label is not None}
        now |= {
            task.prediction_id: float(truth[int(task.prediction_id[1:])])
            for task in draw_queue(plan, GROUND_TRUTH, cohort).tasks
        }
        rate = queue_figures(plan, GROUND_TRUTH, cohort, now)[1]
        values.append(rate.value)
        held += rate.low <= truth.mean() <= rate.high

    assert abs(naive - truth.mean()) > 0.1
    assert np.mean(values) == pytest.approx(truth.mean(), abs=0.005)
    assert held >= 88


def test_a_file_from_before_there_were_reasons_is_read_as_it_was_meant():
    assert plan_of({"snapshot": "sha256:a", "most": 10, "seed": ""}).reason == "unsure"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"snapshot": "sha256:a", "most": "10", "seed": ""},
        {"snapshot": "sha256:a", "most": True, "seed": ""},
        {"snapshot": "sha256:a", "most": 0, "seed": ""},
        {"snapshot": 1, "most": 10, "seed": ""},
        {"snapshot": "sha256:a", "most": 10, "seed": "two\nlines"},
        {"snapshot": "sha256:a", "most": 10, "seed": "x" * 201},
        {"snapshot": "sha256:a", "most": 10, "seed": "", "more": 1},
        {"snapshot": "sha256:a", "most": 10, "seed": "", "reason": "late"},
        {"snapshot": "sha256:a", "most": 10, "seed": "", "reason": 1},
    ],
)
def test_what_is_no_plan_is_a_sentence(said):
    with pytest.raises(InvalidInput):
        plan_of(said)
