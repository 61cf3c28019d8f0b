"""MLflow's entities as its client returns them, and what collecting makes of them; no MLflow is needed."""

from __future__ import annotations

import json
from types import SimpleNamespace as Thing

from handrail.entrypoints.mlflow.collect import Naming, records_of_run
from handrail.entrypoints.mlflow.collect.records import DerivationRecord

NAMING = Naming("local", "shop", "test")
RUN = "mlflow://local/run/r1"
COMMIT, SHA256, MD5 = "a" * 40, "b" * 64, "c" * 32


def run(tags=None, inputs=(), read=(), made=(), **info):
    known = {"run_id": "r1", "status": "FINISHED", "start_time": 1000, "end_time": 2000, "run_name": "n", "user_id": ""}
    return Thing(
        info=Thing(**known | info),
        data=Thing(tags=tags or {}),
        inputs=Thing(dataset_inputs=list(inputs), model_inputs=[Thing(model_id=each) for each in read]),
        outputs=Thing(model_outputs=[Thing(model_id=each) for each in made]),
    )


def dataset(source, source_type="dvc", digest="123", rows=4, columns=("a", "b"), name="train"):
    schema = json.dumps({"mlflow_colspec": [{"name": column, "type": "long"} for column in columns]})
    data = Thing(
        name=name,
        digest=digest,
        source_type=source_type,
        source=json.dumps(source),
        schema=schema,
        profile=json.dumps({"num_rows": rows}),
    )
    return Thing(dataset=data, tags=[Thing(key="mlflow.data.context", value="training")])


def version(source, run_id="r1", **changed):
    known = {"name": "m", "version": "3", "source": source, "run_id": run_id, "creation_timestamp": 5, "tags": {}}
    return Thing(**known | changed)


def told(entity):
    return records_of_run(NAMING, entity, "exp")


def used(entity):
    return {artifact.uri: artifact.digest for each in told(entity) for artifact in each.used}


def said(entity):
    return told(entity)[0].details.attributes


def causes(found):
    return [each.cause.uri for each in found if isinstance(each, DerivationRecord)]
