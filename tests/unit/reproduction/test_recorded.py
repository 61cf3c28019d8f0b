"""What lineage knows of a model: its tree, the stage that wrote it, and the commit."""

from dataclasses import replace

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at
from handrail.refs import ArtifactVersion
from handrail.reproduction.domain.logged import LoggedRun
from handrail.reproduction.domain.recorded import recorded_model
from tests.fakes.lineage import COMMIT, PERMIT, RUN, VERSION, open_in_memory, story


@pytest.fixture
def lineage(tmp_path):
    lineage = open_in_memory({})
    for call in story(tmp_path):
        call(lineage)
    return lineage


def test_a_version_leads_to_the_stage_that_wrote_its_tree_and_to_its_commit(lineage):
    found = recorded_model(lineage.trace(VERSION.uri))

    assert found.version == VERSION.uri
    assert found.tree.startswith("sha256:")
    ((uri, commits),) = found.stages.items()
    assert uri.startswith("dvc-stage://shop/")
    assert commits == (COMMIT,)
    assert not found.dirty


def test_a_tree_or_a_permit_leads_there_too(lineage):
    found = recorded_model(lineage.trace(VERSION.uri))

    assert recorded_model(lineage.trace(PERMIT.uri)) == found
    tree = f"tree://{found.tree.replace(':', '/')}"
    assert recorded_model(lineage.trace(tree)).stages == found.stages


def test_the_name_of_a_tree_says_its_digest_where_nothing_else_does(lineage):
    trace = lineage.trace(VERSION.uri)
    nameless = replace(trace, nodes=tuple(replace(node, digest=None) for node in trace.nodes))

    assert recorded_model(nameless).tree == recorded_model(trace).tree


def test_the_digest_of_a_tree_is_the_one_that_lineage_holds(lineage):
    trace, other = lineage.trace(VERSION.uri), "sha256:" + "0" * 64
    nodes = tuple(replace(node, digest=other) if node.uri.startswith("tree://") else node for node in trace.nodes)

    assert recorded_model(replace(trace, nodes=nodes)).tree == other


def test_a_run_that_said_its_checkout_was_dirty_is_remembered(lineage):
    lineage.record_activity(
        RUN,
        "tracking-run",
        generated=[artifact_at(VERSION.uri)],
        details=ActivityDetails(attributes={"git_dirty": "true"}),
    )

    assert recorded_model(lineage.trace(VERSION.uri)).dirty


def test_what_no_stage_wrote_cannot_be_reproduced(lineage):
    tree = "sha256:" + "9" * 64
    lineage.record_registration("mlflow://registry/registered/other/1/1", tree_digest=tree)
    lineage.derive(artifact_at("file://a"), artifact_at("file://b"))

    with pytest.raises(InvalidInput, match="was made is not recorded: no stage of dvc.yaml wrote it"):
        recorded_model(lineage.trace("mlflow://registry/registered/other/1/1"))
    with pytest.raises(UnknownReference, match="artifact tree"):
        recorded_model(lineage.trace("file://a"))


OTHER = "mlflow://registry/registered/other/1/1"
LOGGING = "mlflow://registry/run/7a"
MODEL = "mlflow://registry/logged-model/m-1"
HASH = "9" * 64


def log(lineage, attributes, commit=None, version=None):
    """Let lineage know of a version whose tree a script logged in a run."""
    tree = artifact_at(f"tree://sha256/{HASH}", f"sha256:{HASH}")
    made = ArtifactVersion(OTHER, "model-version", f"sha256:{HASH}", version or {})
    lineage.derive(made, tree)
    lineage.derive(made, ArtifactVersion(MODEL, "logged-model", None, {"name": "slope"}))
    details = ActivityDetails(attributes=attributes)
    used = [artifact_at(f"git://shop/{commit}")] if commit else []
    lineage.record_activity(LOGGING, "tracking-run", used=used, generated=[made, tree], details=details)


def test_a_model_that_a_script_logged_leads_to_its_run_stage_and_commit(lineage):
    log(lineage, {"dvc_stage": "train", "source": "steps/train.py"}, commit=COMMIT)

    found = recorded_model(lineage.trace(OTHER))

    assert found.logged == LoggedRun(LOGGING, COMMIT, "train", "steps/train.py", "slope")
    assert (found.version, found.tree, found.stages, found.dirty) == (OTHER, f"sha256:{HASH}", {}, False)


def test_of_a_dirty_checkout_the_commit_is_known_as_well(lineage):
    log(lineage, {"git_commit": COMMIT, "git_dirty": "true"})

    found = recorded_model(lineage.trace(OTHER))

    assert (found.logged.commit, found.logged.dirty, found.dirty) == (COMMIT, True, True)


@pytest.mark.parametrize(
    ("source", "name"),
    [("runs:/7a/nets/slope", "nets/slope"), ("s3://b/1/7a/artifacts/slope", "slope"), ("/anywhere", "")],
)
def test_before_mlflow_3_a_model_is_named_by_its_path_in_the_run(lineage, source, name):
    made = ArtifactVersion(OTHER, "model-version", f"sha256:{HASH}", {"source": source})
    lineage.derive(made, artifact_at(f"tree://sha256/{HASH}", f"sha256:{HASH}"))
    used = [artifact_at(f"git://shop/{COMMIT}")]
    lineage.record_activity(LOGGING, "tracking-run", used=used, generated=[made])

    assert recorded_model(lineage.trace(OTHER)).logged.model == name


def test_a_run_that_names_no_commit_cannot_be_made_again(lineage):
    log(lineage, {"dvc_stage": "train"})

    with pytest.raises(InvalidInput) as refused:
        recorded_model(lineage.trace(OTHER))

    assert str(refused.value) == (
        f"model: how {OTHER} was made is not recorded: the run that logged it, {LOGGING}, names no commit. "
        "Log the model again, in a checkout of git."
    )
