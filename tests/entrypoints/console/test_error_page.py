"""What a person reads in place of a page: one sentence, what to do, and never a program's field or document."""

import pytest

from handrail.entrypoints.console.error_page import error_page, nothing_here, sentence_of
from handrail.errors import InvalidInput, Refused, UnknownReference


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InvalidInput("at", "'May' is not a moment", "Write 2026-11-28."), "'May' is not a moment. Write 2026-11-28."),
        (InvalidInput("x", "it is unknown here", "Send only: q."), "“x” is unknown here. Send only: q."),
        (InvalidInput("reason", "nothing was written", "Write a reason."), "Nothing was written. Write a reason."),
        (
            InvalidInput("text", "character 3 is a tab", "Send one line."),
            "“text”: character 3 is a tab. Send one line.",
        ),
        (UnknownReference("model", "f", "Name another.", "ref"), "No model is called “f”. Name another."),
        (Refused("Reading", ("Ask its owner.",)), "Reading is refused. Ask its owner."),
    ],
)
def test_an_error_is_a_sentence_without_the_names_of_fields(error, sentence):
    assert sentence_of(error) == sentence


def test_a_name_that_nothing_has_is_the_title_and_what_to_do_stands_below():
    page = error_page(UnknownReference("promotion request", "pr-1", "Look at the list.", "ref"), 404)

    assert (page.title, page.status) == ("No promotion request is called “pr-1”.", 404)
    assert page.facts["sentences"] == ["Look at the list."]


def test_an_address_without_a_page_is_named_with_the_way_out():
    page = nothing_here("/handrail/requets")

    assert page.status == 404
    assert page.facts["sentences"][0] == "What was asked for: /handrail/requets."
