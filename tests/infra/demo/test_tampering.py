"""The demo's own attempts: each has to stop the demo where it is not refused."""

import pytest

from handrail.approvals.adapters.ed25519_notes import open_heads
from handrail.errors import Refused
from handrail.refs import Use
from handrail.settings import load_settings
from infra.demo.tampering import find_edited_leaf, refuse_another_use
from tests.fakes.log_folder import contents_of, write_log

USE = Use("server", "flights", "champion", "local")


class Permits:
    """A verifier that takes everything, or refuses with a sentence."""

    def __init__(self, sentence=None):
        self.sentence = sentence

    def verify(self, tree, permit, into, use):
        if self.sentence:
            raise Refused(str(tree), (self.sentence.format(use),))


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return load_settings()


def _log(settings, contents):
    signer = open_heads(settings.credentials / "log-signing-key.pem", settings.log / "log.vkey", "handrail/test")
    write_log(settings.log, signer, contents)


def test_a_refusal_by_name_of_the_use_is_what_is_shown(tmp_path):
    sentence = refuse_another_use(Permits("It is for champion, not for {0.alias}."), tmp_path, tmp_path, USE)

    assert sentence == "It is for champion, not for shadow."


@pytest.mark.parametrize("permits", [Permits(), Permits("The disk is full.")], ids=["taken", "another reason"])
def test_another_use_that_is_taken_stops_the_demo(tmp_path, permits):
    with pytest.raises(Refused, match=r"let its bytes be loaded as @shadow|The disk is full"):
        refuse_another_use(permits, tmp_path, tmp_path, USE)


def test_an_edited_decision_is_located(settings):
    _log(settings, [content.replace(b'"n2"', b'"approve"') for content in contents_of(4)])

    assert find_edited_leaf(settings).startswith("Leaf 2 was edited")


def test_a_log_without_a_decision_to_edit_stops_the_demo(settings):
    _log(settings, contents_of(4))

    with pytest.raises(Refused, match="nobody noticed"):
        find_edited_leaf(settings)
