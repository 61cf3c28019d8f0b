"""The three models that the train stage fits, cheapest first. No data is read and nothing is written here.

A model is a pipeline whose last step is `model`. That of the candidate begins with `encode`, which gives float32
columns: the categorical features as codes of an `OrdinalEncoder` named `categories`, then the numeric ones in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.steps.modelling.model_params import BoostingParams
from flows.steps.modelling.training_set import Manifest

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CANDIDATE = "gradient_boosting"
BASELINES = ("prior", "logistic")
MODELS = (*BASELINES, CANDIDATE)

RARE_CATEGORY = 200
LOGISTIC = {"C": 0.1, "max_iter": 300}
# Other ways are tried by `make study-features`.
AS_THEY_ARE = {"scaling": "none", "selection": "all", "extraction": "none"}
SCALED = AS_THEY_ARE | {"scaling": "standard"}
# Native categorical splits are left out on purpose: they convert to ONNX silently wrong.
GROWING = {"early_stopping": False, "categorical_features": None}


def build(name: str, manifest: Manifest, boosting: BoostingParams) -> Pipeline:
    """Return the unfitted model of that name; it takes a data frame with the manifest's features by name."""
    if name == "prior":
        return _prior()
    return _logistic(manifest) if name == "logistic" else _gradient_boosting(manifest, boosting)


def settings_of(name: str, boosting: BoostingParams) -> dict[str, Any]:
    """Return the parameters worth recording for the model of that name."""
    chosen: dict[str, dict[str, Any]] = {
        "prior": {"strategy": "prior"},
        "logistic": {**LOGISTIC, "rare_category": RARE_CATEGORY, "imputation": "median", **SCALED},
        CANDIDATE: {**boosting.for_estimator(), "early_stopping": False, "categories": "ordinal codes", **AS_THEY_ARE},
    }
    return chosen[name]


def _prior() -> Pipeline:
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import Pipeline

    return Pipeline([("model", DummyClassifier(strategy="prior"))])


def _logistic(manifest: Manifest) -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
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
    return Pipeline([("encode", encode), ("model", LogisticRegression(**LOGISTIC))])


def _gradient_boosting(manifest: Manifest, boosting: BoostingParams) -> Pipeline:
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
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
    trees = HistGradientBoostingClassifier(**boosting.for_estimator(), **GROWING)
    return Pipeline([("encode", encode), ("model", trees)])
