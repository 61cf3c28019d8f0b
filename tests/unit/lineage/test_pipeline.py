"""A pipeline's record as facts: down to single files, with the commit that is proven by its source files."""

from dataclasses import replace

import pytest

from handrail.lineage.domain.locked import OutsideData
from handrail.lineage.domain.pipeline import CodeFile, PipelineRecord, TrackedFile, describe_pipeline, tree_digest
from handrail.lineage.domain.vocabulary import Verb
from tests.fakes.lineage import COMMIT, MODEL, RAW, STAGES, a_file, a_stage, open_in_memory

RECORD = PipelineRecord("shop", STAGES)
FACTS = describe_pipeline(RECORD)


def _causes_of(uri_part, verb):
    return sorted(s.cause for s in FACTS.statements if uri_part in s.effect and s.verb is verb)


def test_a_folder_comes_from_each_of_its_files_and_each_is_compared():
    parts = [s for s in FACTS.statements if s.effect == RECORD.artifact("data/raw").uri]

    derived = {s.cause: s.agreed for s in parts if s.verb is Verb.DERIVED_FROM}
    assert derived == {
        f"dvc://shop/data/raw/2013-01.csv@{2:032x}": f"md5:{2:032x}",
        f"dvc://shop/data/raw/2013-02.csv@{3:032x}": f"md5:{3:032x}",
    }


def test_each_stage_used_the_commit_and_its_source_files():
    for stage in STAGES:
        used = _causes_of(f"dvc-stage://shop/{stage.name}@", Verb.USED)

        assert f"git://shop/{COMMIT}" in used
        assert any(uri.startswith(f"dvc://shop/flows/steps/{stage.name}.py@") for uri in used)


@pytest.mark.parametrize(
    ("in_commit", "agreed"), [((True,), [f"git:{COMMIT}"]), ((True, False), [""]), ((False,), [""]), ((), [""])]
)
def test_that_a_commit_ran_is_proven_only_if_it_holds_the_bytes_of_every_source_file(in_commit, agreed):
    stage = a_stage("acquire", (), (RAW,))
    code = tuple(CodeFile(f"{number}.py", "aa", held) for number, held in enumerate(in_commit))
    changed = type(stage)("acquire", stage.fingerprint, COMMIT, "{}", (), code, stage.outputs)

    facts = describe_pipeline(PipelineRecord("shop", (changed,)))

    assert [s.agreed for s in facts.statements if s.cause.startswith("git://")] == agreed


def test_a_later_run_of_the_same_files_and_views_is_no_cause_of_an_earlier_one():
    lineage = open_in_memory()
    first = replace(STAGES[2], fingerprint="1" * 64)
    later = replace(first, fingerprint="2" * 64, commit="d" * 40, parameters='{"depth": 9}')
    for stage in (later, first):
        lineage.record(describe_pipeline(PipelineRecord("shop", (stage,))))

    commits = {
        stage.fingerprint: [
            node.uri
            for node in lineage.trace(f"dvc-stage://shop/features@{stage.fingerprint}").nodes
            if node.kind == "git-commit"
        ]
        for stage in (first, later)
    }

    assert commits == {"1" * 64: [f"git://shop/{COMMIT}"], "2" * 64: [f"git://shop/{'d' * 40}"]}


def test_the_training_set_is_read_through_a_service_of_views():
    used = _causes_of("dvc-stage://shop/features@", Verb.USED)

    assert "feast://shop/feature_service/flights_v1@" + "aa" * 32 in used
    assert _causes_of("feature_service/", Verb.DERIVED_FROM) == ["feast://shop/feature_view/weather@" + "bb" * 32]
    roles = {n.uri for n in FACTS.nodes if ("role", "training-set") in n.attributes}
    assert roles == {RECORD.artifact("data/training").uri}


def test_validated_data_comes_from_the_validation_which_is_the_bytes_of_its_file():
    assert _causes_of("data/validated@", Verb.DERIVED_FROM)[-1] == f"gx://shop/validation/{6:064x}"
    assert _causes_of("gx://", Verb.DERIVED_FROM) == [f"dvc://shop/data/validation.json@{6:032x}"]


def test_a_folder_with_a_model_is_an_artifact_tree():
    digest = tree_digest(MODEL.members, MODEL.path)

    assert _causes_of("tree://", Verb.DERIVED_FROM) == [RECORD.artifact("models/package").uri]
    assert f"tree://sha256/{digest.removeprefix('sha256:')}" in {node.uri for node in FACTS.nodes}


def test_a_trees_digest_depends_on_paths_sizes_and_contents_not_on_order_or_place():
    members = (a_file("m/a", 1), a_file("m/b", 2))

    assert tree_digest(members, "m") == tree_digest(members[::-1], "m")
    assert tree_digest(members, "m") == tree_digest((a_file("else/a", 1), a_file("else/b", 2)), "else")
    assert tree_digest(members, "m") != tree_digest((a_file("m/a", 1), a_file("m/c", 2)), "m")


def test_artifacts_are_found_by_path_and_by_stage():
    assert RECORD.artifact("data/raw/2013-01.csv").digest == f"sha256:{2:064x}"
    assert [a.attributes["path"] for a in RECORD.inputs_of("validate")] == ["data/raw"]
    assert RECORD.inputs_of("nothing") == ()


def test_a_file_that_a_later_run_writes_again_is_not_said_to_come_from_it():
    """Else a file that two trees share would come from the later run, which learned from what the first one served."""
    generated = {s.effect for s in FACTS.statements if s.verb is Verb.GENERATED}

    assert RECORD.artifact("data/raw").uri in generated
    assert not [uri for uri in generated if "data/raw/" in uri]


OUTSIDE = OutsideData("s3://lake/raw", "v 1", {"etag": "1", "md5": "aa"})


@pytest.mark.parametrize(("sha256", "agreed"), [("0" * 64, f"md5:{1:032x}.dir"), ("", "")])
def test_tracked_data_comes_from_its_commit_which_is_proven_if_its_bytes_are_at_hand(sha256, agreed):
    raw = replace(RAW, sha256=sha256, members=())
    tracked = TrackedFile(raw, "data/raw.dvc", COMMIT, (OUTSIDE, replace(MODEL, members=())))

    facts = describe_pipeline(PipelineRecord("shop", tracked=(tracked,)))

    from_commit = [s for s in facts.statements if s.cause == f"git://shop/{COMMIT}"]
    assert [(s.effect, s.agreed) for s in from_commit] == [(f"dvc://shop/data/raw@{1:032x}.dir", agreed)]
    assert {s.cause: s.cause_digest for s in facts.statements if s not in from_commit} == {
        "s3://lake/raw@v%201": "md5:aa",
        f"dvc://shop/models/package@{9:032x}.dir": f"sha256:{9:064x}",
    }
    (node,) = (node for node in facts.nodes if node.uri.startswith("dvc://shop/data/raw"))
    assert ("named_by", "data/raw.dvc") in node.attributes


def test_data_outside_of_the_project_is_read_and_written_like_any_other():
    nameless = OutsideData("s3://lake/out")
    stage = replace(a_stage("load", (), ()), read_outside=(OUTSIDE,), written_outside=(nameless,))

    facts = describe_pipeline(PipelineRecord("shop", (stage,)))

    said = {(s.verb, s.effect if s.verb is Verb.GENERATED else s.cause): s for s in facts.statements}
    assert said[Verb.USED, "s3://lake/raw@v%201"].cause_digest == "md5:aa"
    assert said[Verb.GENERATED, "s3://lake/out"].effect_digest == ""


def test_the_fingerprint_of_a_stages_inputs_derives_from_all_that_it_read():
    stage = replace(a_stage("train", (RAW,), ()), inputs_fingerprint="ab" * 32, read_outside=(OUTSIDE,))

    facts = describe_pipeline(PipelineRecord("shop", (stage,)))

    derived = {s.cause for s in facts.statements if s.effect == f"stage-inputs://sha256/{'ab' * 32}"}
    assert derived == {s.cause for s in facts.statements if s.verb is Verb.USED} - {f"git://shop/{COMMIT}"}
    assert len(derived) == 3


def test_what_a_validation_names_is_not_said_again_to_come_from_it():
    validate = STAGES[1]
    checked = RECORD.artifact("data/validated").uri

    facts = describe_pipeline(PipelineRecord("shop", (replace(validate, validated=(checked,)),)))

    assert checked not in {s.effect for s in facts.statements if s.cause.startswith("gx://")}


def test_runs_are_found_by_the_names_of_their_stages_also_one_with_a_blank():
    stage = a_stage("load all", (), ())

    assert PipelineRecord("shop", (stage,)).runs() == {"load all": f"dvc-stage://shop/load%20all@{8:064x}"}
