"""`handrail feedback link`, as a user types it."""

import json

import pytest

from tests.fakes.command import handrail_command

KINDS = "version: 1\nkinds: {rating: {maturity_window_hours: 1, type: rating, at_least: 1, at_most: 3, whole: true}}\n"


@pytest.fixture
def handrail(tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    return handrail_command(monkeypatch, capsys, "feedback", "link")


def test_a_link_is_printed_and_nothing_else(handrail):
    code, out, said = handrail("p1", "--kind", "rating", "--url", "https://us.example")

    assert code == 0
    assert out.startswith("https://us.example/feedback/")
    assert len(out.split()) == 1
    assert "No prediction p1 is recorded yet." in said


def test_the_facts_of_a_link(handrail):
    facts = json.loads(handrail("p1", "--kind", "rating", "--expires", "12h", "--json")[1])

    assert facts.keys() == {"url", "expires_at", "kind", "prediction_id"}


def test_the_form_for_a_page_of_ones_own(handrail):
    out = handrail("p1", "--kind", "rating", "--question", "How was it?", "--snippet")[1]

    assert out.count('<input type="radio"') == 3
    assert "<p>How was it?</p>" in out
    assert "<script" not in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("p1", "--kind", "weather"), "no kind named 'weather'"),
        (("p1", "--kind", "rating", "--expires", "soon"), "--expires: 'soon' is not a length of time"),
        (("p1", "--kind", "rating", "--url", "us.example"), "url: 'us.example' is no address"),
        (("", "--kind", "rating"), "prediction_id: it is missing"),
    ],
)
def test_what_is_wrong_is_named(handrail, words, sentence):
    code, out, said = handrail(*words)

    assert (code, out) == (1, "")
    assert sentence in said
