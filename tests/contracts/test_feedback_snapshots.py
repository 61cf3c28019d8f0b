"""What every `SnapshotBook` promises."""

from dataclasses import replace

import pytest

from handrail.feedback.domain.material import Mark, Scope
from handrail.feedback.domain.snapshots import Format, Snapshot
from tests.fakes.feedback import CONVERSION, GO_LIVE, GROUND_TRUTH, a_prediction
from tests.fakes.feedback_store import DATABASES, stores_of

SCOPE = Scope("ground_truth", GO_LIVE, a_prediction(24).made_at, a_prediction(48).made_at)
SNAPSHOT = Snapshot("sha256:b", SCOPE, GROUND_TRUTH, 24, 30, Mark(24, 30, 2))


@pytest.fixture(params=["memory", *DATABASES])
def snapshots(request, tmp_path):
    with stores_of(request.param, tmp_path) as stores:
        yield stores.snapshots


def test_a_manifest_comes_back_as_it_was_kept(snapshots):
    other = replace(
        SNAPSHOT, digest="sha256:a", kind=CONVERSION, scope=replace(SCOPE, kind="conversion"), format=Format.IDS
    )

    snapshots.save(SNAPSHOT)
    snapshots.save(other)

    assert snapshots.find("sha256:b") == SNAPSHOT
    assert snapshots.all() == (other, SNAPSHOT)
    assert snapshots.find("sha256:c") is None


def test_the_first_mark_of_a_digest_stands(snapshots):
    snapshots.save(SNAPSHOT)

    assert snapshots.save(replace(SNAPSHOT, mark=Mark(99, 99))) == SNAPSHOT
    assert snapshots.all() == (SNAPSHOT,)
