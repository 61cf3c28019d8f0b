"""What the gate's own evaluator is asked and answers, and how an answer from another process is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from handrail.approvals.domain.cases import CasesPlan, Measured, read_cases
from handrail.manifest import digest_of

LARGEST_ANSWER = 1 << 20
COMPARED = ("champion_value", "challenger_value", "delta", "ci_low", "ci_high", "margin", "n", "clusters")
"""The numbers of a comparison."""
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a snapshot of labelled rows; models never see those in `withheld`, the label among them."""

    label: str
    cluster: str
    subject: str
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How candidates of one registered model are measured, as the project says.

    `kind` is that of the label and `classes` the values of its codes; `main` is the metric that two models are
    compared in, `metrics` are those that are computed. `draws` and `seed` are of the intervals. At most `looks`
    different trees are measured on one snapshot, which has at least `least_rows` rows; the evaluator is stopped after
    `seconds`, and has so many `megabytes`. With `custody` a person in one of these roles confirms the rows first.
    `main` is better on the side `better`; `cases` is what is looked at for both versions, beside what rules can cite.
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

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over everything that the plan says."""
        said = asdict(self)
        # Only where it is used: the digests of plans from before stay what they were.
        return digest_of({name: value for name, value in said.items() if value or name != "custody"})


@dataclass(frozen=True, slots=True)
class Package:
    """The files of a tree that a score depends on: scoring.json and the ONNX model."""

    scoring: bytes
    network: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be measured: a candidate, beside the incumbent if there is one, on the rows of a snapshot.

    `snapshot` is the path of a Parquet file whose bytes have the digest `snapshot_digest`.
    """

    plan: EvaluationPlan
    candidate: Package
    incumbent: Package | None
    snapshot: str
    snapshot_digest: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the evaluator measured: `evaluation`, and `comparison` if there is an incumbent, as numbers by name.

    `scores` is the sha256 (hex) of all scores; `isolation` says what the evaluator could not reach. `cases` are both
    versions on the same cases as `read_cases` returns them, JSON values; None from evaluators that do not look at them.
    """

    evaluation: Mapping[str, float]
    comparison: Mapping[str, float] | None
    scores: str
    isolation: Mapping[str, Any] = field(default_factory=dict)
    cases: Mapping[str, Any] | None = None

    @property
    def measures(self) -> dict[str, Any]:
        """The numbers by the names that policies use."""
        compared = {} if self.comparison is None else {"comparison": dict(self.comparison)}
        return {"evaluation": dict(self.evaluation), **compared}


def names_of(plan: EvaluationPlan) -> frozenset[str]:
    """Return the names that `evaluation` has."""
    ends = {f"{metric}{end}" for metric in plan.metrics for end in ("", "_low", "_high")}
    return frozenset({"rows", "clusters", *ends})


def read_answer(text: bytes, question: Question) -> Evaluation:
    """Read what another process answered to the question; nothing in it is trusted.

    Raises:
        ValueError: it is not JSON with exactly the names that were asked for, or a number is not finite.
    """
    if len(text) > LARGEST_ANSWER:
        raise ValueError(f"it is longer than {LARGEST_ANSWER:,} bytes")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise ValueError("it is not JSON") from err
    if not isinstance(answer, dict) or set(answer) != {"evaluation", "comparison", "cases", "scores"}:
        raise ValueError("it does not hold exactly evaluation, comparison, cases and scores")
    scores, comparison = answer["scores"], answer["comparison"]
    if not isinstance(scores, str) or not _HEX.fullmatch(scores):
        raise ValueError("its digest of the scores is not a sha256")
    if (comparison is None) is not (question.incumbent is None):
        raise ValueError("it compares with another incumbent than the one that was asked about")
    if comparison is not None:
        comparison = _numbers(comparison, frozenset(COMPARED))
    plan, evaluation = question.plan, _numbers(answer["evaluation"], names_of(question.plan))
    cases = read_cases(answer["cases"], plan.cases, Measured(plan.main, plan.better, evaluation, comparison))
    return Evaluation(evaluation, comparison, scores, cases=cases)


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
