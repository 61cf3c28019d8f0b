"""Evidence that a pipeline has signed, for one request about one tree."""

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest

from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.permit import Envelope
from handrail.approvals.domain.policy import Rule
from handrail.approvals.service.attestations import ProvenNonces
from handrail.errors import Refused
from tests.fakes.approvals_attesting import PARITY, Pipeline
from tests.fakes.approvals_world import World
from tests.fakes.kept_world import KeptWorld

FOUND = {"labels_differ": 0}


class Signed:
    """A world whose policy wants parity signed, with a pipeline that may."""

    def __init__(self, world=None):
        self.world = world or World()
        self.world.change_rules(rules=(Rule("parity.labels_differ", equals=0, level=Level.ATTESTED),))
        self.pipeline = Pipeline()
        self.trust(self.pipeline)

    def trust(self, *pipelines):
        self.world.identities.identities = {one.identity.key_id: one.identity for one in pipelines}

    def nonce(self, version=1):
        return self.world.gate.nonces.give("flights", str(version), "champion", "ada").to_json()

    def ask(self, envelope, name="parity", **changes):
        request_id = self.world.ask(evidence={}, attestations={name: envelope}, **changes)
        return self.world.gate.request(request_id)


@pytest.fixture
def signed():
    return Signed()


def test_a_statement_of_a_pipeline_meets_a_rule_that_wants_it_attested(signed):
    envelope = signed.pipeline.attest(signed.nonce(), FOUND)

    view = signed.ask(envelope)

    assert view.judgement.verdict is Verdict.PENDING
    assert view.measures[0].found.source == "attested by nightly for Ada"
    assert view.to_json()["attestations"]["parity"]["key_id"] == signed.pipeline.identity.key_id
    assert "ada" in view.history.request.authors


def test_the_permit_names_the_level_and_who_signed(signed):
    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))
    for account in ("ben", "cleo"):
        signed.world.say(view.history.request.request_id, account)

    done = signed.world.ledger.load(view.history.request.request_id).done
    predicate = json.loads(Envelope.from_json(done.envelope).payload)["predicate"]

    assert [(one["level"], one["by"]) for one in predicate["measures"]] == [("attested", "nightly for Ada")]
    assert predicate["attestations"]["parity"]["identity"] == "nightly"


def test_the_same_numbers_sent_are_only_claimed(signed):
    view = signed.world.gate.request(signed.world.ask(evidence={"parity": {**FOUND, "nonce": signed.nonce()["nonce"]}}))

    assert view.judgement.reasons == ("parity.labels_differ is 0, claimed by ada; the policy wants it attested.",)


@pytest.mark.parametrize(("level", "met"), [(Level.CLAIMED, True), (Level.BOUND, True), (Level.RECOMPUTED, False)])
def test_attested_lies_between_bound_and_recomputed(signed, level, met):
    signed.world.change_rules(rules=(Rule("parity.labels_differ", equals=0, level=level),))

    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))

    assert (view.judgement.verdict is Verdict.PENDING) is met


def test_asking_again_with_the_same_statement_returns_the_same_request(signed):
    envelope = signed.pipeline.attest(signed.nonce(), FOUND)

    first, second = signed.ask(envelope), signed.ask(envelope)
    signed.world.clock.now += timedelta(days=2)

    assert first.history.request == second.history.request == signed.ask(envelope).history.request


def test_whoever_answers_for_the_pipeline_cannot_approve(signed):
    signed.trust(Pipeline(owner="Ben"))
    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))

    with pytest.raises(Refused, match="Ben made the candidate"):
        signed.world.say(view.history.request.request_id, "ben")


def test_a_nonce_serves_one_request(signed):
    envelope = signed.pipeline.attest(signed.nonce(), FOUND)
    signed.ask(envelope)

    with pytest.raises(Refused, match="serves the request pr-"):
        signed.ask(envelope, snapshot=signed.world.snapshots.keep(_rows(), "flights", "ada", signed.world.clock()))


def test_a_nonce_expires(signed):
    envelope = signed.pipeline.attest(signed.nonce(), FOUND)
    signed.world.clock.now += timedelta(days=1)

    with pytest.raises(Refused, match="It expired at"):
        signed.ask(envelope)


def test_a_nonce_for_another_version_or_none_of_ours_does_not_serve(signed):
    signed.world.register(2)
    other = signed.nonce(2)

    for nonce in (other["nonce"], "made-up", ""):
        with pytest.raises(Refused, match="gave it to nobody for these files"):
            signed.ask(signed.pipeline.attest(signed.nonce() | {"nonce": nonce}, FOUND))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tree_digest": "sha256:" + "0" * 64}, "it is about the files sha256:000"),
        ({"server": "other"}, "it is for"),
        ({"alias": "shadow"}, "it is for"),
        ({"version": 2}, "it is for"),
        ({"model": "flights-2"}, "it is for"),
    ],
)
def test_a_statement_about_something_else_is_refused(signed, changes, words):
    envelope = signed.pipeline.attest(signed.nonce() | changes, FOUND)

    with pytest.raises(Refused, match=words):
        signed.ask(envelope)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": ("orders",)}, "signs for orders, and not for 'flights'"),
        ({"predicates": {"quality": PARITY}}, "signs quality, and not 'parity'"),
        ({"predicates": {"parity": "https://example.com/parity/v2"}}, "its predicate type is"),
        ({"owner": "Zoe"}, "Nobody named 'Zoe'"),
        ({"public_key": bytes(32)}, "the signature is not that of 'nightly'"),
    ],
)
def test_a_pipeline_signs_only_what_the_rules_let_it(signed, changes, words):
    envelope = signed.pipeline.attest(signed.nonce(), FOUND)
    signed.world.identities.identities = {signed.pipeline.identity.key_id: replace(signed.pipeline.identity, **changes)}

    with pytest.raises(Refused, match=words):
        signed.ask(envelope)


def test_a_pipeline_that_is_not_named_is_refused(signed):
    stranger = Pipeline("nightly", seed=2)

    with pytest.raises(Refused, match="no pipeline of config/identities.yaml has the key"):
        signed.ask(stranger.attest(signed.nonce(), FOUND))


def test_two_signatures_are_one_too_many(signed):
    envelope = Envelope.from_json(signed.pipeline.attest(signed.nonce(), FOUND))
    both = replace(envelope, signatures={**envelope.signatures, "0" * 64: bytes(64)})

    with pytest.raises(Refused, match="it has 2 signatures"):
        signed.ask(both.to_json())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"_type": 1, "_type": 1}',
        b'{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": {}}',
        b'{"_type": "https://in-toto.io/Statement/v0.1", "subject": [], "predicateType": "x", "predicate": {}}',
        b"[" * 100_000,
        b'{"x": NaN}',
    ],
)
def test_what_is_signed_has_to_be_such_a_statement(signed, payload):
    with pytest.raises(Refused, match="does not count"):
        signed.ask(signed.pipeline.sign(payload))


def test_a_comparison_has_to_name_what_the_alias_points_at(signed):
    signed.world.change_rules(rules=(Rule("parity.labels_differ", equals=0),))
    signed.world.promote()
    signed.world.register(2)
    given = signed.nonce(2)
    assert given["incumbent"] == signed.world.trees.manifest("/artifacts/1/1/model").digest
    envelope = signed.pipeline.attest(given, {"incumbent": "sha256:" + "1" * 64} | FOUND)

    with pytest.raises(Refused, match="it compares with"):
        signed.ask(envelope, version="2")


def test_a_request_is_void_when_its_pipeline_is_not_in_force_any_more(signed):
    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))
    signed.trust()
    request_id = view.history.request.request_id

    assert signed.world.gate.request(request_id).judgement.verdict is Verdict.VOID
    with pytest.raises(Closed, match=r"changed in config/identities\.yaml"):
        signed.world.say(request_id, "ben")


def test_renewing_needs_a_new_statement(signed):
    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))
    signed.world.change_rules(seen_required=False, request_days=9)

    with pytest.raises(Refused, match="serves the request"):
        signed.world.gate.renewals.renew(view.history.request.request_id, "ada")


def test_an_account_has_so_many_nonces_and_no_more(signed):
    for _ in range(100):
        signed.nonce()

    with pytest.raises(Refused, match="100 that can still be used"):
        signed.nonce()


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda one: {"evidence": {"parity": {**one.evidence["parity"], "labels_differ": 1}}}, "another digest"),
        (lambda one: {"attested": {}, "evidence": {}}, "another digest"),
        (lambda one: {"attested": {"quality": one.attested["parity"]}}, "statements of evidence that it does not hold"),
        (lambda one: {"attested": {"parity": replace(one.attested["parity"], owner="Cleo")}}, "not what its statement"),
        (lambda one: {"attested": {"parity": replace(one.attested["parity"], envelope="{}")}}, "does not count"),
    ],
)
def test_a_keeper_stores_no_statement_that_it_does_not_find_signed(forge, words):
    signed = Signed(KeptWorld())
    view = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND))
    honest = view.history.request
    signed.world.kept.stored.clear()

    with pytest.raises(Refused, match=words):
        signed.world.gate_ledger.open(replace(honest, **forge(honest)))
    assert signed.world.gate_ledger.open(honest).request == honest


def test_a_keeper_signs_no_permit_once_the_pipeline_is_gone():
    signed = Signed(KeptWorld())
    history = signed.ask(signed.pipeline.attest(signed.nonce(), FOUND)).history
    for account, person in (("ben", "Ben"), ("cleo", "Cleo")):
        history = signed.world.gate_ledger.append(history, signed.world.yes(account, person))
    signed.trust()

    with pytest.raises(Refused, match=r"changed in config/identities\.yaml"):
        signed.world.gate_ledger.append(history, signed.world.intent(history))


def _rows():
    return BytesIO(b"PAR1 PAR1")


def test_before_a_keeper_the_clock_of_the_caller_counts_for_nothing(signed):
    nonces, past = ProvenNonces(signed.world.nonces, signed.world.clock), signed.world.clock.now - timedelta(days=9)
    nonce = nonces.issue("sha256:1", "ada", past, past + timedelta(days=999))
    signed.world.clock.now += timedelta(days=1)

    with pytest.raises(Refused, match="It expired at"):
        nonces.spend(nonce, "sha256:1", "pr-1", past)
