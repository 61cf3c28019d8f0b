"""Pages: what people wrote is text, nothing comes from elsewhere, and a frame says who is there."""

from datetime import UTC, datetime

import pytest
from markupsafe import Markup

from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.pages import KEYS, POLICY, Alert, Frame, Page, lines, render, static_file, visible

FRAME = Frame(datetime(2026, 11, 28, 21, 55, tzinfo=UTC), "Cleo", ("business-stakeholder",), "local-1")
HOSTILE = "<script>alert(1)</script> \" ' & \u202eesrever\u202c \x1b[31m\x00"


def _error(title, **frame):
    facts = {"title": title, "sentences": [title], "kind": "bad", "close": [{"address": "/x", "name": title}]}
    base = Frame(FRAME.now, frame.get("me", FRAME.me), FRAME.roles, FRAME.server, alerts=frame.get("alerts", ()))
    return render(Page("error.html", title, facts | {"again": None}, 404), base)


def test_whatever_people_wrote_is_text_and_hides_nothing():
    html = _error(HOSTILE, me=HOSTILE, alerts=(Alert("bad", HOSTILE, HOSTILE, "/x", HOSTILE),))

    assert "<script>alert" not in html
    assert not {"\u202e", "\u202c", "\x1b", "\x00"} & set(html)
    assert "\\u202eesrever" in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6


def test_lines_stay_lines_and_each_is_text():
    assert lines("a: <b>\r\nb: \u202e") == Markup("a: &lt;b&gt;\nb: \\u202e")


def test_markup_of_ours_stays_and_nothing_is_nothing():
    assert visible(Markup("<b>\n</b>")) == Markup("<b>\n</b>")
    assert (visible(None), visible(3), visible("a\nb")) == ("", 3, "a\\nb")


def test_nothing_is_inline_and_nothing_comes_from_elsewhere():
    html = _error("gone")

    assert " style=" not in html
    assert " onclick" not in html
    assert "<script>" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert "'unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


def test_a_file_that_changes_has_another_address():
    assert static_file("console.css").startswith(b"/*")
    assert f"/handrail/static/console.css?v={'0' * 12}"[:-12] in _error("gone")


@pytest.mark.parametrize("name", ["../pages.py", "base.html", "console.css/", ""])
def test_no_other_file_is_given_away(name):
    with pytest.raises(KeyError):
        static_file(name)


def test_the_place_in_the_menu_is_marked_with_what_waits():
    places = ((Address.INBOX, "Requests"), (Address.LOG, "Log"))
    frame = Frame(FRAME.now, "Cleo", FRAME.roles, "s", here=Address.LOG, places=places, waiting=2)
    page = Page("error.html", "x", {"title": "x", "sentences": [], "kind": "bad", "close": [], "again": None})

    html = render(page, frame)

    assert '<a href="/handrail/log" aria-current="page"' in html
    assert "waiting for you: </span>2</span>" in html


def test_each_page_of_a_menu_has_a_key_of_its_own_wherever_it_stands_in_the_menu():
    places = ((Address.LOG, "Log"), (Address.INBOX, "Requests"), (Address.TRACE, "Trace"))
    html = render(
        Page("error.html", "x", {"title": "x", "sentences": [], "kind": "bad", "close": [], "again": None}),
        Frame(FRAME.now, "Cleo", FRAME.roles, "s", places=places),
    )

    assert len(set(KEYS.values())) == len(KEYS)
    assert not set(KEYS.values()) & {"j", "k", "g", "c", "?", "/"}
    assert '<a href="/handrail/log" data-key="l">' in html
    assert '<a href="/handrail/trace" data-key="r">' in html
    assert "<kbd>r</kbd> Trace" in html


def test_the_icon_is_ours_and_every_page_names_it():
    icon = static_file("icon.svg").decode()

    assert icon.startswith("<svg ")
    assert "script" not in icon
    assert "http" not in icon.replace("http://www.w3.org/2000/svg", "")
    assert '<link rel="icon" type="image/svg+xml" href="/handrail/static/icon.svg?v=' in _error("gone")
