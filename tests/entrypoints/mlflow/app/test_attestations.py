"""What a pipeline signs, on a real server: from the rules in force over nonce and statement to the permit."""

import json

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from handrail.bootstrap.approvals_attesting import sign_evidence
from handrail.errors import InvalidInput, Refused
from tests.fakes.approvals_attesting import PARITY, Pipeline

POLICY = {
    "version": 2,
    "alias": "signed",
    "quorum": {"ml-engineer": 1, "business-stakeholder": 1},
    "rules": [{"measure": "parity.labels_differ", "equals": 0, "level": "attested"}],
}
FOUND = {"labels_differ": 0}


def _identities(pipeline, **more):
    public = pipeline.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    keys = {"key": public, "owner": "Ada", "predicates": {"parity": PARITY}, "models": ["*"]}
    return {"version": 1, "identities": {"nightly": keys | more}}


@pytest.fixture
def place(server):
    """A policy that wants parity signed, and the file of the pipelines, for this test alone."""
    policy, identities = server.settings.config / "policies" / "signed.yaml", server.settings.config / "identities.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    identities.write_text(yaml.safe_dump(_identities(Pipeline())))
    server.take_files()
    yield identities
    policy.unlink()
    identities.unlink(missing_ok=True)
    server.take_files()


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key.pem"
    file.write_bytes(Pipeline().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def _ask(server, made, envelope, account="ada"):
    with server.gate(account) as gate:
        return gate.open_request(
            model=made.name,
            version=made.version,
            alias="signed",
            reason="ok",
            evidence={"parity": json.loads(envelope)},
        )


def _nonce(server, made, account="ada"):
    with server.gate(account) as gate:
        return gate.nonce(model=made.name, version=made.version, alias="signed")


def test_a_version_is_promoted_on_what_a_pipeline_has_signed(server, made, place, key):
    envelope = sign_evidence(key, PARITY, _nonce(server, made), FOUND)

    request = _ask(server, made, envelope)

    assert request["verdict"] == "pending", request["reasons"]
    assert [(one["level"], one["by"]) for one in request["measures"]] == [("attested", "nightly for Ada")]
    assert made.say(request["request_id"], "ben")["verdict"] == "pending"
    assert made.say(request["request_id"], "cleo")["verdict"] == "promoted"


def test_who_edits_the_file_of_the_pipelines_gains_nothing(server, made, place):
    stranger = Pipeline(seed=7)
    place.write_text(yaml.safe_dump(_identities(stranger)))

    with pytest.raises(Refused, match="no pipeline of config/identities.yaml has the key"):
        _ask(server, made, stranger.attest(_nonce(server, made), FOUND))
    with server.gate("ada") as gate:
        assert any("identities.yaml is not in force" in sentence for sentence in gate.rules.in_force()["files"])


def test_a_statement_for_another_model_is_refused(server, made, place, key):
    other = server.make_version()

    with pytest.raises(Refused, match="does not count: it is"):
        _ask(server, made, sign_evidence(key, PARITY, _nonce(server, other), FOUND))


def test_who_may_not_change_the_model_gets_no_nonce(server, made, place):
    with pytest.raises(Refused):
        _nonce(server, made, "ben")


def test_an_envelope_that_is_none_is_named(server, made, place):
    with pytest.raises(Refused, match="not a DSSE envelope"):
        _ask(server, made, json.dumps({"payload": 1, "payloadType": "application/vnd.in-toto+json", "signatures": 1}))


@pytest.mark.parametrize(
    ("nonce", "evidence", "words"),
    [
        ({}, FOUND, "it lacks 'nonce'"),
        ({"nonce": "x"}, {"nonce": 1}, "it lacks"),
        (None, {"x": float("nan")}, "signed"),
    ],
)
def test_what_cannot_be_signed_is_named(server, made, place, key, nonce, evidence, words):
    with pytest.raises(InvalidInput, match=words):
        sign_evidence(key, PARITY, _nonce(server, made) if nonce is None else nonce, evidence)
