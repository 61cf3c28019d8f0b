"""A bento as BentoML's pages make one of an MLflow model: the pyfunc, a data frame, every default."""

# BentoML reads these annotations at run time, so they stay real.

from typing import Any

import bentoml
import mlflow
import pandas as pd
from onnx_rows import FOLDER


@bentoml.service(name="pyfunc", workers=1)
class PyfuncBento:
    """Scores rows that bring their features, codes of categories included."""

    def __init__(self) -> None:
        """Load the model."""
        self.model = mlflow.pyfunc.load_model(str(FOLDER.parent / "pyfunc"))
        self.names = self.model.metadata.get_input_schema().input_names()

    @bentoml.api(route="/predict")
    def predict(self, flights: list[dict[str, Any]]) -> list[float]:
        """Score each row."""
        return self.model.predict(pd.DataFrame(flights)[self.names])[:, 1].tolist()
