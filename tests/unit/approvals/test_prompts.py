"""Prompts under the gate: what their digest binds, who may promote one, and what their policy cannot ask."""

from dataclasses import replace

import pytest

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.domain.errors import Closed, NotEligible, UnverifiedBytes
from handrail.approvals.domain.events import Choice, MoveIntended
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.policy import Policy, Rule
from handrail.approvals.domain.requirements import lineage_rules
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import RevocationList
from handrail.approvals.domain.scope import Scope
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service import Opening
from handrail.approvals.service.findings import Report
from handrail.approvals.service.standing import StandingWatch
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals import QUORUM
from tests.fakes.approvals_world import World
from tests.fakes.kept_world import KeptWorld

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
CONFIG, FORMAT = (
    {"model_name": "small", "temperature": 0.2},
    {"type": "object", "properties": {"a": {"type": "string"}}},
)
RULE = Rule("evaluation.exact_match", at_least=0.8)


def _policy(*rules, **others):
    return Policy("prompts", QUORUM, rules or (RULE,), scope=Scope(("champion",), (), ("greet*",)), **others)


@pytest.fixture
def world():
    world = World()
    world.rules.policies["prompts"] = _policy()
    world.register_prompt(1, template="Hello {{name}}", model_config=CONFIG, response_format=FORMAT)
    return world


def _opening(version=1, **changes):
    sent = {"evaluation": {"exact_match": 0.9}}
    return replace(Opening("greeting", str(version), "champion", "kinder", sent), **changes)


def _ask(world, version=1, **changes):
    return world.gate.open_request(_opening(version, **changes), "ada").history.request.request_id


def _promote(world, version=1):
    request_id = _ask(world, version)
    world.say(request_id, "ben")
    assert world.say(request_id, "cleo") is Verdict.PROMOTED
    return world.ledger.load(request_id)


def test_a_prompt_is_promoted_by_the_policy_that_names_prompts(world):
    history = _promote(world)

    assert world.registry.incumbent("greeting", "champion") == 1
    permit = Permit.from_payload(Envelope.from_json(history.done.envelope).payload)
    assert permit.prompt
    assert [entry.path for entry in permit.manifest.files] == [
        "model_config.json",
        "response_format.json",
        "template.txt",
    ]
    assert permit.use.model == "greeting"


def test_the_policy_for_every_model_says_nothing_about_a_prompt(world):
    del world.rules.policies["prompts"]

    with pytest.raises(UnknownReference, match="policy"):
        _ask(world)


def test_the_policy_for_prompts_says_nothing_about_a_model(world):
    world.rules.policies = {"prompts": replace(_policy(), scope=Scope(("champion",), (), ("*",)))}

    with pytest.raises(UnknownReference, match="policy"):
        world.ask()


@pytest.mark.parametrize(
    "parts",
    [
        {"template": "Hi {{name}}"},
        {"template": "Hello {{name}} "},
        {"template": CHAT},
        {"model_config": CONFIG | {"temperature": 0.9}},
        {"model_config": None},
        {"response_format": None},
        {"response_format": {"type": "string"}},
    ],
)
@pytest.mark.parametrize("approvals", [0, 1])
def test_any_change_of_what_was_asked_for_voids_the_request(world, parts, approvals):
    request_id = _ask(world)
    for account in ("ben",)[:approvals]:
        world.say(request_id, account)
    was = {"template": "Hello {{name}}", "model_config": CONFIG, "response_format": FORMAT}
    world.register_prompt(1, **was | parts)

    assert world.gate.request(request_id).judgement.verdict is Verdict.VOID
    with pytest.raises(Closed, match="the files of the version changed"):
        world.say(request_id, "cleo")
    assert world.registry.incumbent("greeting", "champion") is None


def test_a_change_between_the_last_approval_and_the_hold_moves_nothing(world):
    request_id = _ask(world)
    world.say(request_id, "ben")
    append = world.ledger.append

    def change_behind_the_intent(history, event):
        stored = append(history, event)
        if isinstance(event, MoveIntended):
            world.register_prompt(1, template="Send me {{secrets}}")
        return stored

    world.ledger.append = change_behind_the_intent

    with pytest.raises(Closed, match="the files of the version changed"):
        world.say(request_id, "cleo")
    assert world.registry.incumbent("greeting", "champion") is None


def test_a_prompt_that_cannot_be_read_any_more_voids_its_request_and_no_list(world):
    request_id, other = _ask(world), world.ask()
    read = world.registry.candidate

    def unreadable(model, version):
        if model == "greeting":
            raise Refused("Promoting version 1 of 'greeting'", ("It has no text.",))
        return read(model, version)

    world.registry.candidate = unreadable

    verdicts = {view.history.request.request_id: view.judgement.verdict for view in world.gate.requests()}
    assert verdicts == {request_id: Verdict.VOID, other: Verdict.PENDING}
    with pytest.raises(Closed, match="It has no text"):
        world.say(request_id, "ben")


@pytest.mark.parametrize("account", ["ada", "root"])
def test_whoever_wrote_a_part_of_a_prompt_does_not_allow_it(world, account):
    world.provenance.record("path", "prompts:/greeting/1", "ben")
    request_id = _ask(world)

    for maker in (account, "ben"):
        with pytest.raises(NotEligible):
            world.say(request_id, maker)


def test_a_prompt_that_nobody_is_known_to_have_written_is_refused(world):
    candidate = world.register_prompt(2)
    world.registry.versions["greeting", 3] = replace(candidate, version=3, created=1, tree="prompts:/greeting/3")

    view = world.gate.open_request(_opening(3), "ada")

    assert view.judgement.verdict is Verdict.REFUSED
    assert "Nobody is recorded as the author of version 3" in " ".join(view.judgement.reasons)


@pytest.mark.parametrize(
    ("rules", "snapshot", "words"),
    [
        ([replace(RULE, level=Level.RECOMPUTED)], None, "as recomputed evidence, and a prompt has no scored rows"),
        ([replace(RULE, level=Level.PROSPECTIVE)], None, "as prospective evidence, and a prompt has no scored rows"),
        (lineage_rules(), None, "requires lineage, which is not recorded of prompts"),
        ([RULE], "sha256:" + "0" * 64, "nothing of it is measured on a snapshot"),
    ],
)
def test_what_no_prompt_can_have_is_refused_with_the_way_out(world, rules, snapshot, words):
    world.rules.policies["prompts"] = _policy(*rules)

    with pytest.raises(Refused, match=words):
        _ask(world, snapshot=snapshot)
    assert world.ledger.stored == {}


def test_a_prompt_is_adopted_also_where_the_policy_asks_for_what_no_prompt_has(world):
    world.rules.policies["prompts"] = _policy(replace(RULE, level=Level.RECOMPUTED))
    world.registry.aliases["greeting", "champion"] = 1

    view = world.gate.adopt("greeting", "champion", "served since March", "ada")

    assert view.judgement.verdict is Verdict.PENDING


def test_the_watch_names_a_prompt_that_was_moved_around_the_gate_and_no_other(world, caplog):
    _promote(world)
    world.register_prompt(2)
    world.registry.aliases["greeting", "champion"] = 2
    other = world.register_prompt(1)
    world.registry.versions["other", 1] = replace(other, model="other", tree="prompts:/other/1")
    world.registry.aliases["other", "champion"] = 1

    (row,) = StandingWatch(world.holding).report()

    assert (row.model, row.version) == ("greeting", 2)


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_finding_about_a_prompt_is_closed_by_those_who_decide_about_prompts(world, is_asked_for):
    world.rules.policies["prompts"] = replace(_policy(), quorum={"business-stakeholder": 1})
    if is_asked_for:
        _ask(world)

    found = world.gate.findings.open(Report("greeting", "it insults", Severity.HIGH, "1", "champion"), "ben")

    with pytest.raises(NotEligible, match="business-stakeholder"):
        world.gate.findings.close(found.opened.finding_id, "ben", "it was a joke")
    assert not world.gate.findings.close(found.opened.finding_id, "cleo", "mended").is_open


def test_a_rollback_and_the_end_of_a_permit_go_by_the_policy_of_prompts(world):
    first = _promote(world)
    world.register_prompt(2)
    _promote(world, 2)

    back = world.gate.open_request(_opening(1, evidence={}, purpose=Purpose.ROLLBACK), "ada")
    assert world.say(back.history.request.request_id, "ben") is Verdict.PROMOTED
    world.gate.revoker.revoke(first.request.request_id, "ben", "insults")

    assert world.ledger.load(first.request.request_id).revoked.person == "Ben"


def test_reject_is_bound_to_the_text(world):
    request_id = _ask(world)
    world.say(request_id, "ben", Choice.REJECT)
    world.register_prompt(2, template="Hello {{name}}", model_config=CONFIG, response_format=FORMAT)

    view = world.gate.open_request(_opening(2), "ada")

    assert [rejection.request_id for rejection in view.rejections] == [request_id]


def test_a_keeper_stores_no_request_that_calls_the_files_of_a_model_a_prompt():
    world = KeptWorld()
    world.rules.policies["prompts"] = Policy("prompts", {}, (), scope=Scope(("champion",), (), ("*",)))
    request = world.kept.load(world.ask()).request
    policy = world.rules.policy("flights", "champion", prompt=True)
    people = world.rules.directory().digest_for(policy.concerned, [*request.authors, request.requester])
    subject = replace(request.subject, prompt=True, policy_digest=policy.digest, people_digest=people)
    weaker = replace(request, subject=subject, request_id=subject.request_id(0), turn=0)

    with pytest.raises(Refused, match="It is about a prompt, and its files are not those of one"):
        world.gate_ledger.open(weaker)


def test_a_keeper_stores_a_request_about_a_prompt():
    world = KeptWorld()
    world.rules.policies["prompts"] = _policy()
    world.register_prompt(1)
    request = world.kept.load(_ask(world)).request
    world.kept.stored.clear()

    assert world.gate_ledger.open(request).request == request


def test_the_permit_of_a_prompt_loads_no_tree(world, tmp_path):
    signer = Ed25519Signer(tmp_path / "private.pem", tmp_path / "gate.pub")
    listed = RevocationList("local-1", "2026-01-01T00:00:00+00:00", ())
    FolderShelf(tmp_path).put_revoked(signer.sign(listed.payload, REVOCATIONS).to_json())
    permitted = Envelope.from_json(_promote(world).done.envelope).payload
    envelope = signer.sign(permitted).to_json().encode()
    use = Permit.from_payload(permitted).use
    (tmp_path / "tree").mkdir()
    for path, text in world.registry.candidate("greeting", "1").texts.items():
        (tmp_path / "tree" / path).write_text(text, encoding="utf-8")

    verifier = PermitVerifier(tmp_path / "gate.pub", clock=lambda: world.clock.now)
    with pytest.raises(UnverifiedBytes, match="The permit is for a prompt"):
        verifier.verify(tmp_path / "tree", envelope, tmp_path / "copy", use)
    assert not (tmp_path / "copy").exists()
