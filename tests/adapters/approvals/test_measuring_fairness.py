"""How differently a candidate treats groups, as the gate measures it, and a policy that refuses by it."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from handrail.approvals.adapters.keeper_values import plan_from
from handrail.approvals.adapters.measuring import measure
from handrail.approvals.adapters.policy_file import read_policy
from handrail.approvals.domain.evaluation import read_answer
from handrail.approvals.domain.evidence import Evidence, Level
from handrail.approvals.domain.fairness import FairnessPlan
from handrail.approvals.domain.policy import measure_rules
from handrail.approvals.rule_ports import RuleText
from handrail.scoring import Scorer
from handrail.statistics import RATES_OF, names_of_disparity
from tests.fakes.labelled_rows import labelled_rows
from tests.fakes.questions import Questions

RATES = {rate.name: names_of_disparity(rate) for rate in RATES_OF["binary"]}
POLICY = """
version: 2
alias: champion
quorum: {ml-engineer: 1}
rules:
  - {measure: fairness.carrier.selection_rate.difference_low, at_most: 0.2}
"""


@pytest.fixture
def question(tmp_path):
    carrier = np.random.default_rng(5).choice(("AA", "UA", "OO"), 1200, p=[0.6, 0.38, 0.02])
    # The candidate answers by the miles, and one carrier flies far.
    miles = np.where(carrier == "UA", 1500.0, 800.0) + np.arange(1200) % 1500
    rows = labelled_rows(1200, carrier=carrier, distance_miles=miles)
    asked = Questions(tmp_path).ask((-0.030, 0.0010), None, rows, draws=100)
    plan = replace(asked.plan, fairness=FairnessPlan(("carrier",), 50, RATES))
    return replace(asked, plan=plan), rows


def _answer(question):
    files = {
        "snapshot": Path(question.snapshot).read_bytes(),
        "candidate.scoring": question.candidate.scoring,
        "candidate.network": question.candidate.network,
    }
    return measure(asdict(question.plan), files)


def test_the_gate_compares_groups_by_what_the_package_decides(question):
    asked, rows = question

    found = read_answer(json.dumps(_answer(asked)).encode(), asked).measures["fairness"]["carrier"]

    scorer = Scorer.read(asked.candidate.scoring, asked.candidate.network, "a model")
    called = scorer.answer({name: rows[name].to_list() for name in scorer.features}).label == 1
    by_carrier = {name: called[rows["carrier"].to_numpy() == name].mean() for name in ("AA", "UA")}
    assert found["selection_rate"]["difference"] == pytest.approx(by_carrier["UA"] - by_carrier["AA"], abs=1e-9)
    assert (found["selection_rate"]["highest"], found["selection_rate"]["lowest"]) == ("carrier UA", "carrier AA")
    assert (found["groups"], found["judged"], found["rows"]) == (3, 2, 1200)


def test_a_policy_refuses_what_surely_treats_groups_too_differently(question):
    asked, _ = question
    found = read_answer(json.dumps(_answer(asked)).encode(), asked).measures
    policy = read_policy(RuleText("config/policies/champion.yaml", POLICY), "champion").policy("champion")

    by_level = {
        level: measure_rules(policy, [Evidence(level, "somebody", found)], replacing=False)[0].failure
        for level in (Level.CLAIMED, Level.RECOMPUTED)
    }
    absent = measure_rules(policy, [Evidence(Level.RECOMPUTED, "the gate", {"fairness": {}})], replacing=False)

    assert "the policy wants it recomputed" in by_level[Level.CLAIMED]
    assert "at most 0.2" in by_level[Level.RECOMPUTED]
    assert "is not in the evidence" in absent[0].failure


def test_rows_without_the_column_leave_the_segment_out(question):
    asked, _ = question
    gone = replace(asked.plan.cases.groupings[0], column="nowhere")
    cases = replace(asked.plan.cases, groupings=(gone, *asked.plan.cases.groupings[1:]))
    asked = replace(asked, plan=replace(asked.plan, cases=cases))

    assert read_answer(json.dumps(_answer(asked)).encode(), asked).measures["fairness"] == {}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("carrier",), None),
        (("nowhere",), {}),
        (("carrier", "rows"), 7),
        (("carrier", "judged"), 90),
        (("carrier", "selection_rate", "difference"), float("inf")),
        (("carrier", "selection_rate", "difference"), 0.99999),
        (("carrier", "selection_rate", "difference_low"), -1),
        (("carrier", "selection_rate", "highest"), 5),
        (("carrier", "selection_rate", "more"), 5),
        (("carrier", "fun"), {}),
    ],
)
def test_an_answer_that_cannot_be_is_none(question, path, value):
    asked, _ = question
    answer = _answer(asked)
    place = answer["fairness"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    with pytest.raises(ValueError, match="fairness"):
        read_answer(json.dumps(answer).encode(), asked)


def test_a_plan_passes_to_the_keeper_and_keeps_its_digest_without_fairness(question):
    plan = question[0].plan

    assert plan_from(json.loads(json.dumps(asdict(plan)))) == plan
    assert replace(plan, fairness=None).digest != plan.digest
    assert "fairness" not in {name for name, value in asdict(replace(plan, fairness=None)).items() if value}
