"""The recorder around MLflow's stores: what MLflow has committed is answered, whatever becomes of the recording."""

import logging
from datetime import UTC, datetime
from types import SimpleNamespace as Thing

import pytest

from handrail.entrypoints.mlflow.app.recorded_stores import RecordedTracking, Recorder
from handrail.entrypoints.mlflow.collect import Naming
from handrail.errors import Unavailable
from handrail.lineage import Facts

NAMING = Naming("local", "shop", "test")


class Tracking:
    """As much of MLflow's tracking store as is recorded."""

    def __init__(self):
        self.reads = 0

    def create_run(self, tags):
        return self._run(tags)

    def get_run(self, run_id):
        self.reads += 1
        return self._run({})

    def get_experiment(self, experiment_id):
        return Thing(name="exp")

    def log_batch(self, run_id, metrics, params, tags):
        return "logged"

    def set_tag(self, run_id, tag):
        return "set"

    def _run(self, tags):
        info = Thing(
            run_id="r1", status="RUNNING", start_time=1, end_time=None, run_name="n", user_id="u", experiment_id="0"
        )
        return Thing(info=info, data=Thing(tags=tags), inputs=None, outputs=None)


class Recorded(RecordedTracking, Tracking):
    pass


def store(lineage):
    recorded = Recorded()
    recorded.recorder = Recorder(
        lineage, NAMING, lambda: None, lambda _model, _version: None, lambda: datetime.now(tz=UTC)
    )
    return recorded


def unavailable():
    raise Unavailable("The store", "it is locked", "Wait.")


def mistaken():
    raise ZeroDivisionError


@pytest.mark.parametrize("broken", [unavailable, mistaken])
def test_a_run_is_made_though_lineage_cannot_be_written(broken, caplog):
    with caplog.at_level(logging.WARNING, logger="handrail.lineage"):
        run = store(broken).create_run({"feast.project": "p"})

    assert run.info.run_id == "r1"
    assert "the run r1" in caplog.text


def test_what_mlflow_refuses_stays_refused():
    with pytest.raises(TypeError):
        store(mistaken).create_run()


def test_metrics_parameters_and_other_tags_do_not_touch_lineage(caplog):
    recorded = store(mistaken)

    assert recorded.log_batch("r1", [1], [2], []) == "logged"
    assert recorded.log_batch("r1", [], [], [Thing(key="colour", value="red")]) == "logged"
    assert recorded.set_tag("r1", Thing(key="colour", value="red")) == "set"

    assert recorded.reads == 0
    assert not caplog.text


def test_a_reported_tag_is_recorded_with_the_whole_run():
    told = []
    recorded = store(
        lambda: Thing(record_activity=lambda uri, kind, **_: told.append((uri, kind)), recorded=lambda _uris: Facts())
    )

    recorded.log_batch("r1", [], [], [Thing(key="handrail.git_commit", value="c" * 40)])

    assert told == [("mlflow://local/run/r1", "tracking-run")]
