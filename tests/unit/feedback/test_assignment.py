import math
import subprocess
import sys
from collections import Counter

import pytest

from handrail.errors import InvalidInput
from handrail.feedback import Assignment, assign

HALVES = {"champion": 0.5, "challenger": 0.5}


def test_a_subject_stays_where_it_is_whatever_the_order_of_the_shares():
    turned = dict(reversed(HALVES.items()))

    assert all(assign(f"s{n}", HALVES, "spring") == assign(f"s{n}", turned, "spring") for n in range(200))


def test_another_process_assigns_the_same():
    names = "[assign(f's{n}', {'a': .3, 'b': .7}, 'x').variant for n in range(50)]"
    code = f"from handrail.feedback import assign; print({names})"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == str([assign(f"s{n}", {"a": 0.3, "b": 0.7}, "x").variant for n in range(50)])


def test_shares_are_kept_and_the_propensity_is_the_share():
    shares = {"a": 0.1, "b": 0.2, "c": 0.7}

    found = Counter(assign(f"customer {n}", shares, "spring").variant for n in range(20_000))

    for name, share in shares.items():
        assert abs(found[name] / 20_000 - share) < 4 * math.sqrt(share * (1 - share) / 20_000)
    assert {assign(f"customer {n}", shares, "spring") for n in range(500)} == {
        Assignment(name, share) for name, share in shares.items()
    }


def test_two_comparisons_assign_independently():
    pairs = Counter(
        (assign(f"s{n}", HALVES, "spring").variant, assign(f"s{n}", HALVES, "autumn").variant) for n in range(4_000)
    )

    assert all(abs(count - 1_000) < 130 for count in pairs.values())


def test_a_challenger_that_grows_keeps_those_whom_it_had():
    small, large = {"challenger": 0.1, "champion": 0.9}, {"challenger": 0.4, "champion": 0.6}
    had = [n for n in range(3_000) if assign(f"s{n}", small, "x").variant == "challenger"]

    assert had
    assert all(assign(f"s{n}", large, "x").variant == "challenger" for n in had)


def test_a_variant_without_a_share_gets_nobody():
    assert {assign(f"s{n}", {"a": 0.0, "b": 1.0}, "x").variant for n in range(300)} == {"b"}


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"": 1.0}, {"a": float("nan")}])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InvalidInput, match="sum to 1"):
        assign("s", shares, "x")


def test_a_comparison_needs_a_name():
    with pytest.raises(InvalidInput, match="salt"):
        assign("s", HALVES, "")
