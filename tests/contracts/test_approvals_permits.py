"""`Signer`, `PermitShelf` and `DecisionJournal`: the same promises by the fakes and by keys, files and lineage."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.approvals.adapters.folder_shelf import FolderShelf, permit_file
from handrail.approvals.domain.events import Choice, Decided
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.permit import Envelope, Permit, make_statement
from handrail.bootstrap.approvals_journal import LineageJournal
from handrail.bootstrap.lineage import open_lineage
from handrail.manifest import canonical_json
from handrail.settings import Settings
from handrail.storage import open_store
from tests.fakes.approvals import FakeSigner, MemoryJournal, MemoryShelf
from tests.fakes.approvals_world import TERMS, TickingClock, World, opening
from tests.fakes.feedback import a_log

AT = "2026-01-01T00:00:00+00:00"


def _payload():
    request = World().gate.open_request(opening(), "ada").history.request
    clock = TickingClock()
    decisions = [Decided(clock(), name.lower(), name, Choice.APPROVE, "fine") for name in ("Ben", "Cleo Q.")]
    return canonical_json(make_statement(request, Judgement(Verdict.APPROVED, (), tuple(decisions)), AT, TERMS))


@pytest.fixture(params=["memory", "ed25519"])
def signer(request, tmp_path):
    return FakeSigner() if request.param == "memory" else Ed25519Signer(tmp_path / "k.pem", tmp_path / "k.pub")


def test_the_same_payload_gives_the_same_envelope(signer):
    envelope = signer.sign(_payload())

    assert signer.sign(_payload()) == envelope
    assert envelope.payload == _payload()
    assert signer.sign(_payload() + b" ").signatures != envelope.signatures


class FolderSight:
    """Reads what a folder shelf wrote."""

    def __init__(self, folder):
        self.shelf, self.folder = FolderShelf(folder), folder

    def get(self, use, digest):
        file = permit_file(self.folder, use, digest)
        return file.read_text() if file.exists() else None


class MemorySight:
    """Reads what the fake holds."""

    def __init__(self, _folder):
        self.shelf = MemoryShelf()

    def get(self, use, digest):
        return self.shelf.permits.get((use, digest))


@pytest.mark.parametrize("kind", [MemorySight, FolderSight])
def test_a_permit_is_found_by_its_use_and_the_digest_of_its_tree(tmp_path, kind):
    sight, envelope = kind(tmp_path / "permits"), FakeSigner().sign(_payload())
    permit = Permit.from_payload(envelope.payload)

    for _ in range(2):
        sight.shelf.put(permit, envelope.to_json())

    assert Envelope.from_json(sight.get(permit.use, permit.tree_digest)) == envelope
    assert sight.get(permit.use, "sha256:" + "0" * 64) is None


NAMES = ("champion", "Champion", "shadow", "..", "a/b", "a%2Fb", "é", "x" * 300, "x" * 301)


@pytest.mark.parametrize("kind", [MemorySight, FolderSight])
@pytest.mark.parametrize("part", ["server", "model", "alias"])
def test_permits_of_other_uses_for_one_tree_never_overwrite_each_other(tmp_path, kind, part):
    sight, base = kind(tmp_path / "permits"), Permit.from_payload(_payload())
    changes: list[Any] = [{part: name} for name in NAMES]
    others = [replace(base, **change) for change in changes]

    for number, permit in enumerate(others):
        sight.shelf.put(permit, str(number))

    assert [sight.get(permit.use, permit.tree_digest) for permit in others] == list(map(str, range(len(NAMES))))
    assert {path.name for path in tmp_path.iterdir()} <= {"permits"}


def test_a_permit_on_the_shelf_is_verified_by_the_laid_out_key(tmp_path):
    signer = Ed25519Signer(tmp_path / "k.pem", tmp_path / "permits" / "gate.pub")
    envelope = signer.sign(_payload())
    permit = Permit.from_payload(envelope.payload)
    FolderShelf(tmp_path / "permits").put(permit, envelope.to_json())

    read = PermitVerifier(tmp_path / "permits" / "gate.pub").read(
        permit_file(tmp_path / "permits", permit.use, permit.tree_digest)
    )

    assert read == permit


@pytest.fixture
def lineage(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'lineage.db'}")
    yield open_lineage(Settings(project=tmp_path, home=tmp_path), store, a_log)
    store.close()


def test_the_fake_journal_keeps_a_promotion_once():
    envelope = FakeSigner().sign(_payload())
    permit = Permit.from_payload(envelope.payload)
    journal = MemoryJournal()

    for _ in range(2):
        journal.promoted(permit, envelope.to_json(), AT)

    assert journal.promotions == {permit.request_id: (permit, AT)}


def test_lineage_knows_version_run_approvers_and_where_the_alias_points(lineage):
    envelope = FakeSigner().sign(_payload())
    permit = Permit.from_payload(envelope.payload)

    for _ in range(2):
        LineageJournal(lambda: lineage).promoted(permit, envelope.to_json(), AT)

    uris = {node.uri for node in lineage.trace(permit.uri).nodes}
    assert {permit.uri, permit.model_version.uri, "mlflow://local-1/run/run-1"} <= uris
    assert {"actor://local-1/Ben", "actor://local-1/Cleo%20Q."} <= uris
    pointer = lineage.pointer_at("mlflow alias flights@champion", datetime(2026, 1, 2, tzinfo=UTC))
    assert (pointer.target, pointer.by) == (permit.model_version.uri, permit.uri)
    assert len(lineage.pointer_history("mlflow alias flights@champion")) == 1
