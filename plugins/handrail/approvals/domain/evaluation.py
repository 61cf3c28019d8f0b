"""What the gate's own evaluator is asked and answers, and how an answer from another process is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from handrail.approvals.domain.cases import CasesPlan, Measured, read_cases
from handrail.approvals.domain.fairness import FairnessPlan, read_fairness
from handrail.approvals.domain.predictions import Foretold
from handrail.manifest import digest_of

LARGEST_ANSWER = 1 << 20
COMPARED = ("champion_value", "challenger_value", "delta", "ci_low", "ci_high", "margin", "n", "clusters")
"""The numbers of a comparison."""
FORETOLD = ("rows", "uncommitted", "overdue", "unequal", "coverage", "unreadable")
"""What is counted of the rows of a snapshot: foretold ones, those of no prediction, of one that came too late, of
another score; the share of all subjects that were foretold which have a row that counts; and files that are none."""
GAINS = ("delta", "ci_low", "ci_high")
"""The numbers of a comparison on the rows that were foretold."""
LATER_FIELDS = ("custody", "prospective", "fairness")
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a snapshot of labelled rows; models never see those in `withheld`, the label among them."""

    label: str
    cluster: str
    subject: str
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prospective:
    """What is measured on rows that were foretold: those whose label is said, in the column `known`, to be younger.

    There have to be `least_rows` of them.
    """

    known: str
    least_rows: int


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How candidates of one registered model are measured, as the project says.

    `kind` is that of the label and `classes` the values of its codes; `main` is the metric that two models are
    compared in, `metrics` are those that are computed. `draws` and `seed` are of the intervals. At most `looks`
    different trees are measured on one snapshot, which has at least `least_rows` rows; the evaluator is stopped after
    `seconds`, and has so many `megabytes`. With `custody` a person in one of these roles confirms the rows first,
    with `prospective` rows that were foretold are measured by themselves too. `main` is better on the side `better`;
    `cases` is what is looked at for both versions, beside what rules can cite; with `fairness` groups are compared.
    """

    model: str
    kind: str
    columns: Columns
    main: str
    margin: float
    metrics: tuple[str, ...]
    classes: tuple[str, ...] = ()
    draws: int = 500
    seed: int = 0
    looks: int = 20
    least_rows: int = 100
    seconds: float = 120
    megabytes: int = 4096
    custody: tuple[str, ...] = ()
    better: str = "higher"
    cases: CasesPlan = CasesPlan()
    prospective: Prospective | None = None
    fairness: FairnessPlan | None = None

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over everything that the plan says."""
        said = asdict(self)
        # Only where it is used: the digests of plans from before stay what they were.
        return digest_of({name: value for name, value in said.items() if value or name not in LATER_FIELDS})


@dataclass(frozen=True, slots=True)
class Package:
    """The files of a tree that a score depends on: scoring.json and the ONNX model."""

    scoring: bytes
    network: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be measured: a candidate, beside the incumbent if there is one, on the rows of a snapshot.

    `snapshot` is the path of a Parquet file whose bytes have the digest `snapshot_digest`. `foretold` is what was
    committed for the candidate's tree, of the digest `tree_digest`, if the plan asks for it.
    """

    plan: EvaluationPlan
    candidate: Package
    incumbent: Package | None
    snapshot: str
    snapshot_digest: str
    tree_digest: str = ""
    foretold: Foretold | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the evaluator measured: `evaluation`, and `comparison` if there is an incumbent, as numbers by name.

    `scores` is the sha256 (hex) of all scores; `isolation` says what the evaluator could not reach. `cases` are both
    versions on the same cases as `read_cases` returns them, JSON values; None from evaluators that do not look at them.
    `prospective` are the numbers on the rows that were foretold, and `fairness` how far groups are apart, as
    `read_fairness` returns it, each if that was asked for.
    """

    evaluation: Mapping[str, float]
    comparison: Mapping[str, float] | None
    scores: str
    isolation: Mapping[str, Any] = field(default_factory=dict)
    cases: Mapping[str, Any] | None = None
    prospective: Mapping[str, float] | None = None
    fairness: Mapping[str, Any] | None = None

    @property
    def measures(self) -> dict[str, Any]:
        """The numbers by the names that policies use."""
        compared = {} if self.comparison is None else {"comparison": dict(self.comparison)}
        foretold = {} if self.prospective is None else {"prospective": dict(self.prospective)}
        apart = {} if self.fairness is None else {"fairness": dict(self.fairness)}
        return {"evaluation": dict(self.evaluation), **compared, **foretold, **apart}


def names_of(plan: EvaluationPlan) -> frozenset[str]:
    """Return the names that `evaluation` has."""
    ends = {f"{metric}{end}" for metric in plan.metrics for end in ("", "_low", "_high")}
    return frozenset({"rows", "clusters", *ends})


def prospective_names(question: Question, found: Any) -> frozenset[str]:
    """Return the names that `prospective` has: its counts, and the metrics where there were rows enough for them."""
    if not isinstance(found, dict) or question.plan.main not in found:
        return frozenset(FORETOLD)
    return frozenset(FORETOLD) | names_of(question.plan) | (frozenset(GAINS) if question.incumbent else frozenset())


def read_answer(text: bytes, question: Question) -> Evaluation:
    """Read what another process answered to the question; nothing in it is trusted.

    Raises:
        ValueError: it is not JSON with exactly the names that were asked for, or a number is not finite.
    """
    answer = _parts(text, question)
    scores, comparison = answer["scores"], answer["comparison"]
    if not isinstance(scores, str) or not _HEX.fullmatch(scores):
        raise ValueError("its digest of the scores is not a sha256")
    if (comparison is None) is not (question.incumbent is None):
        raise ValueError("it compares with another incumbent than the one that was asked about")
    if comparison is not None:
        comparison = _numbers(comparison, frozenset(COMPARED))
    plan, evaluation, prospective = question.plan, _numbers(answer["evaluation"], names_of(question.plan)), None
    cases = read_cases(answer["cases"], plan.cases, Measured(plan.main, plan.better, evaluation, comparison))
    if question.foretold:
        prospective = _numbers(answer["prospective"], prospective_names(question, answer["prospective"]))
    fairness = None
    if plan.fairness:
        fairness = read_fairness(answer["fairness"], plan.fairness, plan.cases, int(evaluation["rows"]))
    return Evaluation(evaluation, comparison, scores, cases=cases, prospective=prospective, fairness=fairness)


def _parts(text: bytes, question: Question) -> dict[str, Any]:
    """Return the parts of an answer by the names that were asked for."""
    if len(text) > LARGEST_ANSWER:
        raise ValueError(f"it is longer than {LARGEST_ANSWER:,} bytes")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise ValueError("it is not JSON") from err
    foretold = ("prospective",) if question.foretold else ()
    compared = ("fairness",) if question.plan.fairness else ()
    names = ("evaluation", "comparison", *foretold, *compared, "cases", "scores")
    if not isinstance(answer, dict) or set(answer) != set(names):
        raise ValueError(f"it does not hold exactly {', '.join(names[:-1])} and scores")
    return answer


def _numbers(values: Any, names: frozenset[str]) -> dict[str, float]:
    if not isinstance(values, dict) or set(values) != names:
        raise ValueError(f"it does not hold exactly {', '.join(sorted(names))}")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise ValueError(f"{name} is {value!r:.40}, which is not a finite number")
    return values


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number of thousands of digits
        return False
