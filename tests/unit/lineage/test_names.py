"""Names: each says what it names, and what cannot name anything is refused."""

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.names import (
    MAX_URI_BYTES,
    agent_uri,
    check_digest,
    check_uri,
    data_prefix,
    kind_of,
    permit_uri,
    report_uri,
    snapshot_uri,
)
from handrail.lineage.domain.names import tree_uri as tree_of
from handrail.refs import BentoTag, DataVersion, Deployment, FeatureService, FeatureView, GitCommit, ModelVersion


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (GitCommit("shop", "ab" * 20).uri, "git-commit"),
        (DataVersion("shop", "data/raw", "aa.dir").uri, "dvc-data"),
        (FeatureService("shop", "v1", "aa").uri, "feature-service"),
        (FeatureView("shop", "weather", "aa").uri, "feature-view"),
        (ModelVersion("s", "flights", 17, 1).uri, "model-version"),
        (BentoTag("flights", "b1").uri, "bento"),
        (Deployment("local", "flights", "d1").uri, "deployment"),
        ("approval://s/r1", "permit"),
        ("approval://s/r1/decision", "promotion-decision"),
        (tree_of("sha256:" + "ab" * 32), "artifact-tree"),
        (snapshot_uri("shop", "sha256:ab"), "feedback-snapshot"),
        (report_uri("shop", "r1"), "report"),
        (agent_uri("s", "ann"), "actor"),
        ("s3://bucket/key", "s3"),
    ],
)
def test_a_uri_says_its_kind(uri, kind):
    assert kind_of(check_uri("uri", uri)) == kind


def test_a_subject_with_a_slash_cannot_pose_as_another():
    assert agent_uri("s", "ann/bob") == "actor://s/ann%2Fbob"
    assert permit_uri("a/b", "sha256:ab") == "approval://a%2Fb/ab"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data/raw",
        "dvc://",
        "dvc://a b",
        "dvc://a\x00b",
        "DVC://a",
        "dvc://a\nb",
        "x://" + "a" * 2048,
        "x://" + "é" * 1100,
    ],
)
def test_what_is_no_uri_is_refused_in_a_sentence(uri):
    with pytest.raises(InvalidInput, match=rf"Write scheme://|{MAX_URI_BYTES} bytes"):
        check_uri("uri", uri)


@pytest.mark.parametrize("uri", ["x://" + "a" * 2044, "x://" + "\u00e9" * 1022])
def test_a_uri_may_have_2048_bytes(uri):
    assert check_uri("uri", uri) == uri
    with pytest.raises(InvalidInput, match="at most 2048 bytes") as refusal:
        check_uri("uri", f"{uri}a")
    assert f"{uri[:60]!r}..." in str(refusal.value)


@pytest.mark.parametrize("digest", ["", "abc", "sha256:", "sha256:XYZ", "sha256:AB", ":ab"])
def test_what_is_no_digest_is_refused(digest):
    with pytest.raises(InvalidInput, match="not a digest"):
        check_digest("digest", digest)


def test_all_versions_of_a_path_share_a_prefix():
    uri = DataVersion("shop", "data/raw/a b.csv", "aa").uri

    assert uri == data_prefix("shop", "data/raw/a b.csv") + "@aa"
