"""Permits as the server gives them out: what they state, and for which use."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from handrail.approvals import NotEligible, PermitVerifier, UnverifiedBytes
from handrail.bootstrap.approvals import open_permit_verifier, permit_path
from handrail.errors import UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.mlflow_server import FILES


def test_a_permit_is_an_in_toto_statement_in_a_dsse_envelope(server, made):
    digest = made.promote()["tree_digest"]

    with server.gate("ada") as gate:
        envelope = json.loads(gate.permit(server.use(made), digest))
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")


@pytest.mark.parametrize("name", ["server", "model", "alias", "environment"])
def test_no_permit_is_given_for_another_use(server, made, name):
    made.promote()

    with server.gate("ada") as gate, pytest.raises(UnknownReference, match="other"):
        gate.permit(replace(server.use(made), **{name: "other"}))


def test_a_permit_is_asked_for_by_all_of_its_use(server, made):
    made.promote()

    with server.person("ada") as http:
        for name in (use := server.use(made).to_json()):
            asked = {key: value for key, value in use.items() if key != name}
            answer = http.get("/handrail/api/v1/permits", params=asked)
            assert (answer.status_code, name in answer.json()["detail"]) == (400, True)


def test_a_permit_says_for_how_long_and_counts_upwards(server, made):
    digest = made.promote()["tree_digest"]
    challenger = server.make_version(name=made.name, files=FILES | {"MLmodel": b"flavors: {}\n"})
    comparison = {"comparison": {"ci_low": 0.0, "incumbent": digest}}
    request = challenger.ask(evidence=EVIDENCE | comparison)
    for account in ("ben", "cleo"):
        challenger.say(request["request_id"], account)

    with server.gate("ada") as gate:
        first, second = (gate.permit(server.use(made), each) for each in (digest, request["tree_digest"]))
        assert gate.permit(server.use(made)) == second
    permits = [open_permit_verifier(server.settings).read(each) for each in (first, second)]
    assert [permit.terms.counter for permit in permits] == [1, 2]
    assert {permit.terms.expires - datetime.fromisoformat(permit.issued) for permit in permits} == {timedelta(days=365)}
    assert {permit.terms.environment for permit in permits} == {server.settings.environment}


def test_a_permit_that_was_taken_back_is_refused_where_bytes_are_loaded(server, made, tmp_path):
    done, use = made.promote(), server.use(made)
    permit = permit_path(server.settings, use, done["tree_digest"])
    verifier = open_permit_verifier(server.settings)
    assert verifier.verify(made.tree, permit, tmp_path / "before", use)

    with server.gate("ada") as gate, pytest.raises(NotEligible):
        gate.revoke(done["request_id"], "mine")
    with server.gate("ben") as gate:
        revoked = gate.revoke(done["request_id"], "it leaks the label")
        fetched = gate.revocations()

    assert revoked["revoked"]["person"] == "Ben"
    with pytest.raises(UnverifiedBytes, match="taken back by Ben.*'it leaks the label'"):
        verifier.verify(made.tree, permit, tmp_path / "after", use)
    (tmp_path / "revoked.dsse").write_bytes(fetched)
    elsewhere = PermitVerifier(server.settings.permits / "gate.pub", revoked=tmp_path / "revoked.dsse")
    with pytest.raises(UnverifiedBytes, match="taken back by Ben"):
        elsewhere.verify(made.tree, permit, tmp_path / "after", use)


def test_a_pickled_model_is_refused_by_the_policy_and_says_so(server):
    pickled = server.make_version(files=FILES | {"MLmodel": b"flavors: {sklearn: {serialization_format: pickle}}\n"})

    request = pickled.ask()

    assert request["verdict"] == "refused"
    assert "is pickle, which runs code when it is loaded" in request["reasons"][0]
