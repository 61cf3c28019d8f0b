"""`Evaluator`: the same promises by the fake and by a confined process that scores real ONNX files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite

import polars as pl
import pytest

from handrail.approvals.adapters.evaluation_process import EvaluationProcess
from handrail.approvals.adapters.socket_custody import SocketEvaluator
from handrail.approvals.domain.evaluation import COMPARED, FORETOLD, GAINS, Prospective, names_of
from handrail.approvals.domain.predictions import CommittedFile, Foretold
from handrail.files import sha256_of
from handrail.scoring import Scorer
from tests.fakes.approvals_evidence import FakeEvaluator
from tests.fakes.keeper import asking
from tests.fakes.labelled_rows import GOOD, WEAK, labelled_rows
from tests.fakes.questions import Questions

NOW = datetime(2026, 1, 10, tzinfo=UTC)


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


@pytest.mark.parametrize("evaluator", [FakeEvaluator(), EvaluationProcess()], ids=["memory", "process"])
def test_without_predictions_nothing_was_foretold(evaluator, questions):
    # A keeper is not sent what was foretold: it looks at what it has itself.
    question = replace(_about_foretold(questions), foretold=Foretold((), NOW))

    found = evaluator.evaluate(question)

    assert set(found.prospective) == set(FORETOLD)
    assert found.prospective["rows"] == 0


def _about_foretold(questions):
    moment = NOW - timedelta(days=1)
    rows = labelled_rows().with_columns(pl.lit(moment).alias("known_at"))
    return questions.ask(GOOD, WEAK, rows=rows, prospective=Prospective("known_at", 100))


def test_a_process_measures_the_rows_that_were_foretold_by_themselves(questions, tmp_path):
    question = _about_foretold(questions)
    rows = pl.read_parquet(question.snapshot)
    scorer = Scorer.read(question.candidate.scoring, question.candidate.network, "the candidate")
    features = {n: rows[n].to_list() if n in scorer.codes else rows[n].to_numpy() for n in scorer.features}
    score = pl.Series("score", scorer.answer(features).score)
    made = rows.select("flight_id").with_columns(score)

    def file(name, table, days):
        table.write_parquet(tmp_path / name)
        return CommittedFile(str(tmp_path / name), f"sha256:{sha256_of(tmp_path / name)}", NOW - timedelta(days=days))

    in_time = file("in-time.parquet", made[:300], 2)
    late = file("late.parquet", made[300:400], 0.5)
    wrong = file("wrong.parquet", made[400:500].with_columns(pl.col("score") + 0.001), 2)
    asked = replace(question, foretold=Foretold((in_time, late, wrong), NOW))

    found = EvaluationProcess().evaluate(asked)
    assert found.prospective is not None

    counts = {name: found.prospective[name] for name in FORETOLD}
    assert counts == {"rows": 300, "uncommitted": 100, "overdue": 100, "unequal": 100, "coverage": 0.6, "unreadable": 0}
    assert set(found.prospective) == set(FORETOLD) | names_of(question.plan) | set(GAINS)
    assert found.prospective["roc_auc"] != found.evaluation["roc_auc"]
    assert found.prospective["delta"] > 0
    assert found.isolation["network"] == "none"
    few = replace(asked, plan=replace(asked.plan, prospective=Prospective("known_at", 301)))
    assert set(EvaluationProcess().evaluate(few).prospective or ()) == set(FORETOLD)
