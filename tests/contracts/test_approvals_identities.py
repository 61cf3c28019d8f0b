"""`Identities`: the same promises by the fake and by config/identities.yaml; and how keys are written."""

import subprocess

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from handrail.approvals.adapters.ed25519_people import Ed25519Check
from handrail.approvals.adapters.ed25519_pipelines import sign_with
from handrail.approvals.adapters.yaml_identities import YamlIdentities
from handrail.approvals.domain.people import Directory, Person, Service
from handrail.approvals.domain.permit import pre_authentication_encoding
from handrail.approvals.domain.signatures import PersonKey
from handrail.errors import Misconfigured
from tests.fakes.approvals_attesting import PARITY, FakeIdentities, Pipeline

PIPELINE = Pipeline()
OPENSSH = PIPELINE.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PEM = PIPELINE.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE = PIPELINE.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
KEYS = {"key": OPENSSH, "owner": "Ada", "predicates": {"parity": PARITY}, "models": ["flights*"]}


def text_of(identities, **more):
    return yaml.safe_dump({"version": 1, "identities": identities} | more)


def reading(text):
    return YamlIdentities(lambda: text)


@pytest.fixture(params=["memory", "yaml"])
def identities(request):
    if request.param == "yaml":
        return reading(text_of({"nightly": KEYS}))
    fake = FakeIdentities()
    fake.identities[PIPELINE.identity.key_id] = PIPELINE.identity
    return fake


def test_a_pipeline_is_known_by_the_id_of_its_key(identities):
    assert identities.known() == {PIPELINE.identity.key_id: PIPELINE.identity}


@pytest.mark.parametrize("written", [PEM, OPENSSH, f"{OPENSSH} ada@laptop", f"\n{PEM}\n"])
def test_a_key_is_read_as_openssl_and_as_ssh_keygen_write_it(written):
    assert list(reading(text_of({"nightly": KEYS | {"key": written}})).known()) == [PIPELINE.identity.key_id]


def test_without_the_file_nobody_signs():
    assert reading(None).known() == {}
    assert reading("version: 1\nidentities:\n").known() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of({"nightly": KEYS | {"key": "ssh-ed25519 AAAA"}}), "'nightly' cannot be used: expected an Ed25519"),
        (text_of({"nightly": KEYS | {"key": "no key"}}), "expected an Ed25519 public key"),
        (text_of({"nightly": KEYS | {"key": PRIVATE}}), "this is a private key"),
        (text_of({"nightly": KEYS, "weekly": KEYS}), "'nightly' and 'weekly' have the same key"),
        (text_of({"nightly": KEYS | {"modles": []}}), "modles"),
        (text_of({"nightly": KEYS | {"models": []}}), "models"),
        (text_of({"nightly": KEYS | {"predicates": {}}}), "predicates"),
        (text_of({"nightly": KEYS | {"predicates": {"Parity": PARITY}}}), "Parity"),
        (text_of({"nightly": {name: KEYS[name] for name in KEYS if name != "owner"}}), "owner"),
        ("version: 2\nidentities: {}\n", "version"),
        ("version: 1\nidentities: [", "YAML"),
    ],
)
def test_a_mistake_is_named(text, words):
    with pytest.raises(Misconfigured, match=words):
        reading(text).known()


def test_a_key_of_another_kind_is_refused():
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(Misconfigured, match="a key of another kind"):
        reading(text_of({"nightly": KEYS | {"key": rsa.decode()}})).known()


def test_a_person_or_a_service_answers_for_each_pipeline():
    ada = Person("Ada", frozenset({"ada"}), frozenset())
    service = Service("nightly job", frozenset({"job"}), "Ada")

    reading(text_of({"nightly": KEYS})).check(Directory((ada,)))
    reading(text_of({"nightly": KEYS | {"owner": "nightly job"}})).check(Directory((ada,), (service,)))
    with pytest.raises(Misconfigured, match="'Zoe', the owner of the pipeline 'nightly', is neither"):
        reading(text_of({"nightly": KEYS | {"owner": "Zoe"}})).check(Directory((ada,), (service,)))


def test_a_key_of_ssh_keygen_signs_and_its_public_half_verifies(tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    known = reading(text_of({"nightly": KEYS | {"key": key.with_suffix(".pub").read_text()}})).known()

    envelope = sign_with(key, b"{}")

    ((key_id, signature),) = envelope.signatures.items()
    message = pre_authentication_encoding(b"{}")
    public = PersonKey(known[key_id].public_key)
    assert Ed25519Check().holds(public, message, signature)
    assert not Ed25519Check().holds(public, message + b" ", signature)
    assert not Ed25519Check().holds(public, message, signature[:-1])


@pytest.mark.parametrize("content", [b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", b"no key"])
def test_a_file_without_a_key_is_named(tmp_path, content):
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(Misconfigured, match="holds no key without a passphrase"):
        sign_with(tmp_path / "key", b"{}")
    with pytest.raises(Misconfigured, match="cannot be read"):
        sign_with(tmp_path / "other", b"{}")
