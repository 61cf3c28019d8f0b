"""Contents: they say what facts say, no more and no less, and none has an artifact at both ends."""

from pathlib import Path

from hypothesis import given

from handrail.lineage.domain.contents import contents_of, facts_of, merge_nodes
from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    Statement,
    activity_fact,
    describe_activity,
    describe_derivation,
)
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.pipeline import describe_pipeline
from handrail.lineage.domain.vocabulary import Verb
from tests.fakes.lineage import COMMIT, STAGES, PipelineInMemory
from tests.fakes.lineage_facts import facts


def said(contents):
    return Facts.union(facts_of(content, content.asserted_by) for content in contents)


def merged(told):
    return Facts(frozenset(merge_nodes(told.nodes)), told.statements)


@given(facts())
def test_steps_say_all_that_facts_say_and_nothing_else(told):
    again = said(contents_of(told))

    assert merged(again) == merged(told)


@given(facts())
def test_no_artifact_stands_at_both_ends_of_a_step_or_twice_at_one(told):
    for content in contents_of(told):
        ends = [end.node.uri for end in (*content.inputs, *content.outputs)]
        assert len(ends) == len(set(ends))


def test_a_pipelines_facts_come_back():
    told = describe_pipeline(PipelineInMemory(STAGES).read(Path(), COMMIT))

    assert merged(said(contents_of(told))) == merged(told)


def test_an_activity_is_one_step_for_each_who_reports_it():
    stage = activity_fact("dvc-stage://shop/train@1", details=ActivityDetails(attributes={"stage": "train"}))
    data, view, model = map(artifact_at, ("dvc://shop/data@1", "feast://shop/feature_view/v@1", "dvc://shop/model@1"))

    contents = contents_of(
        describe_activity(stage, [data], [model], ["actor://ldap/ann"], "dvc")
        | describe_activity(stage, [view], [model], [], "feast")
    )

    assert [(content.asserted_by, len(content.inputs), len(content.partners)) for content in contents] == [
        ("dvc", 1, 1),
        ("feast", 1, 0),
    ]
    assert not any(content.is_derivation for content in contents)


def test_an_artifact_known_by_several_digests_is_one_end():
    file, whole = artifact_at("s3://lake/file"), artifact_at("s3://lake/whole")
    told = describe_derivation(whole, artifact_at(file.uri, "md5:aa"), "dvc") | describe_derivation(
        whole, artifact_at(file.uri, "sha256:bb"), "dvc"
    )

    (content,) = contents_of(told)

    assert content.is_derivation
    assert content.inputs[0].digests == ("md5:aa", "sha256:bb")


def test_what_agreed_in_two_ways_takes_two_steps():
    ends = "s3://lake/whole", "s3://lake/file", Verb.DERIVED_FROM, "dvc"
    nodes = describe_derivation(*map(artifact_at, ends[:2]), "dvc").nodes
    told = Facts(nodes, frozenset(Statement(*ends, agreed=digest) for digest in ("md5:aa", "sha256:bb")))

    assert [content.inputs[0].agreed for content in contents_of(told)] == ["md5:aa", "sha256:bb"]


def test_what_nobody_says_anything_of_is_still_recorded():
    alone = Facts(frozenset({activity_fact("mlflow://s/run/1")})) | Facts(
        describe_derivation(artifact_at("s3://a/b"), artifact_at("s3://a/c"), "x").nodes
    )

    assert merged(said(contents_of(alone))) == alone
