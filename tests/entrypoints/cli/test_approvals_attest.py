"""`handrail approvals nonce` and `attest`: what a pipeline calls, and what it is shown when something is wrong."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from handrail.approvals.domain.attesting import read_attestation
from handrail.approvals.domain.permit import Envelope
from handrail.entrypoints.cli import build
from handrail.errors import InvalidInput, Misconfigured
from tests.fakes.answering_server import answering
from tests.fakes.approvals_attesting import PARITY, Pipeline

NONCE = {
    "nonce": "n-1",
    "server": "local-1",
    "model": "churn",
    "version": 3,
    "alias": "champion",
    "tree_digest": "sha256:" + "a" * 64,
}


@pytest.fixture
def attest(tmp_path):
    files = {"nonce": json.dumps(NONCE), "evidence": '{"labels_differ": 0}'}
    pem = Pipeline().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(pem)

    def call(**changes):
        for name, text in (files | changes).items():
            (tmp_path / name).write_text(text)
        options = [word for name in ("nonce", "evidence", "key") for word in (f"--{name}", str(tmp_path / name))]
        return CliRunner().invoke(build(), ["approvals", "attest", *options, "--predicate-type", PARITY])

    return call


def test_a_statement_is_signed_without_a_server(attest):
    answer = attest()

    envelope = Envelope.from_json(answer.stdout)
    said = read_attestation(envelope.payload)
    assert answer.exit_code == 0
    assert list(envelope.signatures) == [Pipeline().identity.key_id]
    assert (said.predicate_type, said.nonce, said.tree_digest) == (PARITY, "n-1", NONCE["tree_digest"])
    assert said.evidence == {"labels_differ": 0}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"nonce": "{}"}, InvalidInput, "it lacks 'nonce'"),
        ({"nonce": "[]"}, InvalidInput, "holds no JSON object"),
        ({"evidence": "no json"}, InvalidInput, "is not JSON"),
        ({"evidence": '{"nonce": 1}'}, InvalidInput, "cannot be signed"),
        ({"evidence": '{"x": NaN}'}, InvalidInput, "cannot be signed"),
        ({"key": "no key"}, Misconfigured, "holds no key without a passphrase"),
    ],
)
def test_what_is_wrong_is_named(attest, changes, error, words):
    answer = attest(**changes)

    assert isinstance(answer.exception, error)
    assert words in str(answer.exception)


def test_a_nonce_is_printed_as_attest_reads_it(monkeypatch):
    with answering(201, NONCE) as url:
        monkeypatch.setenv("HANDRAIL_MLFLOW_URL", url)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "x")

        answer = CliRunner().invoke(build(), ["approvals", "nonce", "--version", "3", "--user", "ada"])

    assert json.loads(answer.stdout) == NONCE
