"""`Evaluator`: the same promises by the fake and by a confined process that scores real ONNX files."""

from math import isfinite

import pytest

from handrail.approvals.adapters.evaluation_process import EvaluationProcess
from handrail.approvals.adapters.socket_custody import SocketEvaluator
from handrail.approvals.domain.evaluation import COMPARED, names_of
from tests.fakes.approvals_evidence import FakeEvaluator
from tests.fakes.keeper import asking
from tests.fakes.labelled_rows import GOOD, WEAK
from tests.fakes.questions import Questions


@pytest.fixture
def questions(tmp_path):
    return Questions(tmp_path)


@pytest.fixture(params=["memory", "socket", "process"])
def evaluator(request, questions):
    if request.param == "process":
        yield EvaluationProcess()
        return
    fake = FakeEvaluator()
    fake.quality = {questions.package(GOOD).network: 0.84, questions.package(WEAK).network: 0.64}
    if request.param == "memory":
        yield fake
        return
    with asking(evaluator=fake) as keeper:
        yield SocketEvaluator(keeper)


def test_a_candidate_alone_is_measured(evaluator, questions):
    question = questions.ask(WEAK)

    found = evaluator.evaluate(question)

    assert set(found.evaluation) == names_of(question.plan)
    assert 0.6 < found.evaluation["roc_auc"] < 0.7
    assert found.comparison is None
    assert all(isfinite(value) for value in found.evaluation.values())


def test_a_candidate_is_compared_with_the_incumbent(evaluator, questions):
    found = evaluator.evaluate(questions.ask(WEAK, GOOD))

    assert set(found.comparison) == set(COMPARED)
    assert found.comparison["delta"] < -0.1
    assert found.comparison["ci_low"] <= found.comparison["delta"]
    assert set(found.measures) == {"evaluation", "comparison"}
    assert found.isolation["network"] == "none"


def test_rows_are_described_by_counts_and_shares(evaluator, questions):
    question = questions.ask(GOOD)

    found = evaluator.describe(question.plan, question.snapshot, question.snapshot_digest)

    assert found.rows >= found.labelled > 100
    assert found.clusters > 20
    assert found.first < found.last
    assert "late" in found.columns
    assert set(found.label) == {"0", "1"}
    assert sum(found.label.values()) == pytest.approx(1)


@pytest.mark.parametrize("incumbent", [None, GOOD], ids=["alone", "beside"])
def test_both_versions_are_seen_on_the_same_cases(evaluator, questions, incumbent):
    question = questions.ask(WEAK, incumbent)

    found = evaluator.evaluate(question)

    cases = found.cases
    assert [row["name"] for row in cases["measures"]] == [measure.name for measure in question.plan.cases.measures]
    main = next(row for row in cases["measures"] if row["name"] == cases["main"])
    assert (main["candidate"], main["candidate_low"]) == (found.evaluation["roc_auc"], found.evaluation["roc_auc_low"])
    assert (cases["rows"], cases["clusters"]) == (found.evaluation["rows"], found.evaluation["clusters"])
    for column in ("carrier", "hour"):
        assert sum(group["rows"] for group in cases["groups"] if group["column"] == column) == cases["rows"]
    if incumbent is None:
        assert all(row["champion"] is row["delta"] is row["low"] is None for row in cases["measures"])
    else:
        said = {"delta": main["delta"], "ci_low": main["low"], "ci_high": main["high"]}
        assert said == {name: found.comparison[name] for name in said}
