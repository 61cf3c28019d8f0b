"""Other ways to prepare features for a model: scaled, selected, extracted. Nothing is read or written here."""

# pydantic reads the annotations at run time, so they stay real.

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from flows.steps.modelling.candidates import BASELINES, CANDIDATE, RARE_CATEGORY, build
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import BoostingParams
from flows.steps.modelling.training_set import Manifest, Rows
from handrail.config import STRICT

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LINEAR = BASELINES[-1]
VARIANCE = 0.95
"""The share of the variance of the scaled numbers that their principal components keep."""
HELD_OUT = 0.2
"""The share of the days of training, the last ones, on which features are shuffled to select among them."""
MOST_SHUFFLED = 20_000
REPEATS = 3


@dataclass(frozen=True, slots=True, config=STRICT)
class Processing:
    """How the features of a model are prepared.

    `selection` by `permutation` keeps what helps on the last days of training when it is not shuffled; `extraction`
    replaces numbers by their `principal` components, or each category by the shrunk mean of its `target`, as learned
    from other rows (Micci-Barreca 2001, in scikit-learn's cross-fitted form).
    """

    model: Literal["trees", "linear"]
    scaling: Literal["none", "standard", "robust", "quantile"] = "none"
    selection: Literal["all", "permutation"] = "all"
    extraction: Literal["none", "principal", "target"] = "none"

    @model_validator(mode="after")
    def _components_of_what_is_comparable(self) -> "Processing":
        if self.extraction == "principal" and self.scaling == "none":
            raise ValueError("extraction is principal, which needs a scaling")
        return self

    @property
    def name(self) -> str:
        """The choice in one line."""
        said = [value for value in (self.scaling, self.selection, self.extraction) if value not in ("none", "all")]
        return f"{self.model}: {' + '.join(said) or 'as they are'}"

    @property
    def of(self) -> str:
        """The name of the model that is prepared for."""
        return CANDIDATE if self.model == "trees" else LINEAR

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


NOW = (Processing("trees"), Processing("linear", scaling="standard"))
"""How the train stage prepares features, as `candidates.build` does it."""


def prepare(choice: Processing, manifest: Manifest, features: tuple[str, ...], boosting: BoostingParams) -> "Pipeline":
    """Return the unfitted model with these features of the manifest prepared as chosen."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    categorical = [name for name in manifest.categorical if name in features]
    numeric = [name for name in manifest.numeric if name in features]
    encode = ColumnTransformer(
        [("categories", _categories(choice), categorical), ("numbers", _numbers(choice), numeric)], sparse_threshold=0
    )
    return Pipeline([("encode", encode), ("model", build(choice.of, manifest, boosting)["model"])])


def select(model: "Pipeline", held_out: Rows, judge: Judge, features: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Return the features without which a fitted model is worse on rows that it did not learn from; all if none is."""
    source = np.random.default_rng(seed)
    chosen = np.sort(source.permutation(len(held_out.label))[:MOST_SHUFFLED])
    inputs, label = held_out.inputs.iloc[chosen], held_out.label[chosen]
    whole = judge.value(judge.answers(model, inputs), label)
    kept = []
    for name in features:
        lost = []
        for _ in range(REPEATS):
            shuffled = inputs.assign(**{name: inputs[name].to_numpy()[source.permutation(len(label))]})
            value = judge.value(judge.answers(model, shuffled), label)
            lost.append(float(judge.metric.gain(np.asarray(whole), np.asarray(value))))
        if np.mean(lost) > 0:
            kept.append(name)
    return tuple(kept) or features


def by_time(rows: Rows) -> tuple[Rows, Rows]:
    """Split rows into those of the first clusters and of the last, which are days in their order."""
    last = rows.cluster >= np.quantile(np.unique(rows.cluster), 1 - HELD_OUT)
    return _some(rows, ~last), _some(rows, last)


def _some(rows: Rows, kept: np.ndarray) -> Rows:
    return Rows(rows.inputs[kept], rows.label[kept], rows.cluster[kept], rows.subjects.filter(kept))


def _categories(choice: Processing) -> Any:
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    if choice.extraction == "target":
        # From scikit-learn 1.9 on the folds are given whole.
        given = TargetEncoder().get_params()["random_state"] == "deprecated"
        return TargetEncoder(cv=KFold(5, shuffle=True, random_state=0)) if given else TargetEncoder(random_state=0)
    if choice.model == "trees":
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32)
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE_CATEGORY)


def _numbers(choice: Processing) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

    scalers: dict[str, Any] = {
        "standard": StandardScaler(),
        "robust": RobustScaler(),
        "quantile": QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=0),
    }
    steps: list[tuple[str, Any]] = []
    if choice.model == "linear" or choice.extraction == "principal":
        # Trees take what is missing as it is.
        steps.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
    if choice.scaling != "none":
        steps.append(("scale", scalers[choice.scaling]))
    if choice.extraction == "principal":
        steps.append(("components", PCA(n_components=VARIANCE, svd_solver="full")))
    return Pipeline(steps) if steps else "passthrough"
