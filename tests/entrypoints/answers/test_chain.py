"""The chain of a trace: a link for each station, what is missing, and a sentence; for any project."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handrail.entrypoints.answers.chain import NO_PERMIT, chain_of
from handrail.entrypoints.answers.chain_facts import Allowed, ChainFacts, Outcome
from handrail.feedback import Prediction
from handrail.lineage import direct_path
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.pipeline import PipelineRecord, describe_pipeline
from handrail.lineage.domain.timeline import Period
from handrail.refs import Deployment, ModelVersion
from tests.fakes.lineage import COMMIT, DEPLOYMENT, PERMIT, STAGES, VERSION, open_in_memory, open_story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PEOPLE = (("Ben Engineer", ("ml-engineer",)), ("Cleo Business", ("business-stakeholder",)))
ALLOWED = Allowed(
    "request-1",
    "flights 1 as champion",
    PEOPLE,
    "ada",
    NOON,
    NOON + timedelta(minutes=3),
    "sha256:" + "ab" * 32,
    4,
    4,
    7,
    asked_by="Ada",
)
MADE = Prediction("p1", DEPLOYMENT.uri, "flight-1", NOON, 0.092, 0)
SLOT = Period(
    "deploy://local/flights", DEPLOYMENT.uri, NOON - timedelta(hours=1), NOON + timedelta(hours=1), "handrail"
)
FACTS = ChainFacts(MADE, "0.092, not called late", permits={PERMIT.uri: ALLOWED}, moves=(SLOT,))


@pytest.fixture
def lineage():
    return open_story()


@pytest.fixture
def link(lineage):
    def find(station, facts=FACTS):
        return next(link for link in chain_of(lineage.trace("p1"), facts).links if link.station == station)

    return find


def test_the_sentence_says_what_made_it_who_allowed_that_and_that_nothing_is_missing(lineage):
    chain = chain_of(lineage.trace("p1"), FACTS)

    assert chain.summary == (
        "It came from flights 1, which Ben Engineer and Cleo Business allowed on 23 Nov 2026 at 12:03 UTC; "
        "nothing on the way is missing, and no digest contradicts another."
    )
    assert chain.missing == ()
    assert chain.links[0].station == "prediction"


def test_the_first_link_says_what_was_predicted_and_what_happened(link):
    late = replace(FACTS, outcomes=(Outcome("ground_truth", 0.0, "punctual", NOON + timedelta(hours=3), "airline"),))

    assert link("prediction").note == "No outcome is known yet."
    assert link("prediction", late).title == "flight-1: 0.092, not called late"
    assert (
        "Outcome: punctual (ground_truth by airline), known since 23 Nov 2026 at 15:00" in link("prediction", late).note
    )


def test_event_time_is_marked_where_the_deployment_did_not_serve_then(link):
    replayed = replace(FACTS, prediction=replace(MADE, made_at=NOON - timedelta(days=4_000)))

    assert link("prediction").is_event_time is False
    assert link("prediction", replayed).is_event_time is True


def test_the_deployment_says_since_when_and_until_when(link):
    assert (link("deployment").when, link("deployment").until) == (SLOT.since, SLOT.until)
    assert link("deployment").note == "In service until 23 Nov 2026 at 13:00 UTC."
    assert link("deployment", replace(FACTS, moves=())).note == "When it was in service is not recorded."


def test_the_permit_says_by_whom_with_roles_when_and_in_which_request(link):
    permit = link("permit")

    assert permit.title == (
        "Ben Engineer (ml-engineer) and Cleo Business (business-stakeholder) allowed flights 1 as champion"
    )
    assert permit.note.startswith("Request request-1, asked by Ada (ada). Policy sha256:abab")
    assert permit.note.endswith("4 of 4 rules met.")
    assert (permit.when, permit.is_key) == (ALLOWED.at, True)


def test_a_ledger_that_cannot_be_read_leaves_the_names_of_the_graph(lineage, link):
    chain = chain_of(lineage.trace("p1"), ChainFacts())

    assert link("permit", ChainFacts()).title == "ann and bob allowed this"
    assert chain.summary.startswith("It came from flights 1, which ann and bob allowed;")


def test_a_permit_that_was_taken_back_is_named_as_such(lineage, link):
    facts = replace(FACTS, permits={PERMIT.uri: replace(ALLOWED, revoked=True)})

    assert link("permit", facts).note.endswith("Taken back since.")
    assert "and took back since" in chain_of(lineage.trace("p1"), facts).summary


def test_each_hop_says_whether_it_is_proven_and_by_whom(lineage):
    hops = {link.station: (link.proven, link.said_by) for link in chain_of(lineage.trace("p1"), FACTS).links}

    assert hops["prediction"] == (None, ())
    assert hops["deployment"] == (False, ("feedback",))
    assert hops["bento"][0] is True
    assert hops["git-commit"][0] is True


def test_what_is_missing_is_named():
    lineage = open_in_memory({"p2": "deploy://production/espresso/7"})
    lineage.record_serving(Deployment("production", "espresso", "7"), ModelVersion("registry", "espresso", 4, 3))

    chain = chain_of(lineage.trace("p2"), ChainFacts())

    assert chain.missing == (
        NO_PERMIT,
        "No run that made the model is recorded.",
        "No git commit is recorded.",
        "No data is recorded that the model learned from.",
    )
    assert chain.summary == (
        "It came from espresso 3, which nobody is recorded to have allowed; "
        "4 things on the way are missing, and no digest contradicts another."
    )


def test_a_contradicting_digest_is_counted(lineage):
    lineage.derive(artifact_at("bento://flights/b9"), artifact_at(PERMIT.uri, "sha256:" + "0" * 64))

    assert chain_of(lineage.trace("p1"), FACTS).summary.endswith("missing, and 1 digest contradicts another.")


def test_a_trace_that_was_cut_says_so_and_nothing_else(lineage):
    assert chain_of(lineage.trace("p1", 3), FACTS).missing == (
        "The trace is longer than what was read of it, so more may be on the way.",
    )


def test_a_version_has_the_permit_that_was_given_for_it_first(lineage):
    chain = chain_of(lineage.trace(VERSION.uri), ChainFacts(permits={PERMIT.uri: ALLOWED}, later=(PERMIT.uri,)))

    assert [link.station for link in chain.links][:3] == ["permit", "model-version", "run"]
    assert "Ben Engineer and Cleo Business allowed it on 23 Nov 2026 at 12:03 UTC" in chain.summary


def test_data_has_a_chain_without_a_model(lineage):
    chain = chain_of(lineage.trace("data/validated"), ChainFacts())

    assert chain.summary.startswith("data/validated came from validate and data/raw; nothing")
    assert [link.kind for link in chain.links] == ["Data", "Pipeline stage", "Validation", "Raw data", "Git commit"]


def test_what_nothing_led_to_says_so(lineage):
    commit = next(node.uri for node in lineage.trace("p1").nodes if node.kind == "git-commit")

    assert chain_of(lineage.trace(commit), ChainFacts()).summary.startswith(
        "Nothing is recorded that led to c0c0c0c0c0c0"
    )


def test_a_commit_has_the_moment_that_its_committer_reports(lineage):
    stages = PipelineRecord("shop", STAGES, committed={COMMIT: NOON, "d1" * 20: NOON})
    lineage.record(describe_pipeline(stages))

    links = {link.station: link for link in chain_of(lineage.trace("p1"), FACTS).links}

    assert links["git-commit"].when == NOON
    assert "d1" * 20 not in str(lineage.trace("p1").nodes)


def test_a_check_has_the_moment_of_the_run_that_it_was_part_of_where_one_is_known(link, lineage):
    before = link("validation").when
    stage, task = PipelineRecord("shop", STAGES).runs()["validate"], "prefect://local/task-run/t"
    lineage.record_activity(task, "task-run", details=ActivityDetails(started=NOON, ended=NOON + timedelta(minutes=1)))
    lineage.record_activity(stage, "dvc-stage", details=ActivityDetails(within=[task]))

    assert before is None
    assert link("validation").when == NOON + timedelta(minutes=1)
    assert link("training-data").when is None, "what ran beside the check has no time of it"


def test_a_check_that_has_a_time_of_its_own_keeps_it(link, lineage):
    validation = next(step.node.uri for step in direct_path(lineage.trace("p1")) if step.station == "validation")
    lineage.record_activity(
        "run://x", "checkpoint-run", generated=[artifact_at(validation)], details=ActivityDetails(ended=NOON)
    )

    assert link("validation").when == NOON
