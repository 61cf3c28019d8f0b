import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.manifest import canonical_json, digest_of


def test_equal_values_are_spelt_alike_whatever_their_order():
    assert canonical_json({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": -math.inf}, {1, 2}, object()])
def test_what_is_no_json_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        canonical_json(value)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
).filter(lambda value: "\ud800" not in str(value))


@given(_json)
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    def backwards(part):
        if isinstance(part, dict):
            return {key: backwards(part[key]) for key in reversed(part)}
        return [backwards(item) for item in part] if isinstance(part, list) else part

    assert digest_of(backwards(value)) == digest_of(value)
