"""The three models that the train stage fits, cheapest first. No data is read and nothing is written here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.steps.modelling.model_params import BoostingParams
from flows.steps.modelling.training_set import Manifest
from handrail.label_kinds import CLASSIFIED
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CANDIDATE = "gradient_boosting"
BASELINES = ("constant", "linear")
MODELS = (*BASELINES, CANDIDATE)

KIND = read_use_case(Path(__file__).resolve().parents[3]).label.kind
IS_CLASSIFIED = KIND in CLASSIFIED
RARE_CATEGORY = 20
LINEAR: dict[str, dict[str, Any]] = {
    "binary": {"C": 0.1, "max_iter": 1000},
    "multiclass": {"C": 0.1, "max_iter": 1000},
    "regression": {"alpha": 1.0},
    "count": {"alpha": 1.0e-3, "max_iter": 1000},
}
# Other ways are tried by `python -m flows.steps.modelling.study`.
AS_THEY_ARE = {"scaling": "none", "selection": "all", "extraction": "none"}
SCALED = AS_THEY_ARE | {"scaling": "standard"}
# Native categorical splits are left out on purpose: they convert to ONNX silently wrong.
GROWING = {"early_stopping": False, "categorical_features": None}


def build(name: str, manifest: Manifest, boosting: BoostingParams) -> Pipeline:
    """Return the unfitted model of that name; it takes a data frame with the manifest's features by name."""
    if name == "constant":
        return _constant()
    return _linear(manifest) if name == "linear" else _gradient_boosting(manifest, boosting)


def settings_of(name: str, boosting: BoostingParams) -> dict[str, Any]:
    """Return the parameters worth recording for the model of that name."""
    chosen: dict[str, dict[str, Any]] = {
        "constant": {"strategy": "prior" if IS_CLASSIFIED else "mean"},
        "linear": {**LINEAR[KIND], "rare_category": RARE_CATEGORY, "imputation": "median", **SCALED},
        CANDIDATE: {**boosting.for_estimator(), "early_stopping": False, "categories": "ordinal codes", **AS_THEY_ARE},
    }
    return chosen[name]


def _constant() -> Pipeline:
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.pipeline import Pipeline

    model = DummyClassifier(strategy="prior") if IS_CLASSIFIED else DummyRegressor(strategy="mean")
    return Pipeline([("model", model)])


def _linear(manifest: Manifest) -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    # A column that is empty in training (a short window) would otherwise vanish with a warning.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE_CATEGORY)
    encode = ColumnTransformer(
        [
            ("categories", one_hot, list(manifest.categorical)),
            ("numbers", Pipeline([("impute", imputer), ("scale", StandardScaler())]), list(manifest.numeric)),
        ],
        sparse_threshold=0,
    )
    kinds = {"regression": Ridge, "count": PoissonRegressor}
    return Pipeline([("encode", encode), ("model", kinds.get(KIND, LogisticRegression)(**LINEAR[KIND]))])


def _gradient_boosting(manifest: Manifest, boosting: BoostingParams) -> Pipeline:
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32)
    # The ONNX model computes in float32. Rounding before the trees, in training too, puts every threshold
    # between numbers that float32 can distinguish, so that both models take the same branches.
    rounded = FunctionTransformer(np.float32, feature_names_out="one-to-one")
    encode = ColumnTransformer(
        [("categories", codes, list(manifest.categorical)), ("numbers", rounded, list(manifest.numeric))],
        verbose_feature_names_out=False,
    )
    grown = boosting.for_estimator() | GROWING
    if IS_CLASSIFIED:
        return Pipeline([("encode", encode), ("model", HistGradientBoostingClassifier(**grown))])
    loss = "poisson" if KIND == "count" else "squared_error"
    return Pipeline([("encode", encode), ("model", HistGradientBoostingRegressor(loss=loss, **grown))])
