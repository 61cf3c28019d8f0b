"""Signed notes, keys and checkpoints in their only spelling."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.notes import Checkpoint, Note, Signature, VerifierKey, cosigned_text
from tests.fakes.effort import tried

# The key and the note of golang.org/x/mod/sumdb/note's own documentation.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of the checkpoint's specification.
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_a_key_is_read_and_written():
    key = VerifierKey.parse(KEY)

    assert (key.name, key.kind, key.key_id.hex(), key.text) == ("PeterNeumann", 1, "c74f20a3", KEY)


@pytest.mark.parametrize(
    "text",
    [
        KEY.replace("c74f20a3", "c74f20a4"),
        KEY.replace("c74f20a3", "C74F20A3"),
        KEY.replace("PeterNeumann", "Peter Neumann"),
        KEY.replace("PeterNeumann", ""),
        KEY.replace("+ARpc", "+AhpC"),
        KEY[:-4],
        KEY + "=",
        "PeterNeumann",
        "",
        "a+b+",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="key|id|base64"):
        VerifierKey.parse(text)


def test_a_note_is_read_and_written():
    note = Note.parse(NOTE.encode())

    assert note.to_bytes() == NOTE.encode()
    assert note.signatures[0].is_by(VerifierKey.parse(KEY))
    assert not note.signatures[0].is_by(VerifierKey("PeterNeumann", 4, VerifierKey.parse(KEY).public))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text[:-1],
        lambda text: text.replace("\u2014 ", "- "),
        lambda text: text.replace("\u2014 PeterNeumann", "\u2014  PeterNeumann"),
        lambda text: text.replace("AM=", "AN="),
        lambda text: text.replace("Peter", "Pe+er"),
        lambda text: "\t" + text,
        lambda text: text + text.rpartition("\n\n")[2] * 100,
        lambda text: text.rpartition("\n\n")[0] + "\n\n",
        lambda text: "x" * 1_000_001 + text,
    ],
)
def test_what_is_no_note_is_refused(change):
    with pytest.raises(ValueError, match=r"."):
        Note.parse(change(NOTE).encode())


def test_text_with_blank_lines_is_split_at_the_last_one():
    note = Note("a\n\nb\n", (Signature("k", b"1234", b"s"),))

    assert Note.parse(note.to_bytes()) == note


def test_a_checkpoint_is_read_and_written():
    checkpoint = Checkpoint.parse(CHECKPOINT)

    assert checkpoint == Checkpoint(
        "example.com/behind-the-sofa", 20852163, base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    )
    assert checkpoint.text == CHECKPOINT
    assert Checkpoint.parse(CHECKPOINT + "an extension\n") == checkpoint


@pytest.mark.parametrize("text", [
    CHECKPOINT.replace("20852163", "020852163"), CHECKPOINT.replace("20852163", "-1"),
    CHECKPOINT.replace("20852163", "\u0663"), CHECKPOINT.replace("20852163", ""),
    CHECKPOINT.replace("CsUY", ""), CHECKPOINT.replace("q2I=", "q2J="), CHECKPOINT[:-1],
    CHECKPOINT + "\nmore\n", "\n1\n",
])  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.parse(text)


def test_a_witness_signs_the_time_and_the_checkpoint():
    assert cosigned_text(CHECKPOINT, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + CHECKPOINT.encode()


@tried(100)
@given(
    st.text(st.characters(exclude_categories=["C"])),
    st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=1)), min_size=1),
)
def test_every_note_comes_back(text, signatures):
    note = Note(text + "\n", tuple(Signature("example.com/log", *each) for each in signatures))

    assert Note.parse(note.to_bytes()) == note
