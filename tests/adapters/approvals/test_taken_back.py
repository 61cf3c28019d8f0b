"""What a verifier refuses beside wrong bytes: a permit that was taken back, an older one, and files that run code."""

import json
import pickle
import shutil

import pytest

from handrail.approvals.adapters.ed25519_permits import PermitVerifier
from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.errors import Misconfigured
from handrail.settings import Settings
from tests.fakes.delivery import USE
from tests.fakes.permitted_tree import permit_tree, revoke, write_tree

pytestmark = pytest.mark.any_version


@pytest.fixture
def settings(tmp_path):
    return Settings(project=tmp_path, home=tmp_path / "home")


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree")


@pytest.fixture
def verify(settings, tmp_path):
    def verify(tree, permit, **options):
        verifier = PermitVerifier(settings.permits / "gate.pub", **options)
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        try:
            return verifier.verify(tree, permit, tmp_path / "copy", USE)
        except UnverifiedBytes:
            assert not (tmp_path / "copy").exists()
            raise

    return verify


def test_a_permit_that_was_taken_back_is_refused_with_who_and_why(settings, tree, verify):
    permit = permit_tree(settings, tree)
    assert verify(tree, permit).request_id == "pr-test"

    revoke(settings, "pr-other", "pr-test")

    with pytest.raises(UnverifiedBytes, match="was taken back by Bea at 2026.*'it leaks'"):
        verify(tree, permit)


def test_without_the_list_nothing_is_loaded(settings, tree, verify):
    permit = permit_tree(settings, tree)
    (settings.permits / "revoked.dsse").unlink()

    with pytest.raises(Misconfigured, match=r"revoked\.dsse: the list of permits that were taken back cannot be read"):
        verify(tree, permit)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", "permit"])
def test_a_list_that_is_damaged_or_something_else_is_refused(settings, tree, verify, content):
    permit = permit_tree(settings, tree)
    (settings.permits / "revoked.dsse").write_bytes(permit.read_bytes() if content == "permit" else content)

    with pytest.raises(Misconfigured, match=r"revoked\.dsse"):
        verify(tree, permit)


def test_a_list_that_another_key_signed_is_refused(settings, tree, verify, tmp_path):
    permit = permit_tree(settings, tree)
    other = Settings(project=tmp_path, home=tmp_path / "other")
    permit_tree(other, tree)
    shutil.copy(other.permits / "revoked.dsse", settings.permits)

    with pytest.raises(Misconfigured, match="it is not signed by this project's gate"):
        verify(tree, permit)


def test_an_older_permit_than_one_that_was_used_is_refused(settings, tree, verify, tmp_path):
    seen = tmp_path / "state" / "seen.json"
    old = permit_tree(settings, tree, counter=1).read_bytes()
    new = permit_tree(settings, tree, counter=2).read_bytes()
    for permit in (old, new, new):
        verify(tree, permit, seen=seen)

    with pytest.raises(UnverifiedBytes, match="the counter 1, and 2 was used here before"):
        verify(tree, old, seen=seen)
    verify(tree, old)
    assert list(json.loads(seen.read_text())["counters"].values()) == [2]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 2, "counters": {}}', '{"version": 1, "counters": {"x": "y"}}']
)
def test_damaged_counters_are_not_taken_for_none(settings, tree, verify, tmp_path, content):
    (tmp_path / "seen.json").write_text(content)

    with pytest.raises(Misconfigured, match=r"seen\.json"):
        verify(tree, permit_tree(settings, tree), seen=tmp_path / "seen.json")


def test_what_runs_code_is_refused_at_load_unless_the_permit_allows_it(settings, tree, verify):
    (tree / "model.bin").write_bytes(pickle.dumps([1]))
    permit = permit_tree(settings, tree)

    with pytest.raises(UnverifiedBytes, match="'model.bin' is pickle, which runs code.*allows none"):
        verify(tree, permit)
    with pytest.raises(UnverifiedBytes, match="'model.bin' is pickle, which runs code.*allows code"):
        verify(tree, permit_tree(settings, tree, formats=["code"]))

    assert verify(tree, permit_tree(settings, tree, formats=["pickle"])).terms.formats == ("pickle",)
