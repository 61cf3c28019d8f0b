"""What a trace ends at, and what is missing in it."""

from dataclasses import replace
from pathlib import Path

import pytest

from handrail.lineage import ActivityDetails, artifact_at, completeness_of, tree_digest, tree_uri
from tests.fakes.lineage import COMMIT, MODEL, RUN, VERSION, open_in_memory, story

TREE = tree_digest(MODEL.members, MODEL.path)


@pytest.fixture
def lineage():
    opened = open_in_memory()
    for call in story(Path()):
        call(opened)
    return opened


def _found(lineage, tree=TREE, **changes):
    return completeness_of(replace(lineage.trace(VERSION.uri), **changes), tree_uri(tree))


def test_a_pipeline_of_dvc_is_traced_to_its_commit_and_its_data(lineage):
    found = _found(lineage)

    assert found.gaps == ()
    assert any(uri.endswith(COMMIT) for uri in found.commits)
    assert found.data
    assert all(digest.startswith(("sha256:", "md5:")) for digest in found.data.values())


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (artifact_at("s3://lake/orders"), "s3://lake/orders has no sha256 or md5"),
        (artifact_at("s3://lake/orders", "etag:12"), "s3://lake/orders has no sha256 or md5"),
        (artifact_at("tree://sha256/" + "ab" * 32, "sha256:" + "ab" * 32), "is not recorded"),
    ],
)
def test_an_end_that_is_neither_is_named(lineage, used, words):
    lineage.record_tracking_run(RUN, used=[used])

    (gap,) = _found(lineage).gaps
    assert words in gap


def test_data_with_a_digest_is_an_end(lineage):
    lineage.record_tracking_run(RUN, used=[artifact_at("s3://lake/orders", "md5:" + "0" * 32)])

    found = _found(lineage)
    assert (found.gaps, "s3://lake/orders" in found.data) == ((), True)


def test_files_of_which_no_maker_is_recorded_are_a_gap():
    lineage = open_in_memory()
    lineage.record_registration(VERSION, tree_digest=TREE)

    gaps = " ".join(_found(lineage).gaps)
    assert f"What made {tree_uri(TREE)} is not recorded." in gaps
    assert "No commit led to" in gaps
    assert "No data with a sha256 or md5 led to" in gaps


def test_a_run_that_read_nothing_is_a_gap():
    lineage = open_in_memory()
    lineage.record_tracking_run(RUN, tree_digest=TREE)
    lineage.record_registration(VERSION, tree_digest=TREE, run=RUN)

    assert f"What {RUN.uri} read is not recorded." in _found(lineage).gaps


def test_the_files_have_to_be_these(lineage):
    other = "sha256:" + "0" * 64

    (gap,) = _found(lineage, other).gaps
    assert gap == f"Lineage does not say that {VERSION.uri} holds {tree_uri(other)}."


def test_what_wrote_descriptions_of_known_digest_is_no_end(lineage):
    view = artifact_at("feast://shop/feature_view/weather@" + "f" * 64, "sha256:" + "f" * 64)
    blurred = artifact_at("feast://shop/feature_view/delays")
    lineage.record_tracking_run(RUN, used=[view])
    lineage.record_activity("feast://shop/apply/1", "feature-apply", generated=[view])
    assert _found(lineage).gaps == ()

    lineage.record_tracking_run(RUN, used=[blurred])
    lineage.record_activity("feast://shop/apply/1", "feature-apply", generated=[blurred])

    assert _found(lineage).gaps == ("What feast://shop/apply/1 read is not recorded.",)


def test_the_plan_that_a_run_followed_is_no_end(lineage):
    plan = "prefect://local/deployment/nightly"
    lineage.record_activity(RUN, "tracking-run", details=ActivityDetails(within=[plan], asserted_by="prefect"))

    assert plan in {node.uri for node in lineage.trace(VERSION.uri).nodes}
    assert _found(lineage).gaps == ()


def test_a_checkout_with_uncommitted_changes_is_a_gap(lineage):
    dirty = ActivityDetails(attributes={"git_dirty": "true"}, asserted_by="mlflow")
    lineage.record_activity(RUN, "tracking-run", details=dirty)

    assert _found(lineage).gaps == (f"{RUN.uri} ran in a checkout with uncommitted changes.",)


def test_a_trace_that_was_cut_is_a_gap(lineage):
    (gap,) = _found(lineage, truncated=True).gaps
    assert gap.startswith("The trace is longer than the")


def test_data_that_was_reported_with_two_digests_is_a_gap(lineage):
    for by, digest in (("one", "0"), ("two", "1")):
        data = artifact_at("s3://lake/orders", f"sha256:{digest * 64}")
        details = ActivityDetails(asserted_by=by)
        lineage.record_activity(RUN, "tracking-run", used=[data], details=details)

    assert _found(lineage).gaps == ("s3://lake/orders was reported with two different digests.",)
