"""What a group of rows comes to by what was decided about it, beside the same shares counted by hand."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from handrail.approvals.adapters.measuring import measure
from handrail.approvals.domain.evaluation import read_answer
from handrail.scoring import Scorer
from tests.fakes.labelled_rows import labelled_rows
from tests.fakes.questions import Questions

CANDIDATE, CHAMPION = (-0.030, 0.0010), (-0.028, 0.0011)


@pytest.fixture
def questions(tmp_path):
    return Questions(tmp_path)


@pytest.fixture
def rows():
    carrier = np.random.default_rng(5).choice(("AA", "UA"), 600, p=[0.6, 0.4])
    return labelled_rows(600, carrier=carrier, minute_of_day=np.repeat(1000.0, 600))


def _cases(question):
    trees = {"candidate": question.candidate, "incumbent": question.incumbent}
    files = {f"{name}.scoring": tree.scoring for name, tree in trees.items()}
    files |= {f"{name}.network": tree.network for name, tree in trees.items()}
    answer = measure(asdict(question.plan), files | {"snapshot": Path(question.snapshot).read_bytes()})
    return read_answer(json.dumps(answer).encode(), question).cases


def _called(package, rows):
    scorer = Scorer.read(package.scoring, package.network, "a model")
    return scorer.answer({name: rows[name].to_list() for name in scorer.features}).label == 1


def test_each_group_says_what_was_called_found_and_right(questions, rows):
    cases = _cases(questions.ask(CANDIDATE, CHAMPION, rows, draws=10))

    chosen, late = rows["carrier"].to_numpy() == "UA", rows["late"].to_numpy() == 1
    group = next(group for group in cases["groups"] if group["label"] == "carrier UA")
    for who, package in (("candidate", CANDIDATE), ("champion", CHAMPION)):
        called = _called(questions.package(package), rows)
        assert group[f"called_{who}"] == pytest.approx(called[chosen].mean())
        assert group[f"right_{who}"] == pytest.approx(late[chosen & called].mean())
        assert group[f"found_{who}"] == pytest.approx(called[chosen & late].mean())
    assert cases["span"] == [min(rows["day"]), max(rows["day"])]


def test_where_nothing_is_called_nothing_is_right_or_wrong(questions, rows):
    never = (-9.0, 0.0)

    cases = _cases(questions.ask(never, CHAMPION, rows, draws=10))

    assert {(group["called_candidate"], group["right_candidate"]) for group in cases["groups"]} == {(0.0, None)}
