"""What params.yaml says about the last three stages, read once and checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from flows.steps.project.params import read_yaml
from handrail.errors import Misconfigured

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class BoostingParams:
    """Section `model`: how the gradient boosting is grown."""

    max_iter: int
    learning_rate: float
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float
    seed: int

    def for_estimator(self) -> dict[str, Any]:
        """Return the keyword arguments that scikit-learn knows."""
        values = asdict(self)
        return {"random_state": values.pop("seed"), **values}


@dataclass(frozen=True, slots=True)
class IntervalParams:
    """Section `intervals`: how often whole days are drawn again for a confidence interval, and the seed."""

    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class EvaluateParams:
    """Section `evaluate`: slices below `smallest_slice` rows are pooled; `sampled_rows` are perturbed."""

    smallest_slice: int
    sampled_rows: int


@dataclass(frozen=True, slots=True)
class PackageParams:
    """Section `package`: a flight is called late from `threshold` on; ONNX may differ by `largest_difference`."""

    threshold: float
    largest_difference: float


@dataclass(frozen=True, slots=True)
class ModelParams:
    """The sections of params.yaml that train, evaluate and package read."""

    model: BoostingParams
    intervals: IntervalParams
    evaluate: EvaluateParams
    package: PackageParams


def read_model_params(project: Path) -> ModelParams:
    """Read and check the model's sections of `project`/params.yaml.

    Raises:
        Misconfigured: a key is missing, misspelt or has a value that cannot be used; the sentence names it.
    """
    values = read_yaml(project / "params.yaml")
    return ModelParams(
        model=_section(values, "model", BoostingParams),
        intervals=_section(values, "intervals", IntervalParams),
        evaluate=_section(values, "evaluate", EvaluateParams),
        package=_section(values, "package", PackageParams),
    )


def _section(values: dict[str, Any], name: str, shape: type[Section]) -> Section:
    given = values.get(name)
    kinds = {field.name: field.type for field in fields(shape)}  # type: ignore[arg-type]
    if not isinstance(given, dict) or given.keys() != kinds.keys():
        keys = sorted(given) if isinstance(given, dict) else given
        raise _wrong(name, f"holds {keys!r}", f"the keys {', '.join(kinds)}")
    for key, value in given.items():
        whole = kinds[key] == "int"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise _wrong(f"{name}.{key}", f"is {value!r}", "a whole number" if whole else "a number")
        if value < 0 or (value == 0 and key not in ("seed", "l2_regularization")):
            raise _wrong(f"{name}.{key}", f"is {value!r}", "a number above 0")
    return shape(**given)


def _wrong(key: str, problem: str, expected: str) -> Misconfigured:
    return Misconfigured("params.yaml", f"{key} {problem}, expected {expected}", "Correct it there.")
