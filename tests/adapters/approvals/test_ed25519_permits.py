"""What a verifier accepts: these bytes with this gate's signature, and nothing else."""

import os
import shutil
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.permit import Envelope, make_statement
from handrail.approvals.domain.revocations import PAYLOAD_TYPE as REVOCATIONS
from handrail.approvals.domain.revocations import Revocation, RevocationList
from handrail.errors import FolderNotEmpty, Misconfigured, Unavailable
from handrail.manifest import canonical_json
from handrail.refs import Use
from tests.fakes.approvals_world import TERMS, World, opening

USE = Use("local-1", "flights", "champion", "local")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
APPROVED = Judgement(
    Verdict.APPROVED, approvers=(Decided(datetime(2026, 1, 1, tzinfo=UTC), "ben", "Ben", Choice.APPROVE, "fine"),)
)

FILES = {
    "MLmodel": b"flavors: sklearn",
    "model.skops": b"\x00\x01weights" * 1000,
    "onnx/model.onnx": b"onnx" * 1000,
    "onnx/deep/er/empty": b"",
    ".git/config": b"[core]",
    "r\u00e9sum\u00e9 with spaces": b"text",
}


def _write(folder):
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _permit(tree, signer):
    world = World()
    world.trees.content["/artifacts/1/1/model"] = {
        path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()
    }
    request = world.gate.open_request(opening(), "ada").history.request
    assert request.subject.tree_digest == FolderTrees().manifest(str(tree)).digest
    statement = make_statement(request, APPROVED, "2026-01-01T00:00:00+00:00", TERMS)
    return signer.sign(canonical_json(statement))


def revoke(signer, folder, *request_ids):
    """Put the signed list of these requests beside the key."""
    rows = tuple(Revocation(each, "2026-02-01T00:00:00+00:00", "Ben", "leaks") for each in request_ids)
    listed = RevocationList("local-1", "2026-02-01T00:00:00+00:00", rows)
    FolderShelf(folder).put_revoked(signer.sign(listed.payload, REVOCATIONS).to_json())


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    signer = Ed25519Signer(folder / "private.pem", folder / "gate.pub")
    revoke(signer, folder)
    return signer, folder


@pytest.fixture
def verifier(signer):
    return PermitVerifier(signer[1] / "gate.pub", clock=lambda: NOW)


@pytest.fixture
def tree(tmp_path):
    _write(tmp_path / "tree")
    return tmp_path / "tree"


@pytest.fixture
def permit(tree, signer):
    return _permit(tree, signer[0]).to_json().encode()


@pytest.fixture
def into(tmp_path):
    return tmp_path / "private" / "copy"


def test_exactly_the_permitted_files_are_copied(verifier, tree, permit, into):
    allowed = verifier.verify(tree, permit, into, USE)

    assert {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()} == FILES
    assert allowed.tree_digest == FolderTrees().manifest(str(into)).digest


def test_the_copy_is_private(verifier, tree, permit, into):
    verifier.verify(tree, permit, into, USE)

    assert stat.S_IMODE(into.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in into.rglob("*") if path.is_file()} == {0o600}


def test_a_permit_may_be_a_file(verifier, tree, permit, into, tmp_path):
    (tmp_path / "permit.json").write_bytes(permit)

    assert verifier.verify(tree, tmp_path / "permit.json", into, USE).version == 1


def _refused(verifier, tree, permit, into, words, use=USE):
    with pytest.raises(UnverifiedBytes, match=words) as caught:
        verifier.verify(tree, permit, into, use)
    assert not into.exists()
    return caught.value


@pytest.mark.parametrize("path", [path for path, content in FILES.items() if content])
def test_one_flipped_byte_of_any_file_is_named(verifier, tree, permit, into, path):
    content = bytearray((tree / path).read_bytes())
    content[len(content) // 2] ^= 1
    (tree / path).write_bytes(content)

    assert _refused(verifier, tree, permit, into, "differs").path == path


@pytest.mark.parametrize("path", FILES)
def test_a_missing_file_is_named(verifier, tree, permit, into, path):
    (tree / path).unlink()

    assert _refused(verifier, tree, permit, into, "is missing").path == path


@pytest.mark.parametrize("path", FILES)
def test_one_byte_more_is_noticed(verifier, tree, permit, into, path):
    with (tree / path).open("ab") as stream:
        stream.write(b"!")

    assert _refused(verifier, tree, permit, into, "differs").path == path


@pytest.mark.parametrize("path", ["extra", "onnx/extra", ".git/hooks/post-checkout", ".hidden", "zzz/a"])
def test_an_extra_file_is_named(verifier, tree, permit, into, path):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_bytes(b"x")

    assert path.startswith(str(_refused(verifier, tree, permit, into, "is not in the permit").path))


def test_an_extra_empty_folder_is_named(verifier, tree, permit, into):
    (tree / "onnx" / "empty-folder").mkdir()

    assert _refused(verifier, tree, permit, into, "not in the permit").path == "onnx/empty-folder"


def test_a_link_to_the_same_bytes_is_refused(verifier, tree, permit, into, tmp_path):
    shutil.move(tree / "MLmodel", tmp_path / "elsewhere")
    (tree / "MLmodel").symlink_to(tmp_path / "elsewhere")

    assert _refused(verifier, tree, permit, into, "'MLmodel' is a link").path == "MLmodel"


def test_a_folder_that_is_a_link_is_refused(verifier, tree, permit, into, tmp_path):
    shutil.move(tree / "onnx", tmp_path / "onnx")
    (tree / "onnx").symlink_to(tmp_path / "onnx")

    _refused(verifier, tree, permit, into, "'onnx' is a link")


def test_a_pipe_does_not_hang(verifier, tree, permit, into):
    (tree / "MLmodel").unlink()
    os.mkfifo(tree / "MLmodel")

    _refused(verifier, tree, permit, into, "special file")


def test_a_file_in_the_place_of_a_folder_and_the_reverse_are_refused(verifier, tree, permit, into):
    shutil.rmtree(tree / "onnx")
    (tree / "onnx").write_bytes(b"onnx")
    _refused(verifier, tree, permit, into, "'onnx' is not in the permit")

    (tree / "onnx").unlink()
    (tree / "MLmodel").unlink()
    (tree / "MLmodel").mkdir()
    _refused(verifier, tree, permit, into, "'MLmodel' is not in the permit")


def test_a_tree_that_is_not_there_is_named(verifier, tree, permit, into):
    _refused(verifier, tree / "absent", permit, into, "absent")


def _resigned(envelope, payload, tmp_path):
    other = Ed25519Signer(tmp_path / "other.pem", tmp_path / "other.pub")
    return other.sign(payload)


def test_a_permit_of_another_key_is_refused(verifier, tree, permit, into, tmp_path):
    payload = Envelope.from_json(permit).payload
    forged = _resigned(permit, payload, tmp_path).to_json()

    _refused(verifier, tree, forged.encode(), into, "not signed by this project's gate")


def test_a_foreign_signature_under_our_key_id_is_refused(verifier, tree, permit, into, tmp_path):
    envelope = Envelope.from_json(permit)
    (ours,) = envelope.signatures
    (theirs,) = _resigned(permit, envelope.payload, tmp_path).signatures.values()

    _refused(verifier, tree, Envelope(envelope.payload, {ours: theirs}).to_json().encode(), into, "not signed")


def test_an_edited_permit_is_refused(verifier, tree, permit, into):
    envelope = Envelope.from_json(permit)
    edited = Envelope(envelope.payload.replace(b'"version":1', b'"version":2'), envelope.signatures)

    _refused(verifier, tree, edited.to_json().encode(), into, "not signed")


@pytest.mark.parametrize("bad", [b"", b"{}", b"\xff\xfe", b"[1]"])
def test_a_damaged_or_truncated_permit_is_refused(verifier, tree, permit, into, bad):
    _refused(verifier, tree, bad, into, "cannot be used")
    _refused(verifier, tree, permit[: len(permit) // 2], into, "cannot be used")


def test_a_missing_permit_is_named(verifier, tree, into, tmp_path):
    _refused(verifier, tree, tmp_path / "none.json", into, "no permit to read")


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_without_the_gates_key_nothing_is_verified(tree, permit, into, tmp_path, content):
    if content is not None:
        (tmp_path / "gate.pub").write_bytes(content)

    with pytest.raises(Misconfigured, match=r"gate\.pub"):
        PermitVerifier(tmp_path / "gate.pub").verify(tree, permit, into, USE)


def test_a_folder_that_holds_something_is_not_overwritten(verifier, tree, permit, into):
    into.mkdir(parents=True)
    (into / "mine").write_bytes(b"x")

    with pytest.raises(FolderNotEmpty, match="not empty"):
        verifier.verify(tree, permit, into, USE)
    assert (into / "mine").read_bytes() == b"x"


def test_what_changes_after_the_copy_does_not_matter(verifier, tree, permit, into):
    verifier.verify(tree, permit, into, USE)

    (tree / "model.skops").write_bytes(b"evil")

    assert (into / "model.skops").read_bytes() == FILES["model.skops"]


def test_swapping_files_while_they_are_verified_never_lends_wrong_bytes(verifier, tree, permit, tmp_path):
    stop = threading.Event()
    good, evil = tmp_path / "good", tmp_path / "evil"

    def swap():
        while not stop.is_set():
            for content in (b"evil" * 2000, FILES["model.skops"]):
                evil.write_bytes(content)
                os.replace(evil, tree / "model.skops")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(150):
            into = good / str(number)
            try:
                verifier.verify(tree, permit, into, USE)
            except UnverifiedBytes:
                assert not into.exists()
            else:
                assert (into / "model.skops").read_bytes() == FILES["model.skops"]
    finally:
        stop.set()
        thread.join()


def test_the_copy_goes_when_the_disk_is_full(verifier, tree, permit):
    full = Path("/dev/full")
    assert full.exists()

    with pytest.raises(Unavailable, match="cannot be used"):
        verifier.verify(tree, permit, full, USE)
