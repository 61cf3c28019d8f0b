"""What release 0.1.0 wrote reads the same today: store, permit, spool, lock file, checkpoint and clock."""

import json
import shutil
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from handrail.approvals import UnverifiedBytes
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import open_permit_verifier
from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.lineage_events import open_access
from handrail.clock import EventClock
from handrail.lineage import TokenScope
from handrail.lineage.adapters.dvc.entries import Place
from handrail.lineage.adapters.dvc.lock_files import locked_stages
from handrail.lineage.adapters.dvc.trees import TreeOnDisk
from handrail.settings import load_settings

RELEASE = Path(__file__).parents[2] / "fixtures" / "releases" / "0.1.0"
EXPECTED = json.loads((RELEASE / "expected.json").read_text())


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The project and its state, as that release left them."""
    project = tmp_path_factory.mktemp("release") / "project"
    home = project / ".handrail"
    shutil.copytree(RELEASE / "config", project / "config")
    for name in ("permits", "spool"):
        shutil.copytree(RELEASE / name, home / name)
    with sqlite3.connect(home / "handrail.db") as connection:
        connection.executescript((RELEASE / "handrail.sql").read_text())
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(home))
        yield load_settings(project)


@pytest.fixture(scope="module")
def platform(settings):
    with open_platform(settings) as opened:
        yield opened


@pytest.mark.parametrize("expected", EXPECTED["requests"], ids=[each["verdict"] for each in EXPECTED["requests"]])
def test_a_promotion_request_has_its_subject_decisions_and_verdict(platform, expected):
    view = platform.approvals.request(expected["id"])

    request = view.history.request
    assert {
        "id": request.request_id,
        "turn": request.turn,
        "reason": request.reason,
        "requester": request.requester,
        "authors": list(request.authors),
        "opened_at": request.opened_at.isoformat(),
        "subject": request.subject.to_json(),
        "manifest": request.manifest.digest,
        "evidence": dict(request.evidence),
        "verdict": view.judgement.verdict.value,
        # That release did not say that all evidence was its sender's word.
        "reasons": [reason.replace(", claimed by ada", "") for reason in view.judgement.reasons],
        "approvers": [decision.person for decision in view.judgement.approvers],
        "events": [[type(event).__name__, event.at.isoformat()] for event in view.history.events],
        "decisions": [[d.account, d.person, d.choice, d.reason, d.at.isoformat()] for d in view.history.decisions],
    } == expected


def test_the_permit_is_read_and_says_the_same(settings):
    expected = EXPECTED["permit"]
    file = settings.permits / expected["file"]

    found = open_permit_verifier(settings).read(file)

    said = {name: getattr(found, name) for name in expected if name not in ("file", "manifest", "approvers", "authors")}
    lists = {"approvers": list(found.approvers), "authors": list(found.authors), "manifest": found.manifest.digest}
    assert said | lists | {"file": file.name} == expected


def test_the_permit_is_not_enough_to_serve_because_it_never_expires_and_names_no_environment(settings, tmp_path):
    expected = EXPECTED["permit"]
    permit = open_permit_verifier(settings).read(settings.permits / expected["file"])
    use = replace(permit.use, environment="local")

    with pytest.raises(UnverifiedBytes, match=r"of release 0\.1\.0.*promotion of the same version again"):
        open_permit_verifier(settings).verify(
            RELEASE / "tree", settings.permits / expected["file"], tmp_path / "copy", use
        )

    assert not (tmp_path / "copy").exists()


def test_the_store_has_that_permit_for_the_tree(platform, settings):
    expected = EXPECTED["permit"]
    permit = open_permit_verifier(settings).read(settings.permits / expected["file"])
    use = replace(permit.use, environment="local")

    kept = (settings.permits / expected["file"]).read_text()
    assert platform.approvals.permit(use, expected["tree_digest"]) == kept
    assert platform.approvals.permit(use) == kept


def test_a_deployment_is_traced_to_the_same_nodes_and_edges(platform):
    expected = EXPECTED["trace"]

    found = platform.lineage.trace(expected["ref"])

    nodes = sorted(found.nodes, key=lambda node: node.uri)
    assert [[node.uri, node.kind, node.digest] for node in nodes] == expected["nodes"]
    edges = sorted([edge.effect, edge.verb.value, edge.cause, edge.proven] for edge in found.edges)
    assert edges == expected["edges"]


def test_data_has_the_same_impact(platform):
    expected = EXPECTED["impact"]

    assert dict(platform.lineage.impact(expected["ref"]).kinds) == expected["kinds"]


def test_names_pointed_where_they_did(platform):
    lineage = platform.lineage

    assert {
        name: [[p.target, p.at.isoformat(), p.by] for p in lineage.pointer_history(name)]
        for name in lineage.pointer_names()
    } == EXPECTED["pointers"]


def test_a_token_still_belongs_to_its_holder(platform):
    expected, access = EXPECTED["token"], open_access(platform.store)

    assert access.holder_of(expected["value"]) == expected["holder"]
    assert [token.name for token in access.tokens()] == expected["names"]
    assert {token.scope for token in access.tokens()} == {TokenScope()}


def test_predictions_and_feedback_have_their_values(platform):
    recorded = EXPECTED["predictions"][:4]
    found = [platform.feedback.find_prediction(row[0]) for row in recorded]

    assert [_row(prediction) for prediction in found] == recorded
    for prediction_id, expected in EXPECTED["feedback"].items():
        events = platform.feedback.feedback_about(prediction_id)
        assert [
            [
                e.kind,
                e.value,
                e.source,
                e.revision,
                e.occurred_at.isoformat(),
                e.received_at.isoformat(),
                e.retracts,
                e.key,
            ]
            for e in events
        ] == expected


def test_counts_amounts_deployments_and_quarantine_are_the_same(platform):
    log = platform.feedback

    amounts = log.amounts([row[0] for row in EXPECTED["deployments"]])
    assert {uri: {name: str(sum_) for name, sum_ in held.items()} for uri, held in amounts.items()} == EXPECTED[
        "amounts"
    ]
    assert asdict(log.status()) == EXPECTED["status"] | {"quarantined": EXPECTED["status"]["conflicts"]}
    assert [[each.what, each.identifier] for each in log.quarantined()] == EXPECTED["quarantined"]
    assert [
        [each.uri, each.tree_digest, each.model_version_uri, each.bento_uri, each.started_at.isoformat()]
        for each in log.deployments()
    ] == EXPECTED["deployments"]


def test_a_snapshot_has_its_digest_and_its_labels(settings, tmp_path):
    expected = EXPECTED["snapshot"]
    own = settings.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(settings.home, own.home)
    with open_platform(own) as platform:
        (snapshot,) = platform.feedback.snapshots()
        scope = (getattr(snapshot.scope, name) for name in ("kind", "start", "end", "as_of"))

        cohort = platform.feedback.snapshot_cohort(expected["digest"])
        again = platform.feedback.snapshot(*scope)

        assert (snapshot.covers, again.covers) == ("ids", "bodies")
        assert platform.feedback.snapshot_cohort(again.digest) == cohort
    assert (snapshot.digest, snapshot.uri) == (expected["digest"], expected["uri"])
    assert (snapshot.predictions, snapshot.events) == (expected["predictions"], expected["events"])
    assert dict(zip(cohort.prediction_id, cohort.label, strict=True)) == expected["labels"]
    assert dict(zip(cohort.prediction_id, cohort.mature, strict=True)) == expected["mature"]


def test_spooled_predictions_are_drained(settings, tmp_path):
    own = settings.model_copy(update={"home": tmp_path})
    shutil.copytree(settings.home / "spool", tmp_path / "spool")
    with open_platform(own) as platform:
        receipt = open_spool(own).drain(platform.feedback.record_predictions)

        assert (receipt.accepted, receipt.conflicts) == (2, ())
        expected = EXPECTED["predictions"][4:]
        assert [_row(platform.feedback.find_prediction(row[0])) for row in expected] == expected
    assert not (tmp_path / "spool" / "rejected.log").exists()


def test_the_stages_of_a_lock_file_keep_their_fingerprints(tmp_path):
    (tmp_path / "dvc.lock").write_bytes((RELEASE / "dvc.lock.yaml").read_bytes())

    stages = locked_stages(TreeOnDisk(tmp_path), Place(tmp_path))

    assert {
        stage.name: {
            "fingerprint": stage.fingerprint,
            "inputs": len(stage.inputs),
            "outputs": [[file.path, file.md5] for file in stage.outputs],
        }
        for stage in stages
    } == EXPECTED["stages"]


def test_a_saved_checkpoint_finds_its_action_by_the_type_that_was_saved():
    from handrail.gx import HandrailAction

    (saved,) = json.loads((RELEASE / "checkpoint.json").read_text())["actions"]

    action = HandrailAction(**saved)

    assert action.dict() == saved


def test_the_moment_of_a_replay_is_read():
    assert EventClock(RELEASE / "now")().isoformat() == EXPECTED["event_time"]


def _row(prediction):
    return [
        prediction.prediction_id,
        prediction.deployment,
        prediction.subject,
        prediction.made_at.isoformat(),
        prediction.score,
        prediction.label,
        prediction.features_digest,
        prediction.feature_service,
        prediction.latency_ms,
    ]
