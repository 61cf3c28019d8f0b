import base64
import json

import pytest

from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.permit import Envelope, Permit, pre_authentication_encoding
from handrail.manifest import canonical_json
from tests.fakes.approvals_world import World, opening


@pytest.fixture(scope="module")
def envelope():
    world = World()
    request_id = world.gate.open_request(opening(), "ada").history.request.request_id
    for account in ("ben", "cleo"):
        world.gate.decide(request_id, account, Choice.APPROVE, "fine")
    return Envelope.from_json(world.ledger.permits[0][-1])


def test_the_signed_bytes_are_those_of_the_dsse_specification():
    kind = b"application/vnd.in-toto+json"

    assert pre_authentication_encoding(b"hello") == b"DSSEv1 28 " + kind + b" 5 hello"


def test_a_permit_is_an_in_toto_statement_about_the_tree(envelope):
    statement = json.loads(envelope.payload)

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["name"] == "flights/1"
    assert "sha256:" + statement["subject"][0]["digest"]["sha256"] == statement["predicate"]["tree_digest"]


def test_a_permit_states_everything_that_was_bound(envelope):
    permit = Permit.from_payload(envelope.payload)

    assert (permit.server, permit.model, permit.epoch, permit.version, permit.alias) == (
        "local-1",
        "flights",
        1,
        1,
        "champion",
    )
    assert (permit.authors, permit.approvers, permit.run_id) == (("ada",), ("Ben", "Cleo"), "run-1")
    assert set(permit.evidence) == {"evaluation", "parity"}
    assert permit.uri == f"approval://local-1/{permit.request_id}"
    assert permit.model_version.uri == "mlflow://local-1/registered/flights/1/1"


def test_an_envelope_survives_being_written_and_read(envelope):
    assert Envelope.from_json(envelope.to_json()) == envelope


def _edited(payload, edit):
    statement = json.loads(payload)
    edit(statement)
    return canonical_json(statement)


@pytest.mark.parametrize(
    "edit",
    [
        lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda statement: statement.update(predicateType="urn:handrail:permit:v9"),
        lambda statement: statement["predicate"].pop("approvers"),
        lambda statement: statement["predicate"].update(tree_digest="sha256:" + "0" * 64),
        lambda statement: statement["predicate"]["manifest"].pop(),
        lambda statement: statement["predicate"]["manifest"][0].update(size=1),
        lambda statement: statement["subject"].clear(),
        lambda statement: statement["subject"][0]["digest"].update(sha256="0" * 64),
    ],
)
def test_a_statement_that_contradicts_itself_is_refused(envelope, edit):
    with pytest.raises(ValueError, match=r"."):
        Permit.from_payload(_edited(envelope.payload, edit))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"payloadType": "text/plain", "payload": "", "signatures": []}',
        '{"payloadType": "application/vnd.in-toto+json", "payload": "%%%", "signatures": []}',
        '{"payloadType": "application/vnd.in-toto+json", "payload": "", "signatures": [1]}',
    ],
)
def test_what_is_no_envelope_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Envelope.from_json(text)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"null", b"\xff", base64.b64encode(b"x")])
def test_what_is_no_statement_is_refused(payload):
    with pytest.raises(ValueError, match=r"."):
        Permit.from_payload(payload)
