"""What params.yaml says about the last three stages, read once and checked."""

# pydantic reads the annotations at run time, so they stay real.

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from flows.steps.project.params import FILE
from handrail.config import STRICT, Section, read_config
from handrail.errors import Misconfigured
from handrail.statistics import Intervals

Count = Annotated[int, Field(gt=0, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(gt=0, strict=True)]
Penalty = Annotated[float, Field(ge=0, strict=True)]


@dataclass(frozen=True, slots=True, config=STRICT)
class BoostingParams:
    """Section `model`: how the gradient boosting is grown."""

    max_iter: Count
    learning_rate: Positive
    max_leaf_nodes: Count
    min_samples_leaf: Count
    l2_regularization: Penalty
    seed: Seed

    def for_estimator(self) -> dict[str, Any]:
        """Return the keyword arguments that scikit-learn knows."""
        values = asdict(self)
        return {"random_state": values.pop("seed"), **values}


@dataclass(frozen=True, slots=True, config=STRICT)
class IntervalParams:
    """Section `intervals`: how often whole clusters are drawn again for a confidence interval, and the seed."""

    draws: Count
    seed: Seed

    @property
    def resampling(self) -> Intervals:
        """The same for `handrail.statistics`."""
        return Intervals(self.draws, self.seed)


@dataclass(frozen=True, slots=True, config=STRICT)
class EvaluateParams:
    """Section `evaluate`: slices below `smallest_slice` rows are pooled; `sampled_rows` are perturbed.

    For `attacked_rows` of these, small changes are searched for that give another answer.
    """

    smallest_slice: Count
    sampled_rows: Count
    attacked_rows: Count = 500


@dataclass(frozen=True, slots=True, config=STRICT)
class PackageParams:
    """Section `package`: a binary answer is positive from `threshold` on; ONNX may differ by `largest_difference`.

    Where numbers are predicted, the difference is a share of the largest of them, and there is no threshold.
    """

    largest_difference: Positive
    threshold: Positive | None = None


class ModelParams(Section):
    """The sections of params.yaml that train, evaluate and package read."""

    # The same file has other keys, for the data stages.
    model_config = ConfigDict(extra="ignore")

    model: BoostingParams
    intervals: IntervalParams
    evaluate: EvaluateParams
    package: PackageParams


def read_model_params(project: Path, kind: str) -> ModelParams:
    """Read and check the model's sections of `project`/params.yaml for a label of that kind.

    Raises:
        Misconfigured: a key is missing, misspelt or has a value that cannot be used; the sentence names it.
    """
    params = read_config(project / FILE, ModelParams, shown=FILE)
    threshold = params.package.threshold
    if (threshold is None) == (kind == "binary"):
        problem = "is missing" if threshold is None else f"is {threshold:g}"
        remedy = f"{'Set' if threshold is None else 'Remove'} it: the label in config/use_case.yaml is {kind}."
        raise Misconfigured(FILE, f"'package.threshold' {problem}", remedy)
    return params
