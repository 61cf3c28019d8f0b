"""Evidence that the gate reads itself, as files of runs on its server."""

import json

import pytest

from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.policy import Rule
from handrail.approvals.service import RunFile
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals_world import World

AT = RunFile("run-1", "reports/parity.json")


@pytest.fixture
def world():
    world = World()
    world.change_rules(rules=(Rule("parity.labels_differ", equals=0, level=Level.BOUND),))
    world.provenance.record("path", "/artifacts/run-1/reports", "ada")
    return world


def _tree(world, version=1):
    return world.trees.manifest(f"/artifacts/1/{version}/model").digest


def _log(world, content, at=AT):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    world.files.files[at.run_id, at.path] = text


def _ask(world, name="parity", at=AT, **changes):
    return world.gate.request(world.ask(evidence={}, files={name: at}, **changes))


def test_a_file_about_these_files_meets_a_rule_that_wants_it_bound(world):
    _log(world, {"tree_digest": _tree(world), "labels_differ": 0})

    view = _ask(world)

    assert view.judgement.verdict is Verdict.PENDING
    assert view.measures[0].found.source == "bound by ada"
    assert view.to_json()["evidence_files"]["parity"]["path"] == "reports/parity.json"


def test_the_same_numbers_sent_are_only_claimed(world):
    view = world.gate.request(world.ask(evidence={"parity": {"labels_differ": 0}}))

    assert view.judgement.reasons == ("parity.labels_differ is 0, claimed by ada; the policy wants it bound.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"labels_differ": 0}, "Its 'tree_digest' is None, expected sha256:"),
        ({"tree_digest": "sha256:" + "0" * 64, "labels_differ": 0}, "expected sha256:"),
        (b"not json", "not finite JSON"),
        (b"[1]", "does not hold one JSON object"),
        (b'{"a": NaN}', "not finite JSON"),
        (b"\xff", "not finite JSON"),
    ],
)
def test_a_file_about_something_else_is_refused(world, content, words):
    _log(world, content)

    with pytest.raises(Refused, match=words):
        _ask(world)


def test_a_comparison_has_to_name_the_incumbents_files(world):
    at = RunFile("run-1", "reports/comparison.json")
    _log(world, {"tree_digest": _tree(world), "ci_low": 0.0}, at)
    with pytest.raises(Refused, match="Its 'incumbent' is None, expected an incumbent"):
        _ask(world, "comparison", at)
    world.register(2)
    world.registry.aliases["flights", "champion"] = 2
    with pytest.raises(Refused, match="Its 'incumbent' is None, expected sha256:"):
        _ask(world, "comparison", at)

    _log(world, {"tree_digest": _tree(world), "incumbent": _tree(world, 2), "ci_low": 0.0}, at)

    assert _ask(world, "comparison", at).history.request.bound["comparison"].run_id == "run-1"


def test_who_wrote_the_file_is_an_author(world):
    world.provenance.record("path", "/artifacts/run-1/reports", "ben")
    _log(world, {"tree_digest": _tree(world), "labels_differ": 0})

    view = _ask(world)

    assert view.history.request.authors == ("ada", "ben")
    with pytest.raises(Refused, match="Ben made the candidate"):
        world.say(view.history.request.request_id, "ben")


def test_a_file_whose_writer_nobody_recorded_refuses_the_request(world):
    at = RunFile("run-1", "elsewhere/parity.json")
    _log(world, {"tree_digest": _tree(world), "labels_differ": 0}, at)

    view = _ask(world, at=at)

    assert view.judgement.verdict is Verdict.REFUSED
    assert "the evidence 'elsewhere/parity.json' of run run-1" in view.judgement.reasons[0]


def test_a_file_that_is_not_there_is_named(world):
    with pytest.raises(UnknownReference, match=r"reports/parity\.json"):
        _ask(world)


def test_what_the_file_says_later_changes_nothing(world):
    _log(world, {"tree_digest": _tree(world), "labels_differ": 0})
    request_id = _ask(world).history.request.request_id
    _log(world, {"tree_digest": _tree(world), "labels_differ": 9})

    world.say(request_id, "ben")

    assert world.say(request_id, "cleo") is Verdict.PROMOTED
