"""Promotion step by step against a real MLflow server with the Handrail app, on a small trained project."""

import shutil

import pytest

from flows.steps.project.accounts import read_account, tracking_environment
from flows.steps.release.desk import open_desk
from flows.steps.release.promote import TREE, Registered, is_open, read_evidence
from handrail.bootstrap.approvals import open_permit_verifier, permit_path, tree_digest
from handrail.errors import Misconfigured, Refused, Unavailable
from handrail.refs import Use
from tests.fakes.permitted_tree import permit_tree

USE = Use("other", "flights", "champion", "local")


def _ask(desk, registered):
    return desk.ask(registered, "champion", "trained by a test", read_evidence(desk.settings.project))


def _approve(settings, request, file):
    with open_desk(settings, file) as desk:
        return desk.approve(request["request_id"], "looked at it")


def test_a_tree_becomes_one_version_is_asked_for_signed_off_and_permitted(settings, desk):
    registered = desk.register(settings.project)
    again = desk.register(settings.project)

    request = _ask(desk, registered)
    same = _ask(desk, registered)
    still_open = desk.request(request["request_id"])
    _approve(settings, request, "engineer")
    _approve(settings, request, "business")
    decided = desk.request(request["request_id"])
    permit = desk.fetch_permit(decided)
    permit.unlink()
    fetched = desk.fetch_permit(decided)

    assert registered == again
    assert registered.version == 1
    assert registered.tree_digest == tree_digest(settings.project / TREE) == request["tree_digest"]
    assert same["request_id"] == request["request_id"]
    assert is_open(still_open)
    assert decided["verdict"] == "promoted"
    assert open_permit_verifier(settings).read(fetched).tree_digest == registered.tree_digest


def test_an_open_request_has_no_permit_and_says_what_is_missing(settings, desk):
    registered = desk.register(settings.project, model="undecided")
    request = _ask(desk, registered)

    with pytest.raises(Refused, match="Promoting undecided version 1 is refused"):
        desk.fetch_permit(request)


@pytest.mark.parametrize(
    "sent", [b"", b"{}", b"not json", None], ids=["empty", "no permit", "no JSON", "of another tree"]
)
def test_what_comes_is_checked_before_it_is_kept(settings, desk, signed, sent):
    """A file that is there is never fetched again: a bad one would stay."""
    digest = "sha256:" + "5" * 64
    desk.gate = Sender(signed if sent is None else sent)

    with pytest.raises(Refused):
        desk.fetch_permit({"verdict": "promoted", "tree_digest": digest, "version": 1, **USE.to_json()})

    assert not permit_path(settings, USE, digest).exists()


class Sender:
    """A gate that sends these bytes as the permit of any tree."""

    def __init__(self, sent):
        self._sent = sent

    def permit(self, use, digest):
        return self._sent

    def close(self):
        pass


@pytest.fixture
def signed(settings):
    """A permit that the project's own gate signed, of another tree."""
    name = settings.home / "mlflow" / "server-name"
    kept = name.read_bytes()
    file = permit_tree(settings, settings.project / TREE)
    name.write_bytes(kept)
    content = file.read_bytes()
    file.unlink()
    return content


def test_the_comparison_reaches_those_who_decide(settings, tmp_path):
    shutil.copytree(settings.project / "reports", tmp_path / "reports")
    (tmp_path / "reports" / "comparison.json").write_text('{"ci_low": -0.001}')

    evidence = read_evidence(tmp_path)

    assert set(evidence) == {"evaluation", "fairness", "robustness", "parity", "comparison"}
    assert evidence["comparison"] == {"ci_low": -0.001}


def test_another_tree_than_the_packaged_one_is_refused(settings, desk):
    registered = desk.register(settings.project, model="swapped")
    other = Registered(registered.model, registered.version, registered.run_id, f"sha256:{'0' * 64}")

    with pytest.raises(Refused, match="The server holds sha256:"):
        _ask(desk, other)


def test_without_a_packaged_tree_the_remedy_is_named(desk, tmp_path):
    with pytest.raises(Unavailable, match="no packaged model.*dvc repro"):
        desk.register(tmp_path)
    with pytest.raises(Unavailable, match=r"evaluate\.json: this evidence is missing"):
        read_evidence(tmp_path)


def test_an_account_file_is_needed_and_named(settings):
    with pytest.raises(Misconfigured, match=r"nobody\.json: there is no such account file"):
        read_account(settings, "nobody")
    with pytest.raises(Misconfigured, match="not the name of a credentials file"):
        read_account(settings, "../roles")


def test_without_an_account_stages_keep_their_local_store(settings):
    assert tracking_environment(settings, None) == {}


def test_a_password_never_shows(settings):
    assert "xxxx" not in repr(read_account(settings, "author"))
