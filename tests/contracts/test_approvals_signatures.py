"""Verifying signatures of persons: the same cases for Ed25519 and for the fake."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from handrail.approvals.adapters.ed25519_people import Ed25519Check, SigningKey
from handrail.approvals.domain.signatures import DecisionText, PersonKey
from tests.fakes.approvals_signatures import FakeCheck, FakeKey

TEXT = DecisionText("local-1", "pr-1", "sha256:1", "approve", "fine", "ben", "2026-01-01T00:00:00+00:00")


def _key(byte):
    private = Ed25519PrivateKey.from_private_bytes(byte * 32)
    return SigningKey(PersonKey(private.public_key().public_bytes_raw()), private.sign)


KEYS = {
    "fake": (FakeCheck(), FakeKey("Ben"), FakeKey("Cleo")),
    "ed25519": (
        Ed25519Check(),
        _key(b"1"),
        _key(b"2"),
    ),
}


@pytest.fixture(params=KEYS)
def world(request):
    return KEYS[request.param]


def test_a_signature_of_the_key_holds_over_its_text(world):
    check, key, _ = world

    assert check.holds(key.public, TEXT.to_bytes(), key.sign(TEXT).raw)


def test_that_of_another_key_does_not(world):
    check, key, other = world

    assert not check.holds(key.public, TEXT.to_bytes(), other.sign(TEXT).raw)


@pytest.mark.parametrize("field", DecisionText.__slots__)
def test_each_part_of_what_is_said_is_signed(world, field):
    check, key, _ = world
    changed = replace(TEXT, **{field: getattr(TEXT, field) + "x"})

    assert not check.holds(key.public, changed.to_bytes(), key.sign(TEXT).raw)


def test_no_flipped_bit_of_a_signature_holds(world):
    check, key, _ = world
    signature = key.sign(TEXT).raw

    for bit in range(8 * len(signature)):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not check.holds(key.public, TEXT.to_bytes(), bytes(flipped))


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_what_has_another_length_is_no_signature(world, length):
    check, key, _ = world

    assert not check.holds(key.public, TEXT.to_bytes(), b"s" * length)


def test_the_fingerprint_is_that_of_openssh(world):
    _, key, _ = world
    kind, _, digest = key.public.key_id.partition(":")

    assert kind == "SHA256"
    assert len(base64.b64decode(digest + "=")) == 32
