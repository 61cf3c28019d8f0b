"""The gate's own key: made once, private, laid out for verifiers, and never replaced in silence."""

import stat

import pytest

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer, PermitVerifier
from handrail.errors import Misconfigured


@pytest.fixture
def signer(tmp_path):
    return Ed25519Signer(tmp_path / "private.pem", tmp_path / "gate.pub"), tmp_path


def test_the_key_is_private_and_stays(signer):
    folder = signer[1]
    held = (folder / "private.pem").read_bytes()

    again = Ed25519Signer(folder / "private.pem", folder / "gate.pub")

    assert stat.S_IMODE((folder / "private.pem").stat().st_mode) == 0o600
    assert (folder / "private.pem").read_bytes() == held
    assert again.sign(b"x") == signer[0].sign(b"x")


def test_a_lost_public_half_is_laid_out_again(tmp_path):
    Ed25519Signer(tmp_path / "k.pem", tmp_path / "k.pub")
    public = (tmp_path / "k.pub").read_bytes()
    (tmp_path / "k.pub").unlink()

    Ed25519Signer(tmp_path / "k.pem", tmp_path / "k.pub")

    assert (tmp_path / "k.pub").read_bytes() == public


def test_a_file_that_is_no_key_is_named(tmp_path):
    (tmp_path / "k.pem").write_text("no key")

    with pytest.raises(Misconfigured, match=r"k\.pem: it holds no Ed25519 key"):
        Ed25519Signer(tmp_path / "k.pem", tmp_path / "k.pub")


def test_a_pinned_key_is_trusted_and_another_in_its_place_is_not(signer, tmp_path):
    pinned = PermitVerifier(tmp_path / "gate.pub").key_id
    assert PermitVerifier(tmp_path / "gate.pub", pinned=pinned).key_id == pinned

    Ed25519Signer(tmp_path / "other.pem", tmp_path / "gate.pub")

    with pytest.raises(Misconfigured, match=f"and {pinned} is pinned"):
        PermitVerifier(tmp_path / "gate.pub", pinned=pinned).read(b"{}")
