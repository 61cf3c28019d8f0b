"""A trace as one HTML file: whole by itself, without a script, and text stays text."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from handrail.entrypoints.answers.chain import chain_of
from handrail.entrypoints.answers.one_page import write_page
from tests.entrypoints.answers.test_chain import FACTS
from tests.fakes.lineage import COMMIT, DEPLOYMENT, open_in_memory, story

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Tags(HTMLParser):
    """Every tag with its attributes, and whether the tags are nested as they should be."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def trace():
    lineage = open_in_memory({"p1": DEPLOYMENT.uri})
    for call in story(Path()):
        call(lineage)
    return lineage.trace("p1")


def test_the_page_has_the_sentence_the_chain_the_picture_and_the_rest(trace):
    page = write_page(chain_of(trace, FACTS), trace, NOON)

    order = [
        "It came from flights 1",
        "The direct path",
        f"git://shop/{COMMIT}",
        "<svg",
        "Everything else",
        "Source file",
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert "hops, " not in page[places[-1] :]
    assert page.count("<li class=") == len(chain_of(trace, FACTS).links)


def test_a_whole_page_has_every_hop_too(trace):
    page = write_page(chain_of(trace, FACTS), trace, NOON, whole=True)

    assert page.count("<tr>") == len(trace.edges) + 1


def test_the_page_needs_nothing_else(trace):
    page = write_page(chain_of(trace, FACTS), trace, NOON, whole=True)

    tags = Tags(page)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags.found}
    assert not [attrs for _, attrs in tags.found if {"src", "href", "style"} & attrs.keys()]
    assert not re.search(r"url\((?!#)|@import", page)


def test_what_somebody_wrote_stays_text(trace):
    page = write_page(chain_of(trace, replace(FACTS, answer="<script>alert(1)</script>\u202e")), trace, NOON)

    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
