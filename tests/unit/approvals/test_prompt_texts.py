"""A prompt as files: equal parts have one digest, and what cannot be written is no prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.prompts import is_of_prompt, manifest_of_texts, prompt_texts
from handrail.manifest import Manifest

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
WORDS = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@given(JSON, JSON)
def test_equal_parts_have_one_digest_and_other_parts_another(one, other):
    def digest(config):
        return manifest_of_texts(prompt_texts("x", config)).digest

    same = prompt_texts("x", one) == prompt_texts("x", other)

    assert (digest(one) == digest(other)) is same
    assert is_of_prompt(manifest_of_texts(prompt_texts("x", one, other)))


def test_a_text_and_one_message_that_says_the_same_are_two_prompts():
    text = prompt_texts("[]")
    assert manifest_of_texts(text).digest != manifest_of_texts(prompt_texts(CHAT)).digest
    assert list(prompt_texts(CHAT)) == ["messages.json"]


@pytest.mark.parametrize("template", [[], "\ud800", [{"role": "user", "content": float("nan")}], [{1: object()}]])
def test_what_cannot_be_written_is_no_prompt(template):
    with pytest.raises(ValueError, match="."):
        prompt_texts(template)


@pytest.mark.parametrize(
    "paths",
    [(), ("MLmodel",), ("template.txt", "MLmodel"), ("template.txt", "messages.json"), ("model_config.json",)],
)
def test_another_tree_is_not_one_of_a_prompt(paths):
    assert not is_of_prompt(manifest_of_texts(dict.fromkeys(paths, "x")) if paths else Manifest(()))
