"""What a token allows: by default everything, else its namespaces and its verbs; what it does not allow is named."""

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.adapters.openlineage.events import read_event
from handrail.lineage.domain.errors import OutOfScope
from handrail.lineage.domain.events import JobName, LineageEvent, RunReport, RunState
from handrail.lineage.domain.facts import Facts, NodeFact
from handrail.lineage.domain.scopes import May, TokenScope
from handrail.lineage.domain.vocabulary import Role
from handrail.lineage.service.intake import EventIntake, IntakePorts
from tests.fakes.lineage_events import EventsInMemory, a_dataset_event, a_job_event, a_run_event, a_run_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOT = "actor://service/airflow"
WHEN = {"eventTime": NOON.isoformat()}
FACET = {"_producer": "https://x", "_schemaURL": "https://x"}
PERMIT = "approval://registry/1"


def data(name, namespace="s3://lake", **facets):
    return {"namespace": namespace, "name": name, "facets": {name: FACET | given for name, given in facets.items()}}


def run(inputs=(), outputs=(), namespace="airflow", **facets):
    about = {"runId": a_run_id(1), "facets": {name: FACET | given for name, given in facets.items()}}
    job = {"namespace": namespace, "name": "clean"}
    return a_run_event(1, inputs=list(inputs), outputs=list(outputs), job=job, **WHEN) | {"run": about}


@pytest.fixture
def log():
    return EventsInMemory()


def send(log, event, *may, namespaces=()):
    scope = TokenScope(frozenset(may or {May.SEND}), namespaces)
    intake = EventIntake(IntakePorts(read_event, log, lambda: NOON))
    return intake.receive([event], BOT, scope)


WITHIN = ("airflow", "s3://lake/clean", "dvc://shop")


@pytest.mark.parametrize(
    "event",
    [
        run([data("orders", "postgres://elsewhere")], [data("clean/2026")]),
        run(namespace="airflow/prod"),
        run([], [data("clean", version={"datasetVersion": "7"})]),
        run([], [data("data/raw", "dvc://shop")]),
        run([], [data("x", "n", handrail_artifact={"uri": "dvc://shop/data/raw"})]),
        a_dataset_event("clean/2026", **WHEN),
        a_job_event(job={"namespace": "airflow", "name": "clean"}, **WHEN),
    ],
)
def test_jobs_and_outputs_within_the_namespaces_are_taken(log, event):
    assert send(log, event, namespaces=WITHIN).accepted == 1


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (run(namespace="airflow2"), "airflow2"),
        (run([], [data("cleaner")]), "s3://lake"),
        (run([], [data("orders")]), "s3://lake"),
        (run([], [data("x", handrail_artifact={"uri": PERMIT})]), PERMIT),
        (run([data("x", handrail_artifact={"uri": PERMIT, "attributes": {"approver": "eve"}})]), PERMIT),
        (run(handrail_activity={"uri": f"{PERMIT}/decision"}), f"{PERMIT}/decision"),
        (
            run(handrail_activity={"associatedWith": [{"uri": "actor://s/eve", "attributes": {"role": "approver"}}]}),
            "actor://s/eve",
        ),
        (
            run([data("a")], [data("b", "s3://other")], handrail_derivation={"verb": "derived_from"}),
            "s3://other",
        ),
        (a_dataset_event("orders", **WHEN), "s3://lake"),
        (a_job_event(job={"namespace": "dbt", "name": "clean"}, **WHEN), "dbt"),
    ],
)
def test_what_lies_outside_the_namespaces_is_refused_by_name(log, event, named):
    with pytest.raises(OutOfScope, match=f"does not allow to write '{named}'") as caught:
        send(log, event, namespaces=WITHIN)

    assert caught.value.option == f"--namespace {named}"
    assert not log.events


READS, MAKES = run([data("a")]), run([], [data("b")])
DERIVES = run([data("a")], [data("b")], handrail_derivation={"verb": "derived_from"})
ANSWERS_FOR = run(handrail_activity={"associatedWith": [{"uri": "actor://s/ann"}]})


@pytest.mark.parametrize(
    ("event", "verb"),
    [(READS, May.USED), (MAKES, May.GENERATED), (DERIVES, May.DERIVED_FROM), (ANSWERS_FOR, May.ASSOCIATED_WITH)],
)
def test_a_token_for_one_verb_states_that_verb_alone(log, event, verb):
    others = {May.USED, May.GENERATED, May.DERIVED_FROM, May.ASSOCIATED_WITH, May.ASK} - {verb}

    with pytest.raises(OutOfScope, match=f"does not allow to state '{verb.value}'"):
        send(log, event, *others)
    assert send(log, event, verb).accepted == 1


def test_a_token_for_questions_sends_nothing_and_one_for_sending_asks_nothing(log):
    with pytest.raises(OutOfScope, match="does not allow to send"):
        send(log, run(), May.ASK)
    with pytest.raises(OutOfScope, match="Asking is refused. The token of actor://service/airflow does not allow"):
        TokenScope(frozenset({May.SEND})).check_question(BOT)

    TokenScope().check_question(BOT)


@pytest.mark.parametrize("namespace", ["", "/", "a\x00b", "a\u202eb", "x" * 601])
def test_a_namespace_is_a_name(namespace):
    with pytest.raises(InvalidInput, match="is not a namespace"):
        TokenScope(namespaces=(namespace,))


def test_a_namespace_may_have_600_characters_and_a_refusal_shows_60():
    assert TokenScope(namespaces=("x" * 600,)).namespaces == ("x" * 600,)
    with pytest.raises(InvalidInput, match=f"namespace: '{'x' * 60}' is not"):
        TokenScope(namespaces=("x" * 601,))


DESCRIBED = (
    {"attributes": frozenset({("role", "approver")})},
    {"started": NOON},
    {"ended": NOON},
)


@pytest.mark.parametrize("described", [{}, *DESCRIBED], ids=str)
def test_what_is_named_only_is_no_statement_about_it_and_what_is_described_is(described):
    partner = NodeFact("prefect://s/flow-run/1", Role.ACTIVITY, "flow-run", **described)
    run = RunReport(a_run_id(1), RunState.START, partners=(partner,))
    event = LineageEvent("00", NOON, "x", "{}", JobName("airflow", "clean"), run)
    scope = TokenScope(frozenset({May.SEND}), ("airflow",))

    with pytest.raises(OutOfScope, match=partner.uri) if described else nullcontext():
        scope.check_event(event, Facts(), BOT)


FULL = TokenScope()
REPORTER = TokenScope(frozenset({May.REPORT}), kinds=("rating",), sources=("shop",))


def test_a_token_that_allowed_everything_about_lineage_records_no_feedback():
    with pytest.raises(OutOfScope, match="record predictions.*--may predict"):
        FULL.check_prediction(BOT)
    with pytest.raises(OutOfScope, match="report outcomes.*--may report"):
        FULL.check_report(BOT)
    with pytest.raises(OutOfScope, match="report outcomes"):
        FULL.check_outcome("rating", "shop", BOT)


def test_the_two_rights_of_feedback_are_apart():
    TokenScope(frozenset({May.PREDICT})).check_prediction(BOT)
    TokenScope(frozenset({May.REPORT})).check_outcome("any", "any", BOT)

    with pytest.raises(OutOfScope):
        TokenScope(frozenset({May.PREDICT})).check_report(BOT)
    with pytest.raises(OutOfScope):
        TokenScope(frozenset({May.REPORT})).check_prediction(BOT)


def test_a_token_reports_the_kinds_and_sources_that_it_names():
    REPORTER.check_outcome("rating", "shop", BOT)

    with pytest.raises(OutOfScope, match="--feedback-kind ground_truth"):
        REPORTER.check_outcome("ground_truth", "shop", BOT)
    with pytest.raises(OutOfScope, match="--feedback-source airport"):
        REPORTER.check_outcome("rating", "airport", BOT)


@pytest.mark.parametrize("rights", [(May.REPORT,), (May.PREDICT,), (May.REPORT, May.PREDICT, May.ASK)], ids=len)
def test_a_token_for_feedback_sends_no_lineage_not_even_an_event_without_a_statement(log, rights):
    with pytest.raises(OutOfScope, match="does not allow to send"):
        send(log, run(), *rights)


@pytest.mark.parametrize("bound", [{"kinds": ("",)}, {"sources": ("a\nb",)}, {"kinds": ("x" * 601,)}], ids=str)
def test_a_bound_is_a_name(bound):
    with pytest.raises(InvalidInput, match="is not the name of a"):
        TokenScope(frozenset({May.REPORT}), **bound)


def test_a_bound_without_the_right_is_refused():
    with pytest.raises(InvalidInput, match="--may report"):
        TokenScope(kinds=("rating",))
