"""What a reference may be, and what is refused as none."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.errors import AmbiguousReference
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.service.references import check_reference
from handrail.refs import ModelVersion, TrackingRun
from tests.fakes.lineage import BENTO, COMMIT, DEPLOYMENT, PERMIT, RUN, VERSION, open_in_memory, open_story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALIAS = "mlflow alias flights@champion"
TREE = "sha256:" + "7e" * 32


@pytest.fixture
def lineage():
    opened = open_story()
    opened.point(ALIAS, VERSION, NOON, by=PERMIT.uri)
    opened.point("deploy://local/flights", DEPLOYMENT, NOON, by="handrail deploy")
    opened.record_activity(RUN, "tracking-run", generated=[artifact_at("mlflow://registry/model/m-17")])
    return opened


@pytest.mark.parametrize(
    ("ref", "uri"),
    [
        (DEPLOYMENT.uri, DEPLOYMENT.uri),
        ("deploy://local/fl", DEPLOYMENT.uri),
        (COMMIT, f"git://shop/{COMMIT}"),
        (COMMIT[:7], f"git://shop/{COMMIT}"),
        (f"git://shop/{COMMIT[:9]}", f"git://shop/{COMMIT}"),
        ("models:/flights/1", VERSION.uri),
        ("flights/1", VERSION.uri),
        (PERMIT.uri[:-9], PERMIT.uri),
        ("models:/flights@champion", VERSION.uri),
        ("models:/m-17", "mlflow://registry/model/m-17"),
        (f"runs:/{RUN.run_id}", RUN.uri),
        (f"runs:/{RUN.run_id}/model", RUN.uri),
        ("feature_view/weather", "feast://shop/feature_view/weather@" + "bb" * 32),
        ("feature_service/flights_v1", "feast://shop/feature_service/flights_v1@" + "aa" * 32),
        ("flights:b1", BENTO.uri),
        ("ann", "actor://registry/ann"),
        ("actor://registry/ann", "actor://registry/ann"),
        ("champion", VERSION.uri),
        (ALIAS, VERSION.uri),
        ("local/flights", DEPLOYMENT.uri),
        ("p1", DEPLOYMENT.uri),
        ("flights 1", VERSION.uri),
        ("flights d1", DEPLOYMENT.uri),
        ("git:" + COMMIT[:9], f"git://shop/{COMMIT}"),
        ("sha256:" + "9a" * 32, PERMIT.uri),
        ("sha256:" + "9a" * 5, PERMIT.uri),
        ("9a" * 5, PERMIT.uri),
    ],
)
def test_a_reference_may_be_written_as_its_tool_writes_it(lineage, ref, uri):
    assert lineage.trace(ref).start == uri
    assert lineage.impact(ref).start == uri
    assert lineage.show(ref).node.uri == uri


def test_a_name_and_number_mean_the_model_that_has_the_name_now(lineage):
    again = ModelVersion("registry", "flights", VERSION.epoch + 1, 1)
    lineage.record_registration(again, tree_digest=TREE)
    lineage.record_registration(ModelVersion("registry", "flights", VERSION.epoch + 1, 11), tree_digest=TREE)
    lineage.record_registration(ModelVersion("registry", "flights-more", 99, 1), tree_digest=TREE)

    assert lineage.trace("models:/flights/1").start == again.uri


def test_what_only_looks_like_a_version_of_a_model_represents_none(lineage):
    lineage.derive(artifact_at("mlflow://registry/registered/flights/latest/1"), artifact_at("s3://lake/a"))

    assert lineage.trace("models:/flights/1").start == VERSION.uri


def test_one_model_name_on_two_servers_is_ambiguous(lineage):
    lineage.record_registration(ModelVersion("other", "flights", 1, 1), tree_digest=TREE)

    with pytest.raises(AmbiguousReference, match=r"mlflow://other/.*mlflow://registry/"):
        lineage.trace("models:/flights/1")


def test_a_commit_of_another_repository_is_found_and_two_that_begin_alike_are_named(lineage):
    lineage.derive(artifact_at("dvc://shop/vendored@1"), artifact_at("git://other/" + "abc12345" * 5))

    assert lineage.trace("abc12345").start == "git://other/" + "abc12345" * 5

    lineage.derive(artifact_at("dvc://shop/vendored@2"), artifact_at("git://third/" + "abc12345" * 5))
    with pytest.raises(AmbiguousReference, match="git://third/"):
        lineage.trace("abc12345")


def test_a_name_that_was_taken_away_points_nowhere(lineage):
    lineage.point(ALIAS, None, NOON + timedelta(hours=1), by=PERMIT.uri)

    with pytest.raises(UnknownReference, match="champion"):
        lineage.trace("models:/flights@champion")


def test_the_beginning_of_a_deployment_never_represents_the_one_of_a_prediction():
    lineage = open_in_memory({"lost": "deploy://local/flights/d"})
    lineage.record_deployment(DEPLOYMENT, BENTO)

    with pytest.raises(UnknownReference, match=r"'deploy://local/flights/d'"):
        lineage.trace("lost")


@pytest.mark.parametrize(
    "ref",
    [
        "5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11",
        "deadbeef",
        "models:/flights/7",
        "models:/m-18",
        "models:/",
        "models:/flights",
        "models:/a/b/c",
        "runs:/nothing",
        "feature_view/nothing",
        "flights:b9",
        "nobody",
        "pion",
        "../../etc/passwd",
        "data/raw/../../secret",
        "'; drop table lineage_node; --",
        '"',
        "%",
        "dvc://shop/%",
        "data/ra_",
        "://",
        "@",
        ":",
        "/",
        "mlflow://",
    ],
)
def test_what_names_nothing_is_one_sentence_with_a_remedy(lineage, ref):
    for ask in (lineage.trace, lineage.impact, lineage.show, lineage.touched):
        if ref == "mlflow://":
            with pytest.raises(AmbiguousReference):
                ask(ref)
        else:
            with pytest.raises(
                UnknownReference, match=r"^ref: no prediction, [^:]* named .* (Give a pred|Close to it)"
            ):
                ask(ref)


@pytest.mark.parametrize(
    ("ref", "model"),
    [
        ("models:/team@fraud@best", "team@fraud"),
        ("team@fraud@best", "team@fraud"),
        ("models:/team@fraud/1", "team@fraud"),
        ("team@fraud/1", "team@fraud"),
        ("models:/fraud@best", "fraud"),
        ("fraud@best", "fraud"),
        ("models:/my fraud@best", "my fraud"),
    ],
)
def test_the_name_of_a_model_may_hold_an_at_sign_or_a_blank(lineage, ref, model):
    for name in ("team@fraud", "fraud", "my fraud"):
        version = ModelVersion("registry", name, 17, 1)
        lineage.record_registration(version, tree_digest=TREE)
        lineage.point(f"mlflow alias {name}@best", version, NOON, by=PERMIT.uri)

    assert lineage.trace(ref).start == ModelVersion("registry", model, 17, 1).uri
    if "@best" in ref:
        assert lineage.timeline(ref.removeprefix("models:/"))[0].name == f"mlflow alias {model}@best"


def test_the_alias_of_a_model_is_not_that_of_one_whose_name_ends_in_the_same_word(lineage):
    lineage.point("mlflow alias team@fraud@best", VERSION, NOON, by=PERMIT.uri)

    for ref in ("models:/fraud@best", "models:/ights@champion"):
        with pytest.raises(UnknownReference):
            lineage.trace(ref)


def test_an_alias_that_is_not_there_is_answered_with_those_that_are(lineage):
    lineage.point("mlflow alias flights@gone", None, NOON, by=PERMIT.uri)
    lineage.point("mlflow alias more-flights@other", VERSION, NOON, by=PERMIT.uri)

    with pytest.raises(UnknownReference, match=r"flights@nobody'\. The aliases of that model are: champion\.$") as told:
        lineage.trace("models:/flights@nobody")

    assert told.value.field == "ref"


def test_of_a_thing_and_what_lies_below_it_the_thing_is_meant(lineage):
    read = "feast://shop/retrieval/r1"
    parts = [artifact_at(f"{read}/rows"), *(artifact_at(f"{read}/part-{number:03}") for number in range(200))]
    lineage.record_activity(read, "feature-retrieval", generated=parts)

    assert lineage.trace("feast://shop/retrieval/").start == read

    lineage.record_activity("feast://shop/retrieval/r2", "feature-retrieval")
    with pytest.raises(AmbiguousReference, match=r"retrieval/r1, feast://shop/retrieval/r2\."):
        lineage.trace("feast://shop/retrieval/")


def test_how_many_more_fit_is_said(lineage):
    for number in range(8):
        lineage.derive(artifact_at(f"s3://lake/many-{number}"), artifact_at("s3://lake/one"))

    with pytest.raises(AmbiguousReference, match=r"^ref: 's3://lake/m' .*many-4 and 3 more\."):
        lineage.trace("s3://lake/m")


@pytest.mark.parametrize("ref", ["", "a\x00b", "deploy://\x00", "a\nb", "\x7f", "x" * 2049, "\ud800"])
def test_what_can_name_nothing_is_refused(lineage, ref):
    for ask in (lineage.trace, lineage.impact, lineage.show, lineage.touched):
        with pytest.raises(InvalidInput, match=r"^ref: "):
            ask(ref)


@pytest.mark.parametrize(
    ("character", "is_taken"),
    [("\x1f", False), (" ", True), ("~", True), ("\x7f", False), ("\x80", True)]
    + [("\ud7ff", True), ("\ud800", False), ("\udfff", False), ("\ue000", True)],
)
def test_control_characters_and_halves_of_a_pair_name_nothing_and_their_neighbours_may(character, is_taken):
    with nullcontext() if is_taken else pytest.raises(InvalidInput, match="control characters"):
        assert check_reference(f"a{character}b") == f"a{character}b"


def test_a_reference_has_up_to_2048_characters_and_a_refusal_shows_some():
    assert check_reference("x" * 2048) == "x" * 2048
    with pytest.raises(InvalidInput, match=rf"^after: '{'x' * 40}'\.\.\. is too long"):
        check_reference("x" * 2049, "after")
    with pytest.raises(InvalidInput, match=rf"^ref: '{'x' * 60}' holds"):
        check_reference("x" * 60 + "\n")
    with pytest.raises(InvalidInput, match=r"^ref: it is empty"):
        check_reference("")


def test_a_run_is_not_its_longer_neighbour(lineage):
    lineage.record_tracking_run(TrackingRun("registry", "run-10"))

    assert lineage.trace("runs:/run-1").start == RUN.uri
    with pytest.raises(UnknownReference):
        lineage.trace("runs:/run-")


def test_a_request_is_named_by_its_id_or_the_beginning_of_that():
    lineage = open_in_memory()
    permit = "approval://registry/pr-0123456789abcdef0123"
    lineage.derive(artifact_at(permit), artifact_at(VERSION.uri), asserted_by="approvals")
    lineage.record_activity(f"{permit}/decision", "promotion-decision", generated=[artifact_at(permit)])

    assert [lineage.show(ref).node.uri for ref in ("pr-0123456789abcdef0123", "pr-0123")] == [permit] * 2


def test_a_run_is_named_by_the_beginning_of_its_id():
    lineage, run = open_in_memory(), TrackingRun("registry", "0f" * 16)
    lineage.record_activity(run, "tracking-run")

    assert lineage.show("0f" * 5).node.uri == run.uri


def test_a_digest_of_several_things_lists_them(lineage):
    lineage.derive(artifact_at("s3://lake/copy", "sha256:" + "9a" * 32), artifact_at("s3://lake/raw"))

    with pytest.raises(AmbiguousReference) as raised:
        lineage.trace("sha256:" + "9a" * 32)

    assert raised.value.candidates == (PERMIT.uri, "s3://lake/copy")


def test_a_subject_means_the_one_prediction_that_was_made_about_it():
    trace = open_story({"order-7": ["p1"]}).trace("order-7")

    assert (trace.prediction_id, trace.start) == ("p1", DEPLOYMENT.uri)


def test_of_several_predictions_about_a_subject_each_is_named():
    with pytest.raises(AmbiguousReference) as caught:
        open_story({"order-7": ["p2", "p1"]}).trace("order-7")

    assert caught.value.candidates == ("p2", "p1")


def test_a_name_of_lineage_goes_before_a_subject_that_is_called_the_same():
    lineage = open_story({"champion": ["p1"]})
    lineage.point(ALIAS, VERSION, NOON, by=PERMIT.uri)

    assert lineage.trace("champion").start == VERSION.uri
