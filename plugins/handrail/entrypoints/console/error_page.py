"""The page that stands in place of another one: one sentence with what is, and what to do; the menu stays."""

from __future__ import annotations

from handrail.entrypoints.console.pages import Page
from handrail.errors import HandrailError, InvalidInput, UnknownReference


def sentence_of(error: HandrailError) -> str:
    """Return what a person reads about an error: its own sentence, without the names that programs give to fields."""
    if isinstance(error, UnknownReference):
        return f"No {error.kind} is called “{error.name}”. {error.remedy}"
    if not isinstance(error, InvalidInput):
        return str(error)
    problem = error.problem
    if problem.startswith("it "):
        return f"“{error.field}” {problem.removeprefix('it ')}. {error.remedy}"
    if problem.startswith(("'", '"', "no ", "nothing ")):
        return f"{problem[0].upper()}{problem[1:]}. {error.remedy}"
    return f"“{error.field}”: {problem}. {error.remedy}"


def error_page(error: HandrailError, status: int) -> Page:
    """Return the page of an error, with its status."""
    if isinstance(error, UnknownReference):
        return _page(f"No {error.kind} is called “{error.name}”.", [error.remedy], status)
    return _page(sentence_of(error), [], status)


def rejection_page(sentence: str, status: int) -> Page:
    """Return the page of what was rejected before anything looked at it."""
    return _page(sentence, [], status)


def nothing_here(address: str = "") -> Page:
    """Return the page of an address that leads nowhere."""
    asked = [f"What was asked for: {address}."] if address else []
    return _page("There is no page at this address.", [*asked, "The menu above leads to every page."], 404)


def _page(title: str, sentences: list[str], status: int) -> Page:
    return Page("error.html", title, {"title": title, "sentences": sentences, "kind": "bad", "close": []}, status)
