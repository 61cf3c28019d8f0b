"""Recorded packages beside installed ones, and numbers beside numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.reproduction.domain.environments import EnvironmentCheck, compare_packages, read_pins, read_python
from handrail.reproduction.domain.numbers import numbers_apart

LOCK = """# by uv
numpy==2.4.6 \\
    --hash=sha256:00
    # via pandas
uvicorn[standard]==0.30.1 ; python_version < "3.13" \\
    --hash=sha256:11
ruamel.yaml == 0.18
flask>=3
"""


def everywhere(marker):
    return True


def test_pins_are_read_from_locks_and_requirements():
    assert read_pins(LOCK, everywhere) == {"numpy": "2.4.6", "uvicorn": "0.30.1", "ruamel-yaml": "0.18"}
    assert read_pins("scikit_learn==1.9.1", everywhere) == {"scikit-learn": "1.9.1"}
    assert read_python("python: 3.11.7\ndependencies: [x]\n") == {"python": "3.11.7"}
    assert read_python("dependencies: [x]\n") == {}


def test_of_a_lock_for_several_pythons_only_the_lines_that_apply_are_pins():
    lock = "numpy==2.2.6 ; python_version < '3.11'\nnumpy==2.4.6 ; python_version >= '3.11' \\\n    --hash=sha256:00\n"

    assert read_pins(lock, lambda marker: marker == "python_version >= '3.11'") == {"numpy": "2.4.6"}
    assert read_pins(lock, lambda marker: marker == "python_version < '3.11'") == {"numpy": "2.2.6"}
    assert read_pins(LOCK, lambda marker: False) == {"numpy": "2.4.6", "ruamel-yaml": "0.18"}


def test_each_package_at_another_version_is_named():
    differences = compare_packages(
        {"numpy": "2.0", "pandas": "2.3", "skops": "0.16"}, {"numpy": "2.1", "pandas": "2.3"}
    )

    check = EnvironmentCheck(("requirements.lock",), 3, differences)
    assert check.sentence == (
        "2 of 3 packages differ from requirements.lock: numpy 2.1 (recorded 2.0), skops missing (recorded 0.16)"
    )
    assert EnvironmentCheck(("a", "b"), 3).sentence == "the same 3 packages as a and b"
    assert "no environment was recorded" in EnvironmentCheck((), 0).sentence


@pytest.mark.parametrize(
    ("one", "other", "within", "words"),
    [
        ({"a": 1.0}, {"a": 1.0 + 1e-12}, True, "a differs by 1e-12"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, False, "a[1].b differs by 1"),
        ({"a": 1}, {}, False, "a is a number on one side only"),
        ({"a": 1}, {"a": "1"}, False, "a is a number on one side only"),
        ({"at": "noon"}, {"at": "one"}, True, "at is another text"),
        ({"a": math.nan}, {"a": math.nan}, True, "the same values"),
        ({"a": math.inf}, {"a": 1.0}, False, "a differs by inf"),
        ({"a": True}, {"a": 1}, False, "a is a number on one side only"),
    ],
)
def test_documents_are_compared_by_their_numbers(one, other, within, words):
    apart = numbers_apart(one, other)

    assert apart.within(1e-9) is within
    assert words in apart.sentence


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_document_is_not_apart_from_itself(document):
    apart = numbers_apart(document, document)

    assert apart.within(0.0)
    assert not apart.texts
