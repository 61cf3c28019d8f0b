"""What lies beside a permit for other programs: an OMS v1.0 bundle and an SVR v0.2, checked by what their specs say."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.folder_shelf import FolderShelf, permit_file
from handrail.approvals.adapters.p256_bundles import P256Bundles
from handrail.approvals.domain.companions import make_svr_statement
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.errors import Misconfigured
from handrail.settings import Settings
from tests.fakes import model_signing
from tests.fakes.delivery import USE
from tests.fakes.effort import TIMES
from tests.fakes.permitted_tree import permit_tree, write_tree

pytestmark = pytest.mark.any_version


@pytest.fixture
def settings(tmp_path):
    return Settings(project=tmp_path, home=tmp_path / "home")


@pytest.fixture
def tree(tmp_path):
    tree = write_tree(tmp_path / "tree")
    (tree / "a").mkdir()
    # A folder and a file between which sorting by text and by parts differ.
    for path in ("a/b", "a.txt", "r\u00e9sum\u00e9 with spaces"):
        (tree / path).write_text(path)
    return tree


@pytest.fixture
def permit(settings, tree):
    return PermitVerifier(settings.permits / "gate.pub").read(permit_tree(settings, tree))


@pytest.fixture
def bundles(tmp_path):
    return P256Bundles(tmp_path / "k.pem", tmp_path / "k.pub")


def _signed(bundle, public_key):
    """Verify a bundle as the specification says, and return its statement."""
    fields = json.loads(bundle)
    assert fields["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    envelope = fields["dsseEnvelope"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    assert kind == "application/vnd.in-toto+json"
    assert fields["verificationMaterial"]["publicKey"]["hint"] == hashlib.sha256(public_key).hexdigest()
    (signature,) = envelope["signatures"]
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    load_pem_public_key(public_key).verify(base64.b64decode(signature["sig"]), encoded, ec.ECDSA(SHA256()))
    return json.loads(payload)


def test_a_bundle_lists_every_file_and_ignores_nothing(bundles, permit, tree, tmp_path):
    statement = _signed(bundles.bundle(permit), (tmp_path / "k.pub").read_bytes())

    predicate = statement["predicate"]
    assert statement["predicateType"] == "https://model_signing/signature/v1.0"
    assert predicate["serialization"] == {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    files = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    assert {row["name"]: row["digest"] for row in predicate["resources"]} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    }
    root = hashlib.sha256(b"".join(bytes.fromhex(row["digest"]) for row in predicate["resources"])).hexdigest()
    assert [subject["digest"] for subject in statement["subject"]] == [{"sha256": root}]


def test_another_key_or_an_edited_statement_does_not_verify(bundles, permit, tmp_path):
    bundle = json.loads(bundles.bundle(permit))
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"MLmodel", b"MLm0del")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()

    with pytest.raises(InvalidSignature):
        _signed(json.dumps(bundle), (tmp_path / "k.pub").read_bytes())


def test_the_key_is_private_stays_and_is_no_other_kind(bundles, tmp_path):
    held = (tmp_path / "k.pem").read_bytes()
    P256Bundles(tmp_path / "k.pem", tmp_path / "k.pub")
    assert (tmp_path / "k.pem").read_bytes() == held
    assert (tmp_path / "k.pem").stat().st_mode & 0o077 == 0

    Ed25519Signer(tmp_path / "ed.pem", tmp_path / "ed.pub")
    with pytest.raises(Misconfigured, match="it holds no P-256 key"):
        P256Bundles(tmp_path / "ed.pem", tmp_path / "x.pub")


def test_an_svr_names_verifier_policy_time_and_properties(permit):
    statement = make_svr_statement(permit)

    predicate = statement["predicate"]
    assert statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    assert set(predicate) == {"verifier", "timeCreated", "properties"}
    assert predicate["verifier"]["policies"] == [
        {"name": "handrail-policy:champion", "digest": {"sha256": permit.policy_digest[7:]}}
    ]
    assert predicate["properties"] == ["HANDRAIL_APPROVED"]  # one approver
    assert statement["subject"][0]["digest"] == {"sha256": permit.tree_digest[7:]}


def test_companions_lie_beside_the_permit_and_are_there_before_it(permit, tmp_path):
    seen = []
    place = permit_file(tmp_path, permit.use, permit.tree_digest)

    def make(_permit):
        seen.append(place.exists())
        return b"x"

    FolderShelf(tmp_path, {".sig": make, ".svr": make}).put(permit, "{}")

    assert seen == [False, False]
    assert sorted(file.name for file in place.parent.iterdir()) == [
        place.name, place.with_suffix(".sig").name, place.with_suffix(".svr").name
    ]  # fmt: skip


@pytest.mark.parametrize("added", [".git/hook", ".gitignore", ".gitattributes", ".github/x"])
def test_what_oms_ignores_by_default_is_refused_here(settings, tree, tmp_path, added):
    permit = permit_tree(settings, tree)
    (tree / added).parent.mkdir(exist_ok=True)
    (tree / added).write_text("x")

    with pytest.raises(UnverifiedBytes, match=r"\.git.*is not in the permit"):
        PermitVerifier(settings.permits / "gate.pub").verify(tree, permit, tmp_path / "copy", USE)


if TIMES > 1:

    @pytest.fixture(scope="session")
    def checker():
        return model_signing.install()

    def _accepts(checker, tree, signature, key):
        words = [checker, "-m", "model_signing", "verify", "key", tree, "--signature", signature, "--public_key", key]
        return subprocess.run(list(map(str, words)), capture_output=True, text=True).returncode == 0

    def test_model_signing_accepts_what_we_write_and_refuses_each_changed_file(
        bundles, permit, tree, tmp_path, checker
    ):
        signature = tmp_path / "model.sig"
        signature.write_bytes(bundles.bundle(permit))
        assert _accepts(checker, tree, signature, tmp_path / "k.pub")

        for file in sorted(path for path in tree.rglob("*") if path.is_file()):
            content = file.read_bytes()
            file.write_bytes(content + b"x")
            assert not _accepts(checker, tree, signature, tmp_path / "k.pub"), file
            file.write_bytes(content)

    def test_where_model_signing_is_laxer_ours_refuses(settings, bundles, permit, tree, tmp_path, checker):
        signature = tmp_path / "model.sig"
        signature.write_bytes(bundles.bundle(permit))
        (tree / ".git").mkdir()
        (tree / ".git" / "hook").write_text("x")

        assert _accepts(checker, tree, signature, tmp_path / "k.pub")
        with pytest.raises(UnverifiedBytes, match=r"\.git"):
            PermitVerifier(settings.permits / "gate.pub").verify(
                tree, Path(permit_file(settings.permits, permit.use, permit.tree_digest)), tmp_path / "copy", USE
            )
