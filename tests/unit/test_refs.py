"""References print as URIs that name one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail import refs


@pytest.mark.parametrize(
    ("ref", "uri"),
    [
        (refs.GitCommit("shop", "ab" * 20), "git://shop/" + "ab" * 20),
        (refs.DataVersion("shop", "data/raw", "12ef.dir"), "dvc://shop/data/raw@12ef.dir"),
        (refs.FeatureService("flights", "flights_v1", "aa"), "feast://flights/feature_service/flights_v1@aa"),
        (refs.FeatureView("flights", "weather", "aa"), "feast://flights/feature_view/weather@aa"),
        (refs.TrackingRun("local", "r1"), "mlflow://local/run/r1"),
        (refs.LoggedModel("local", "m-1"), "mlflow://local/model/m-1"),
        (refs.TrackedDataset("local", "a/b", "1f"), "mlflow://local/dataset/a%2Fb@1f"),
        (refs.FlowRun("local", "f1"), "prefect://local/flow-run/f1"),
        (refs.TaskRun("local", "t1"), "prefect://local/task-run/t1"),
        (refs.FlowDeployment("local", "d1"), "prefect://local/deployment/d1"),
        (refs.ModelVersion("local", "flights", 17, 2), "mlflow://local/registered/flights/17/2"),
        (refs.BentoTag("flights", "abc"), "bento://flights/abc"),
        (refs.Deployment("local", "flights", "d1"), "deploy://local/flights/d1"),
    ],
)
def test_each_reference_has_its_uri(ref, uri):
    assert ref.uri == uri


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_two_different_bentos_never_share_a_uri(name, version, other_name, other_version):
    one, other = refs.BentoTag(name, version), refs.BentoTag(other_name, other_version)

    assert (one.uri == other.uri) == (one == other)
