"""What a run is called in Prefect's lists: what it is about."""

import pytest

from flows import deploy, ingest, monitor, promote, replay, retrain, train

TREE = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("flow", "parameters", "name"),
    [
        (retrain.retrain, retrain.RetrainParameters(month="2013-09"), "retrain because of 2013-09"),
        (retrain.retrain, retrain.DEFAULTS, "retrain because of the newest mature month"),
        (monitor.monitor, monitor.MonitorParameters(month="2013-09"), "monitor 2013-09"),
        (monitor.monitor, monitor.DEFAULTS, "monitor the newest mature month"),
        (deploy.deploy, deploy.DeployParameters(tree_digest=TREE), "deploy sha256:aaaaaaaaaaaa"),
        (deploy.deploy, deploy.DEFAULTS, "deploy the packaged tree"),
        (train.train, train.TrainParameters(until="evaluate"), "train up to evaluate"),
        (train.train, train.DEFAULTS, "train the whole graph"),
        (promote.promote, promote.DEFAULTS, "promote to champion"),
        (ingest.ingest, ingest.DEFAULTS, "ingest what is known by now"),
        (replay.replay, replay.ReplayParameters(days=3), "replay 3 days"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_run_is_called_after_what_it_is_about(flow, parameters, name):
    assert flow.flow_run_name.format(parameters=parameters) == name
