"""Our log before an independent reader of C2SP logs, aics-tlog: in `make soak`, and where HANDRAIL_TEST_AICS is set.

Its value may be the path of a Python from 3.12 on; else uv finds one.
"""

import os
import shutil

import pytest

from handrail.approvals import FolderWitness, LogVerifier
from handrail.approvals.adapters.ed25519_notes import is_signed
from handrail.approvals.domain import merkle
from handrail.approvals.domain.notes import COSIGNATURE, Note, VerifierKey
from handrail.approvals.domain.proofs import Submission
from tests.fakes.aics_peer import ask
from tests.fakes.approvals_store import log_key
from tests.fakes.effort import TIMES
from tests.fakes.log_folder import contents_of, replace_entries, write_log
from tests.unit.approvals.test_merkle import _node
from tests.unit.approvals.test_notes import KEY, NOTE

pytestmark = pytest.mark.any_version

RUNS = TIMES > 1 or bool(os.environ.get("HANDRAIL_TEST_AICS"))
SIZES = [1, 2, 255, 256, 257, 600] if RUNS else []
LOG, WITNESS = log_key(), log_key("example.com/w1", COSIGNATURE)
AUDIT = """
import json, sys
from pathlib import Path
import aics_tlog as peer
folder, key, witness = sys.argv[1:]
known = [peer.parse_vkey(witness)] if witness else []
try:
    note = peer.parse_note((Path(folder) / "checkpoint").read_bytes())
    result = peer.verify_checkpoint(note, peer.parse_vkey(key), known, quorum=len(known))
    head = peer.parse_checkpoint(note.text)
except ValueError as err:
    print(json.dumps({"ok": False, "problem": str(err)}))
    sys.exit()
reader, found = peer.FileSystemTileReader(folder), {"ok": result.ok, "size": head.size, "root": head.root.hex()}
try:
    peer.audit_tiles(reader, head.size, head.root)
    proofs = {}
    for index in {0, head.size // 2, head.size - 1}:
        proofs[index] = [step.hex() for step in peer.inclusion_proof_from_tiles(reader, index, head.size)]
    old = max(1, head.size // 3)
    found |= {"proofs": proofs, "old": old}
    found["consistency"] = [step.hex() for step in peer.consistency_proof_from_tiles(reader, old, head.size)]
except (peer.TileVerificationError, peer.TileMissingError, ValueError) as err:
    found["problem"] = str(err)
print(json.dumps(found))
"""


def _cosigned(folder, note):
    witness = FolderWitness(WITNESS, [LOG.key], folder.with_name("witness"), lambda: 1_700_000_000)
    reply = witness.add_checkpoint(Submission(0, (), note).to_bytes())
    assert reply.status == 200
    (folder / "checkpoint").write_bytes(note.to_bytes() + reply.body)


@pytest.mark.parametrize("size", SIZES)
def test_it_accepts_what_we_write_and_makes_the_same_proofs(size, tmp_path):
    contents, folder = contents_of(size), tmp_path / "log"
    note = write_log(folder, LOG, contents)
    _cosigned(folder, note)

    found = ask(AUDIT, folder, LOG.key.text, WITNESS.key.text)

    assert "problem" not in found, found
    assert found["ok"]
    assert (found["size"], found["root"]) == (size, merkle.root_of(map(merkle.leaf_hash, contents)).hex())
    for index, steps in found["proofs"].items():
        assert steps == [step.hex() for step in merkle.inclusion_proof(int(index), size, _node(contents))]
    ours = merkle.consistency_proof(found["old"], size, _node(contents))
    assert found["consistency"] == [step.hex() for step in ours]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"] if RUNS else [])
def test_it_refuses_each_flipped_byte(path, tmp_path):
    folder = tmp_path / "log"
    write_log(folder, LOG, contents_of(300))
    content = bytearray((folder / path).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / path).write_bytes(content)

    assert "problem" in ask(AUDIT, folder, LOG.key.text, "")


@pytest.mark.parametrize("place", [5, 17, 30, -5] if RUNS else [])
def test_it_refuses_a_checkpoint_with_a_flipped_byte(place, tmp_path):
    folder = tmp_path / "log"
    write_log(folder, LOG, contents_of(300))
    content = bytearray((folder / "checkpoint").read_bytes())
    content[place] ^= 1
    (folder / "checkpoint").write_bytes(content)

    assert not ask(AUDIT, folder, LOG.key.text, "").get("ok")


@pytest.mark.parametrize("at", [0, 299] if RUNS else [])
def test_it_refuses_an_edited_leaf(at, tmp_path):
    folder, contents = tmp_path / "log", contents_of(300)
    write_log(folder, LOG, contents)
    contents[at] = contents[at].replace(b'"n', b'"m')
    replace_entries(folder, contents, 300)

    assert "problem" in ask(AUDIT, folder, LOG.key.text, "")


WRITE = """
import json, sys
import aics_tlog as peer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
folder, count = sys.argv[1], int(sys.argv[2])
key = Ed25519PrivateKey.generate()
store = peer.DirectoryTileStore(folder)
writer = peer.IncrementalTileWriter(store, size=0)
writer.append([b'{"number":%d}' % number for number in range(count)])
note = peer.sign_checkpoint(peer.Checkpoint("example.com/peer", writer.size, writer.root()), key, "example.com/peer")
store.write_checkpoint(note.to_bytes())
print(json.dumps(peer.format_vkey(peer.vkey_from_ed25519("example.com/peer", key.public_key()))))
"""


@pytest.mark.parametrize("size", SIZES)
def test_we_verify_what_it_writes_byte_for_byte(size, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    key = VerifierKey.parse(ask(WRITE, theirs, size))

    assert LogVerifier(theirs, key).verify().checkpoint.size == size

    write_log(ours, LOG, [b'{"number":%d}' % number for number in range(size)])
    shutil.rmtree(ours / "heads")
    for file in (file for file in (ours / "tile").rglob("*") if file.is_file()):
        assert (theirs / file.relative_to(ours)).read_bytes() == file.read_bytes()


def test_the_note_of_the_go_library_is_verified_by_us():
    """A fixed vector, in every run: the key and note of golang.org/x/mod/sumdb/note's documentation."""
    assert is_signed(Note.parse(NOTE.encode()), VerifierKey.parse(KEY))
    assert not is_signed(Note.parse(NOTE.replace("cryptography", "Cryptography").encode()), VerifierKey.parse(KEY))
