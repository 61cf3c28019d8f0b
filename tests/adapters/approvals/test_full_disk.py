"""A full disk under the stores: one sentence, nothing half done, and the next run goes on."""

import resource
import sys
from contextlib import contextmanager

import pytest

from handrail.approvals.adapters.folder_trees import FolderTrees, copy_verified
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.errors import Unavailable
from handrail.files import replace_file
from tests.fakes.approvals_store import approvals_store, logged_ledger
from tests.fakes.approvals_world import World, opening

pytestmark = pytest.mark.any_version


@contextmanager
def no_room(bytes_left=0):
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none = sys.dont_write_bytecode
    # Python would leave compiled modules that end in the middle.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = writes_none


def test_a_decision_on_a_full_disk_is_refused_and_can_be_repeated(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        world = World(ledger=logged_ledger(store))
        request_id = world.gate.open_request(opening(), "ada").history.request.request_id
        world.gate.decide(request_id, "ben", Choice.APPROVE, "fine")
        before = world.ledger.load(request_id)

        with no_room(), pytest.raises(Unavailable, match="free the disk") as caught:
            world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

        assert "handrail.db" in str(caught.value)
        assert world.ledger.load(request_id) == before
        view = world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")
        assert view.judgement.verdict is Verdict.PROMOTED


def test_a_copy_on_a_full_disk_leaves_nothing_behind(tmp_path):
    tree, into = tmp_path / "tree", tmp_path / "copy"
    tree.mkdir()
    (tree / "a").write_bytes(b"x" * 100)
    (tree / "b").write_bytes(b"x" * 10_000)
    manifest = FolderTrees().manifest(str(tree))

    with no_room(4096), pytest.raises(Unavailable, match="Free the disk"):
        copy_verified(tree, manifest, into)

    assert not into.exists()


def test_a_permit_on_a_full_disk_keeps_the_older_one(tmp_path):
    replace_file(tmp_path / "permit.json", b"older")

    with no_room(2), pytest.raises(Unavailable, match="cannot be written"):
        replace_file(tmp_path / "permit.json", b"newer")

    assert (tmp_path / "permit.json").read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [tmp_path / "permit.json"]
