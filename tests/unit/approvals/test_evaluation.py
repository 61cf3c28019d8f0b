import json
import math
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.cases import CasesPlan
from handrail.approvals.domain.evaluation import (
    COMPARED,
    FORETOLD,
    LARGEST_ANSWER,
    Package,
    Prospective,
    Question,
    names_of,
    read_answer,
)
from handrail.approvals.domain.predictions import Foretold
from tests.fakes import approvals_evidence
from tests.fakes.effort import tried

PLAN = replace(approvals_evidence.PLAN, cases=CasesPlan())
ALONE = Question(PLAN, Package(b"", b""), None, "/rows", "sha256:" + "0" * 64)
BESIDE = Question(PLAN, Package(b"", b""), Package(b"", b""), "/rows", "sha256:" + "0" * 64)
EVALUATION = dict.fromkeys(names_of(PLAN), 0.5)
COMPARISON = dict.fromkeys(COMPARED, 0.1)
NO_CASES = {"measures": {}, "groups": [], "missing": [], "span": ["a", "b"]}
GOOD = {"evaluation": EVALUATION, "comparison": None, "cases": NO_CASES, "scores": "a" * 64}


def _written(**changes):
    return json.dumps(GOOD | changes).encode()


def test_an_answer_with_exactly_what_was_asked_is_read():
    alone, beside = read_answer(_written(), ALONE), read_answer(_written(comparison=COMPARISON), BESIDE)

    assert alone.measures == {"evaluation": EVALUATION}
    assert beside.measures == {"evaluation": EVALUATION, "comparison": COMPARISON}


COUNTS = dict.fromkeys(FORETOLD, 0)
FORETELLING = replace(
    ALONE, plan=replace(PLAN, prospective=Prospective("known_at", 100)), foretold=Foretold((), datetime.now(UTC))
)


@pytest.mark.parametrize("found", [COUNTS, COUNTS | EVALUATION])
def test_what_was_foretold_is_read_with_or_without_metrics(found):
    assert read_answer(_written(prospective=found), FORETELLING).measures["prospective"] == found


@pytest.mark.parametrize(
    "found", [None, {}, COUNTS | {"more": 1}, COUNTS | {"roc_auc": 0.5}, COUNTS | {"coverage": math.nan}, [1]]
)
def test_any_other_answer_about_what_was_foretold_is_none(found):
    with pytest.raises(ValueError, match="exactly|finite"):
        read_answer(_written(prospective=found), FORETELLING)


def test_nothing_is_read_about_what_nobody_asked():
    with pytest.raises(ValueError, match="exactly"):
        read_answer(_written(prospective=COUNTS), ALONE)
    with pytest.raises(ValueError, match="exactly"):
        read_answer(_written(), FORETELLING)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "exactly evaluation, comparison, cases and scores"),
        (b"[]", "exactly evaluation"),
        (b" " * (LARGEST_ANSWER + 1), "longer than"),
        (_written(scores="A" * 64), "not a sha256"),
        (_written(scores=7), "not a sha256"),
        (_written(comparison=COMPARISON), "another incumbent"),
        (_written(evaluation=None), "exactly"),
        (_written(evaluation=EVALUATION | {"more": 1}), "exactly"),
        (_written(evaluation={}), "exactly"),
        (_written(evaluation=EVALUATION | {"roc_auc": None}), "roc_auc is None"),
        (_written(evaluation=EVALUATION | {"roc_auc": True}), "roc_auc is True"),
        (_written(evaluation=EVALUATION | {"roc_auc": "0.8"}), "roc_auc is '0.8'"),
        (_written(evaluation=EVALUATION | {"roc_auc": math.nan}), "roc_auc is nan"),
        (_written(evaluation=EVALUATION | {"roc_auc": math.inf}), "roc_auc is inf"),
        (_written(evaluation=EVALUATION | {"roc_auc": 10**400}), "not a finite number"),
        (_written(more=1), "exactly"),
        (_written(cases=None), "cases has other names"),
    ],
)
def test_any_other_answer_is_none(text, words):
    with pytest.raises(ValueError, match=words):
        read_answer(text, ALONE)


def test_an_incumbent_that_was_asked_about_has_to_be_compared_with():
    with pytest.raises(ValueError, match="another incumbent"):
        read_answer(_written(), BESIDE)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from([*sorted(GOOD), *sorted(EVALUATION), "another"]), value=json_values)
@tried(300)
def test_whatever_another_process_writes_is_read_as_finite_numbers_or_not_at_all(key, value):
    answer = json.loads(_written())
    (answer["evaluation"] if key in EVALUATION else answer)[key] = value

    try:
        read = read_answer(json.dumps(answer).encode(), ALONE)
    except ValueError:
        return
    assert all(math.isfinite(number) for number in read.evaluation.values())
    assert set(read.evaluation) == names_of(PLAN)


def test_each_part_of_a_plan_changes_its_digest():
    other = {"columns": replace(PLAN.columns, label="x"), "cases": approvals_evidence.CASES}
    changed = {
        field.name: replace(
            PLAN,
            **{field.name: other[field.name] if field.name in other else getattr(PLAN, field.name) * 2},
        )
        for field in fields(PLAN)
        if getattr(PLAN, field.name)
    }

    assert len({PLAN.digest, *(plan.digest for plan in changed.values())}) == len(changed) + 1
