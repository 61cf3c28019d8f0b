"""The page that stands in place of another one: one sentence with what is, and what to do; the menu stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.pages import Page
from handrail.errors import HandrailError, InvalidInput, UnknownReference
from handrail.lineage import AmbiguousReference, Lineage

MOST_CLOSE = 20
NAMES = (Address.INBOX, Address.TRACE, Address.IMPACT)
"""The pages on which a person asks for a thing by its name."""
QUESTIONS = {
    Address.INBOX: "q",
    Address.TRACE: "q",
    Address.IMPACT: "q",
    Address.TIMELINE: "at",
    Address.FEEDBACK: "as_of",
    Address.REQUEST: "as_of",
}
"""The field that a person fills in on a page."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of a page: its address with everything else of the query, and names that were meant perhaps."""

    here: Address
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    near: Sequence[str] = ()


def near(lineage: Lineage, asked: str) -> Sequence[str]:
    """Return names of lineage that are written much as what was asked for is; none where it cannot be read."""
    try:
        return lineage.nearest(asked) if asked else ()
    except HandrailError:
        return ()


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


def error_page(error: HandrailError, status: int, question: Question | None = None) -> Page:
    """Return the page of an error, with its status; where a name or a moment was asked for, its field stays."""
    if isinstance(error, AmbiguousReference):
        page = _page(f"“{error.prefix}” fits several things. Choose one, or give more of its name.", [], status)
    elif isinstance(error, UnknownReference):
        page = _page(f"No {error.kind} is called “{error.name}”.", [error.remedy], status)
    else:
        page = _page(sentence_of(error), [], status)
    return page if question is None else _asked_again(page, error, question)


def _asked_again(page: Page, error: HandrailError, question: Question) -> Page:
    """Return the page with the field of the question, and with a link for each thing that was meant perhaps."""
    name = QUESTIONS.get(question.here)
    if name is None or not question.query.get(name):
        return page
    kept = {key: value for key, value in question.query.items() if key != name and value}
    near = error.candidates if isinstance(error, AmbiguousReference) else question.near
    close = [
        {"name": each, "address": f"{question.path}?{urlencode({**kept, name: each})}"} for each in near[:MOST_CLOSE]
    ]
    again = {"path": question.path, "name": name, "value": question.query[name], "kept": kept}
    return replace(page, facts={**page.facts, "close": close, "again": again})


def rejection_page(sentence: str, status: int) -> Page:
    """Return the page of what was rejected before anything looked at it."""
    return _page(sentence, [], status)


def nothing_here(address: str = "") -> Page:
    """Return the page of an address that leads nowhere."""
    asked = [f"What was asked for: {address}."] if address else []
    return _page("There is no page at this address.", [*asked, "The menu above leads to every page."], 404)


def _page(title: str, sentences: list[str], status: int) -> Page:
    facts = {"title": title, "sentences": sentences, "kind": "bad", "close": [], "again": None}
    return Page("error.html", title, facts, status)
