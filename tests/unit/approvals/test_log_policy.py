"""The policy file of C2SP tlog-policy: which cosignatures are enough."""

import pytest

from handrail.approvals.domain.log_policy import LogPolicy
from handrail.approvals.domain.notes import COSIGNATURE, ED25519, VerifierKey

LOG = VerifierKey("example.com/log", ED25519, bytes(32)).text
W = [VerifierKey(f"example.com/w{number}", COSIGNATURE, bytes([number] * 32)).text for number in range(1, 7)]
# The example of the specification: two of three X, and any of three Y.
EXAMPLE = f"""
log {LOG}
# a comment
witness X1 {W[0]} https://x1.example
witness X2 {W[1]}
\twitness X3 {W[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {W[3]}
witness Y2 {W[4]}
witness Y3 {W[5]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_is_read():
    policy = LogPolicy.parse(EXAMPLE)

    assert [key.text for key in policy.logs] == [LOG]
    assert [(each.name, each.url) for each in policy.witnesses][:2] == [("X1", "https://x1.example"), ("X2", None)]


@pytest.mark.parametrize(
    ("cosigned", "is_met"),
    [
        ("X1 X2 Y1", True),
        ("X1 X3 Y3 Y2", True),
        ("X1 X2 X3", False),
        ("X1 Y1 Y2 Y3", False),
        ("", False),
        ("X-witnesses Y-witnesses", False),
    ],
)
def test_the_quorum_counts_groups(cosigned, is_met):
    assert LogPolicy.parse(EXAMPLE).is_met(cosigned.split()) is is_met


def test_one_witness_or_none_can_be_the_quorum():
    assert LogPolicy.parse("quorum none\n").is_met([])
    one = LogPolicy.parse(f"witness a {W[0]}\nquorum a\n")
    assert one.is_met(["a"])
    assert not one.is_met(["b"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line 'quorum'"),
        ("quorum a\n", "line 1: expected is a name that is defined above"),
        ("quorum none\nquorum none\n", "line 2"),
        ("witnes a b\n", "line 1: 'witnes' is not log, witness"),
        (f"witness a {LOG}\n", "a new key of a witness"),
        (f"log {W[0]}\n", "a new key of a log"),
        (f"log {LOG}\nlog {LOG}\n", "line 2"),
        (f"witness a {W[0]}\nwitness b {W[0]}\n", "line 2"),
        (f"witness a {W[0]}\nwitness a {W[1]}\n", "a new name"),
        (f"witness none {W[0]}\n", "a new name"),
        (f"witness a {W[0]}\ngroup g 2 a\n", "all, any or 1 to 1"),
        (f"witness a {W[0]}\ngroup g 0 a\n", "all, any or 1 to 1"),
        (f"witness a {W[0]}\ngroup g any b\n", "defined above, not 'b'"),
        (f"witness a {W[0]}\ngroup g any a a\n", "each member once"),
        (f"witness a {W[0]}\ngroup g any a\ngroup h any a\n", "each member once"),
        ("witness a b\n", "line 1"),
        ("group g any\n", "line 1"),
    ],
)
def test_a_mistake_is_named_with_its_line(text, words):
    with pytest.raises(ValueError, match=words):
        LogPolicy.parse(text)
