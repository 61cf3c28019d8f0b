"""The proof beside a permit, and what is sent to a witness, in their only spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.notes import Checkpoint, Note, Signature
from handrail.approvals.domain.proofs import LeafProof, Submission
from tests.fakes.effort import tried

NOTE = Note(Checkpoint("example.com/log", 3, b"r" * 32).text, (Signature("example.com/log", b"1234", b"s" * 64),))
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
# The example of the witness's specification.
SUBMITTED = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501 - as it stands there


def test_the_example_of_the_specification_is_read_and_written():
    found = Submission.parse(SUBMITTED.encode())

    assert (found.old, len(found.proof), found.checkpoint.size) == (20852014, 4, 20852163)
    assert found.to_bytes() == SUBMITTED.encode()


@tried(60)
@given(st.integers(0, 2**60), HASHES, st.binary())
def test_what_is_written_comes_back(number, hashes, leaf):
    proof, submission = LeafProof(leaf, number, hashes, NOTE), Submission(number, hashes, NOTE)

    assert LeafProof.parse(proof.to_bytes()) == proof
    assert Submission.parse(submission.to_bytes()) == submission


@pytest.mark.parametrize("change", [
    lambda text: text.replace("@v1", "@v2"), lambda text: text.replace("index 2", "index 02"),
    lambda text: text.replace("index 2", "index"), lambda text: text.replace("extra ", "extra"),
    lambda text: text.replace("extra bGVhZg==\n", ""), lambda text: text.replace("\n\n", "\n"),
    lambda text: text.replace("index 2\n", "index 2\nabcd\n"), lambda text: text.replace("bGVhZg==", "*"),
    lambda text: text.replace("index 2\n", "index 2\n" + f"{'A' * 43}=\n" * 64),
])  # fmt: skip
def test_what_is_no_proof_is_refused(change):
    text = LeafProof(b"leaf", 2, (b"h" * 32,), NOTE).to_bytes().decode()
    assert change(text) != text

    with pytest.raises(ValueError, match=r"."):
        LeafProof.parse(change(text).encode())


@pytest.mark.parametrize("change", [
    lambda text: text.replace("old 20852014", "old 020852014"), lambda text: text.replace("old ", "new "),
    lambda text: text.replace("old 20852014", "old -1"), lambda text: text.replace("\n\n", "\n"),
    lambda text: text.replace("old 20852014\n", "old 20852014\n" + f"{'A' * 43}=\n" * 60),
    lambda text: text.replace("PlRN", "PlR"), lambda text: text.replace("\n20852163\n", "\nmany\n"),
])  # fmt: skip
def test_what_is_no_submission_is_refused(change):
    assert change(SUBMITTED) != SUBMITTED

    with pytest.raises(ValueError, match=r"."):
        Submission.parse(change(SUBMITTED).encode())
