"""Keys of persons as people have them: PEM and OpenSSH, encrypted or not; and what is not one."""

import os
import re
import signal
import subprocess
from dataclasses import replace
from importlib.util import find_spec

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from handrail.approvals.adapters.ed25519_people import Ed25519Check, SigningKey, read_person_key
from handrail.approvals.adapters.event_rows import event_body, event_from
from handrail.approvals.adapters.rule_rows import decision_body, decision_from
from handrail.approvals.adapters.yaml_rules import YamlRules
from handrail.approvals.domain.leaves import StoredEvent
from handrail.approvals.domain.signatures import DecisionText, PersonKey
from handrail.errors import InvalidInput, Misconfigured, Unavailable
from tests.fakes.approvals_rules import MemoryTexts
from tests.fakes.kept_world import KeptWorld

TEXT = DecisionText("local-1", "pr-1", "sha256:1", "approve", "fine", "ben", "2026-01-01T00:00:00+00:00")
KEY = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
SIGNING = SigningKey(PersonKey(KEY.public_key().public_bytes_raw()), KEY.sign)
SECRET = BestAvailableEncryption(b"open sesame")
FORMATS = [
    (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    (Encoding.PEM, PrivateFormat.PKCS8, SECRET),
    (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
]


def _public(key, encoding=Encoding.OpenSSH, form=PublicFormat.OpenSSH):
    return key.public_key().public_bytes(encoding, form).decode()


@pytest.mark.parametrize("form", FORMATS, ids=["pem", "encrypted pem", "openssh"])
def test_each_format_of_a_private_key_signs(tmp_path, form):
    (tmp_path / "key").write_bytes(KEY.private_bytes(*form))

    signature = SigningKey.from_file(tmp_path / "key", lambda: "open sesame").sign(TEXT)

    assert Ed25519Check().holds(read_person_key(_public(KEY)), TEXT.to_bytes(), signature.raw)


@pytest.mark.parametrize("passphrase", [None, lambda: "another"], ids=["none", "wrong"])
def test_an_encrypted_key_needs_its_passphrase(tmp_path, passphrase):
    (tmp_path / "key").write_bytes(KEY.private_bytes(*FORMATS[1]))

    with pytest.raises(InvalidInput, match="passphrase"):
        SigningKey.from_file(tmp_path / "key", passphrase)


def test_a_key_that_openssh_encrypted_signs_where_bcrypt_is_and_says_so_elsewhere(tmp_path):
    file = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", file], check=True)
    public = read_person_key(file.with_suffix(".pub").read_text())

    if find_spec("bcrypt"):
        assert SigningKey.from_file(file, lambda: "open sesame").public == public
    else:
        with pytest.raises(InvalidInput, match="package bcrypt"):
            SigningKey.from_file(file, lambda: "open sesame")


def test_another_kind_of_key_and_what_is_none_are_refused(tmp_path):
    other = generate_private_key(SECP256R1()).private_bytes(*FORMATS[0])
    for content in (other, b"", b"nonsense", b"ssh-ed25519 AAAA", b"\x00" * 100):
        (tmp_path / "key").write_bytes(content)
        with pytest.raises(InvalidInput, match="--sign"):
            SigningKey.from_file(tmp_path / "key")
    with pytest.raises(InvalidInput, match="cannot be read"):
        SigningKey.from_file(tmp_path / "nowhere")


def test_a_key_that_ssh_keygen_made_is_the_one_that_it_prints(tmp_path):
    file = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ben@example.org", "-f", file], check=True)
    printed = subprocess.run(["ssh-keygen", "-l", "-f", file], check=True, capture_output=True, text=True).stdout

    key = read_person_key(file.with_suffix(".pub").read_text())

    assert key.key_id == printed.split()[1] == SigningKey.from_file(file).public.key_id


def test_pem_and_openssh_are_the_same_key():
    pem = _public(KEY, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    assert read_person_key(pem) == read_person_key(_public(KEY) + " ben@example.org\n")


def _rules(*keys, other=()):
    texts = MemoryTexts()
    persons = {"Ben": list(keys), "Cleo": list(other)}
    lines = [f"  {name}: {{accounts: [{name.lower()}], keys: {found}}}" for name, found in persons.items()]
    texts.persons = "\n".join(["version: 1", "persons:", *lines, ""])
    return YamlRules(texts)


def test_roles_have_the_keys_of_persons_and_their_digest_knows_them():
    with_key, without = _rules(_public(KEY)).directory(), _rules().directory()

    assert with_key.persons[0].key(read_person_key(_public(KEY)).key_id)
    assert with_key.digest_for([], ["ben"]) != without.digest_for([], ["ben"])


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (KEY.private_bytes(*FORMATS[0]).decode().replace("\n", "\\n"), "private key"),
        ("ssh-ed25519 AAAA", "Ed25519 public key"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", "Ed25519 public key"),
        (_public(generate_private_key(SECP256R1())), "another kind"),
    ],
    ids=["private", "cut", "rsa", "ecdsa"],
)
def test_roles_with_what_is_no_public_key_are_refused(key, problem):
    texts = MemoryTexts()
    texts.persons = f'version: 1\npersons:\n  Ben: {{accounts: [ben], keys: ["{key}"]}}\n'

    with pytest.raises(Misconfigured, match=problem) as caught:
        YamlRules(texts).directory()

    secret = KEY.private_bytes(*FORMATS[0]).decode().splitlines()[1]
    assert secret not in str(caught.value)


def test_two_persons_have_no_key_in_common():
    with pytest.raises(Misconfigured, match="belongs to 'Ben' and 'Cleo'"):
        _rules(_public(KEY), other=[_public(KEY)]).directory()


def test_rows_keep_a_signature_and_stay_what_they_were_without_one():
    decision = KeptWorld().yes()
    signed = replace(decision, signature=SIGNING.sign(TEXT))

    assert event_from("decided", event_body(signed)) == signed
    assert decision_from(decision_body(signed)) == signed
    assert "signature" not in event_body(decision) + decision_body(decision)


def test_the_leaf_of_a_signed_decision_has_the_signature_and_others_stay_what_they_were():
    decision = KeptWorld().yes()
    signed = replace(decision, signature=SIGNING.sign(TEXT))

    leaves = [StoredEvent("decided", event, event_body(event)).leaf("pr-1", 0) for event in (signed, decision)]

    assert leaves[0].facts["signature"] == signed.signature.to_json()
    assert sorted(leaves[1].facts) == ["account", "body", "choice", "person"]


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An ssh-agent of this test's own, without keys."""
    path = tmp_path / "agent.sock"
    # It goes on in the background once it listens, and prints which process it is then.
    printed = subprocess.run(["ssh-agent", "-s", "-a", path], check=True, capture_output=True, text=True).stdout
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    (pid,) = re.findall(r"SSH_AGENT_PID=(\d+)", printed)
    os.kill(int(pid), signal.SIGTERM)


def test_ssh_agent_signs_with_a_key_that_it_holds_and_is_named_if_it_does_not(tmp_path, agent):
    file = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    key = SigningKey.from_file(file.with_suffix(".pub"))

    with pytest.raises(Unavailable, match="does not sign with SHA256:"):
        key.sign(TEXT)
    subprocess.run(["ssh-add", "-q", file], check=True)

    assert Ed25519Check().holds(key.public, TEXT.to_bytes(), key.sign(TEXT).raw)


def test_without_an_agent_that_is_said(tmp_path, monkeypatch):
    (tmp_path / "key.pub").write_text(_public(KEY))
    key = SigningKey.from_file(tmp_path / "key.pub")
    for place in ("", str(tmp_path / "nowhere")):
        monkeypatch.setenv("SSH_AUTH_SOCK", place)
        with pytest.raises(Unavailable, match="no agent answers"):
            key.sign(TEXT)
