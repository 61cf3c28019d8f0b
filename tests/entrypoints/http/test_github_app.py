"""Answers to GitHub's protection rules: signed as the App, sent to listed hosts, and to nothing else."""

import base64
import json

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from handrail.entrypoints.http.github_app import GithubApp, ProtectionRule, is_signed
from handrail.errors import InvalidInput, Misconfigured, Refused, Unavailable
from tests.fakes import outside_hooks as hooks

SECRET = "a secret that is long enough"
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def _write(folder, key):
    file = folder / "app.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


class Github(httpx.BaseTransport):
    """GitHub's REST interface, as far as an App needs it; it keeps what it was sent."""

    def __init__(self, **status):
        self.status, self.calls = status, []

    def handle_request(self, request):
        body = json.loads(request.read() or b"null")
        self.calls.append((str(request.url), request.headers["Authorization"], body))
        if "access_tokens" in request.url.path:
            return httpx.Response(self.status.get("tokens", 201), json={"token": "ghs_installation"})
        return httpx.Response(self.status.get("callback", 204))


@pytest.fixture
def github():
    return Github()


@pytest.fixture
def app(tmp_path, rsa_key, github):
    return GithubApp("12345", _write(tmp_path, rsa_key), ["api.github.com"], github)


def _rule(**changes):
    return ProtectionRule.from_payload(hooks.github(**changes))


@pytest.mark.parametrize(("approve", "state"), [(True, "approved"), (False, "rejected")])
def test_an_answer_is_sent_with_a_token_of_the_installation(app, github, approve, state):
    app.answer(_rule(), approve=approve, comment="pr-1: version 3, approved by Ben, Cleo.")

    tokens, callback = github.calls
    assert tokens[0] == "https://api.github.com/app/installations/4242/access_tokens"
    said = {"environment_name": "production", "state": state, "comment": "pr-1: version 3, approved by Ben, Cleo."}
    assert callback == (hooks.CALLBACK, "Bearer ghs_installation", said)


def test_the_apps_token_is_signed_with_its_key_and_short_lived(app, github, rsa_key):
    app.answer(_rule(), approve=True, comment="x")

    head, claims, signature = github.calls[0][1].removeprefix("Bearer ").split(".")
    padded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    rsa_key.public_key().verify(padded[2], f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    said = json.loads(padded[1])
    assert json.loads(padded[0])["alg"] == "RS256"
    assert said["iss"] == "12345"
    assert 0 < said["exp"] - said["iat"] <= 600


@pytest.mark.parametrize(
    "callback",
    [
        "http://api.github.com/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://evil.example/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com.evil.example/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com:8443/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://user@api.github.com/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com\\@evil.example/repos/octo/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com/repos/octo/other/actions/runs/1/deployment_protection_rule",
        "https://api.github.com/repos/octo/shop/actions/runs/1/../../../keys",
        "https://api.github.com/repos/octo/shop/actions/runs/1/deployment_protection_rule?x=1",
        "https://api.github.com/repos/octo/shop/actions/runs/1/deployment_protection_rule\n",
        "file:///etc/passwd",
        "https://169.254.169.254/latest/meta-data",
        "x",
    ],
)
def test_no_other_address_is_ever_called(app, github, callback):
    with pytest.raises(Refused, match="confirmations.github_hosts"):
        app.answer(_rule(callback=callback), approve=True, comment="x")

    assert github.calls == []


def test_a_server_of_ones_own_is_called_below_its_root(tmp_path, rsa_key, github):
    app = GithubApp("12345", _write(tmp_path, rsa_key), ["git.example"], github)
    callback = "https://git.example/api/v3/repos/octo/shop/actions/runs/1/deployment_protection_rule"

    app.answer(_rule(callback=callback), approve=True, comment="x")

    assert github.calls[0][0] == "https://git.example/api/v3/app/installations/4242/access_tokens"


@pytest.mark.parametrize("status", [{"tokens": 401}, {"callback": 422}, {"tokens": 302}])
def test_an_answer_that_github_does_not_take_is_said(tmp_path, rsa_key, status):
    app = GithubApp("12345", _write(tmp_path, rsa_key), ["api.github.com"], Github(**status))

    with pytest.raises(Unavailable, match=f"it answered {next(iter(status.values()))}"):
        app.answer(_rule(), approve=True, comment="x")


def test_a_key_that_is_missing_or_of_another_kind_is_named(tmp_path, github):
    with pytest.raises(Misconfigured, match="github_key: it cannot be read"):
        GithubApp("1", tmp_path / "none.pem", ["api.github.com"], github).answer(_rule(), approve=True, comment="x")
    file = _write(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Misconfigured, match="github_key: it is no RSA key"):
        GithubApp("1", file, ["api.github.com"], github).answer(_rule(), approve=True, comment="x")


@pytest.mark.parametrize("wrap", [lambda payload: payload, json.dumps], ids=["object", "text"])
def test_the_digest_of_a_deployment_is_read_from_its_payload(wrap):
    payload = hooks.github(tree_digest=DIGEST)
    payload["deployment"]["payload"] = wrap(payload["deployment"]["payload"])

    assert ProtectionRule.from_payload(payload).tree_digest == DIGEST
    assert _rule().tree_digest is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"repository": {"full_name": "octo/shop/../../x"}}, "repository"),
        ({"repository": None}, "repository.full_name"),
        ({"installation": {"id": "4242/../x"}}, "installation.id"),
        ({"installation": {"id": True}}, "installation.id"),
        ({"environment": 3}, "environment"),
        ({"deployment_callback_url": ""}, "deployment_callback_url"),
        ({"deployment": {"payload": {"tree_digest": "latest"}}}, "deployment.payload.tree_digest"),
    ],
)
def test_a_payload_that_is_none_of_githubs_is_refused_by_field(change, field):
    with pytest.raises(InvalidInput) as caught:
        ProtectionRule.from_payload(hooks.github() | change)

    assert caught.value.field == field


@pytest.mark.parametrize("payload", [None, [], "x", {}])
def test_anything_else_is_refused_too(payload):
    with pytest.raises(InvalidInput):
        ProtectionRule.from_payload(payload)


def test_a_signature_is_of_these_bytes_by_this_secret():
    body, headers = hooks.signed(hooks.github(), SECRET)
    header = headers["X-Hub-Signature-256"]

    assert is_signed(body, header, SECRET)
    assert not is_signed(body + b" ", header, SECRET)
    assert not is_signed(body, header, SECRET + "x")
    assert not is_signed(body, header.upper(), SECRET)
    for wrong in (None, "", "sha256=", header.removeprefix("sha256="), f"{header}\udc80"):
        assert not is_signed(body, wrong, SECRET)
    assert not is_signed(b"", hooks.signed({}, "")[1]["X-Hub-Signature-256"], "")
