"""What a person reads in place of a page: one sentence, what to do, and never a program's field or document."""

from datetime import UTC, datetime

import pytest

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.error_page import Question, error_page, nothing_here, sentence_of
from handrail.entrypoints.console.pages import Frame, render
from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.lineage import AmbiguousReference

NOW = datetime(2026, 11, 28, tzinfo=UTC)


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


def test_the_field_stays_with_what_was_written_and_the_other_choices():
    asked = Question(Address.FEEDBACK, "/x/handrail/feedback", {"as_of": "last <b>", "model": "flights", "kind": ""})

    page = error_page(InvalidInput("as_of", "'last <b>' is not a moment", "Write it."), 400, asked)
    html = render(page, Frame(NOW, "Cleo"))

    assert 'action="/x/handrail/feedback"' in html
    assert 'name="as_of" value="last &lt;b&gt;"' in html
    assert '<input type="hidden" name="model" value="flights">' in html


def test_a_name_of_several_things_leads_to_each_of_them():
    things = ("dvc://p/data/raw@1", "dvc://p/data/raw@2")
    asked = Question(Address.TRACE, "/handrail/trace", {"q": "data/raw"})

    page = error_page(AmbiguousReference("data/raw", things), 400, asked)
    html = render(page, Frame(NOW, "Cleo"))

    assert page.title == "“data/raw” fits several things. Choose one, or give more of its name."
    assert 'href="/handrail/trace?q=dvc%3A%2F%2Fp%2Fdata%2Fraw%402">dvc://p/data/raw@2</a>' in html


def test_a_page_without_a_question_has_no_field():
    asked = Question(Address.LOG, "/handrail/log", {"q": "x"})

    assert error_page(InvalidInput("q", "it is odd", "Leave it out."), 400, asked).facts["again"] is None
