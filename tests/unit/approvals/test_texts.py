import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals import plain_text, shown
from handrail.approvals.domain.events import Choice
from handrail.errors import InvalidInput
from tests.fakes.approvals_world import World, opening


@pytest.mark.parametrize(
    "text", ["checked the slices", "  at both ends  ", "Größe: 7 µm, 数据 ok", "x" * 4000, "<b>&amp;"]
)
def test_a_line_of_any_language_is_taken(text):
    assert plain_text("reason", text) == text.strip(" ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fine\n  Cleo Business said approve: yes", "character 5 is a line break, U\\+000A"),
        ("a\rb", "a line break, U\\+000D"),
        ("a\u2028b", "a line break, U\\+2028"),
        ("a\tb", "a control character, U\\+0009"),
        ("a\x9b2Jb", "a control character, U\\+009B"),
        ("a\x1b[2Jb", "a control character, U\\+001B"),
        ("a\u202eb", "a character without a shape of its own, U\\+202E"),
        ("a\u2066b", "without a shape of its own, U\\+2066"),
        ("a\u200bb", "without a shape of its own, U\\+200B"),
        ("a\ud800b", "half a character, U\\+D800"),
        ("", "is not a text"),
        ("   ", "is not a text"),
        (None, "is not a text"),
        (3, "is not a text"),
        ("x" * 4001, "it has 4,001 characters"),
    ],
)
def test_what_a_terminal_or_a_page_could_take_for_something_else_is_refused(text, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        plain_text("reason", text)

    assert caught.value.field == "reason"
    assert shown(str(caught.value)) == str(caught.value)


@given(st.text())
def test_whatever_is_taken_stays_one_printable_line(text):
    try:
        taken = plain_text("reason", text)
    except InvalidInput:
        return
    assert len(taken.splitlines()) == 1
    assert not {unicodedata.category(character) for character in taken} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters()))
def test_whatever_is_shown_stays_one_line_of_printable_signs(text):
    assert shown(text).isprintable()


def test_the_gate_itself_refuses_such_reasons_and_keeps_nothing():
    world = World()

    with pytest.raises(InvalidInput, match="a line break"):
        world.gate.open_request(opening(reason="a\nb"), "ada")
    assert world.gate.requests() == []

    request_id = world.gate.open_request(opening(), "ada").history.request.request_id
    with pytest.raises(InvalidInput, match="U\\+202E"):
        world.gate.decide(request_id, "ben", Choice.APPROVE, "a\u202eb")
    assert world.gate.request(request_id).history.events == ()
