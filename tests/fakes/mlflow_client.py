"""An MLflow client of an account that may not read everything, or whose store is damaged in places."""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED


class LimitedClient:
    """Asks a real client, except about runs, models and experiments that are hidden or damaged."""

    def __init__(self, client, hidden=(), damaged=()):
        self._client = client
        self._codes = dict.fromkeys(hidden, PERMISSION_DENIED) | dict.fromkeys(damaged, INTERNAL_ERROR)

    def __getattr__(self, name):
        return getattr(self._client, name)

    def get_run(self, run_id):
        self._check(run_id)
        return self._client.get_run(run_id)

    def get_logged_model(self, model_id):
        self._check(model_id)
        return self._client.get_logged_model(model_id)

    def get_registered_model(self, name):
        self._check(name)
        return self._client.get_registered_model(name)

    def search_registered_models(self, **page):
        found = self._client.search_registered_models(**page)
        found[:] = [model for model in found if model.name not in self._codes]
        return found

    def search_runs(self, experiment_ids, **more):
        for each in experiment_ids:
            self._check(each)
        return self._client.search_runs(experiment_ids, **more)

    def _check(self, key):
        if key in self._codes:
            raise MlflowException("Permission denied", error_code=self._codes[key])
