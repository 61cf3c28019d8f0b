"""How the console's pages look in a real browser: for axe, on small screens, in the dark, in large text, on paper."""

import re
from collections import Counter
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.fakes.browser import enlarge, sideways, violations
from tests.fakes.console_state import (
    ALIAS,
    deploy,
    emergency,
    hotfix,
    propose_a_change,
    request_with_groups,
    rows_to_confirm,
)
from tests.fakes.mlflow_server import EVIDENCE
from tests.fakes.page_forms import facts_at
from tests.fakes.printed import printed_text

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


@pytest.fixture(scope="module")
def paths(server, tmp_path_factory):
    """The pages of a server on which something of everything is there, an emergency too."""
    promoted, refused, open_one = (server.make_version() for _ in range(3))
    done = promoted.promote()["request_id"]
    no = refused.ask()["request_id"]
    with server.gate("ada") as gate:
        long = {"model": open_one.name, "version": 1, "alias": "champion", "reason": "w" * 300}
        waits = gate.open_request(**long, evidence=PROMOTABLE)["request_id"]
    open_one.say(waits, "ben")
    deploy(server, promoted)
    with ExitStack() as stack:
        urgent = stack.enter_context(hotfix(server))
        rows = stack.enter_context(rows_to_confirm(server, open_one, tmp_path_factory.mktemp("rows")))
        confirmation = stack.enter_context(emergency(server, urgent))
        change = propose_a_change(server)
        timeline = f"timeline/{promoted.name}/champion"
        pages = (
            *("", "requests", "timeline", "findings", "rules", "log", "trace", "rows", "impact", "deployments"),
            *(f"requests/{each}" for each in (waits, no, done, confirmation, "pr-unknown")),
            *(timeline, f"{timeline}?at=2099-01-01", f"{timeline}?at=2001-01-01", f"{timeline}?at=tuesday"),
            *(f"trace?q={name}" for name in (f"{promoted.name}@champion", "nothing-is-called-so")),
            *(f"impact?q={promoted.name}@champion", f"feedback?model={promoted.name}&as_of=2013-09-01"),
            *(f"deployments?service={promoted.name}", f"rules/{change}", f"timeline/{urgent.name}/{ALIAS}"),
            *(f"rows/{open_one.name}/{rows.replace(':', '%3A')}", f"requests/{done}?as_of=2099-01-01"),
            f"requests/{done}?as_of={_just_before(server, done)}",
        )
        yield {"every": [f"/handrail/{page}" for page in pages], "request": f"/handrail/requests/{waits}"} | {
            "urgent": f"/handrail/timeline/{urgent.name}/{ALIAS}",
            "quiet": f"/handrail/{timeline}",
        }


def _just_before(server, request_id):
    with server.person("cleo") as http:
        history = facts_at(http, f"/handrail/requests/{request_id}")["history"]
    return quote(next(each["shown_at"] for each in history if each["shown_at"]))


def test_axe_finds_nothing_on_any_page_in_the_light_and_in_the_dark(visit, paths):
    # A colour on its way to another one has a contrast of its own.
    visitor = visit("cleo", reduced_motion="reduce")
    found = {}
    for path in paths["every"]:
        page = visitor.see(path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found[path, scheme] = violations(page)

    assert {where: each for where, each in found.items() if each} == {}


def test_no_page_scrolls_sideways_on_a_small_screen(visit, paths):
    visitor = visit("cleo")
    wider = {}
    for path in paths["every"]:
        for width in (420, 320):
            visitor.page.set_viewport_size({"width": width, "height": 800})
            wider[path, width] = sideways(visitor.page if width == 320 else visitor.see(path))

    assert {where: by for where, by in wider.items() if by} == {}


def test_text_of_twice_the_size_still_fits(visit, paths):
    visitor = visit("cleo", viewport={"width": 1280, "height": 800})

    wider = {}
    for path in paths["every"]:
        enlarge(visitor.see(path), percent=200)
        wider[path] = sideways(visitor.page)

    assert {path: by for path, by in wider.items() if by} == {}


def test_colours_follow_the_persons_theme(visit, paths):
    page = visit("cleo", paths["request"], color_scheme="dark").page
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")

    assert dark != page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_states_keep_an_edge_where_the_person_forces_colours(visit, paths):
    page = visit("cleo", paths["request"], forced_colors="active").page

    edges = page.locator(".state").evaluate_all("all => all.map(each => getComputedStyle(each).borderTopStyle)")
    assert edges
    assert set(edges) == {"solid"}


def test_paper_shows_every_digit_and_no_form(visit, paths):
    page = visit("cleo", paths["request"]).page
    page.emulate_media(media="print")

    tree = page.locator("dt:text-is('Artifact tree') + dd .hash")
    assert len(tree.inner_text()) == 64
    assert tree.evaluate(
        "each => each.scrollWidth <= each.clientWidth || getComputedStyle(each).overflow === 'visible'"
    )
    expect(page.locator("form.decide")).to_be_hidden()
    expect(page.get_by_text("Check offline, without this server")).to_be_visible()


NUMBERS, DIGESTS = re.compile(r"[−+]?\d[\d,]*\.\d+"), re.compile(r"[0-9a-f]{64}")


def test_every_number_and_every_digest_on_paper_is_the_pages_own(visit, server):
    visitor = visit("cleo", viewport={"width": 1280, "height": 900})
    visitor.pretend(f"{server.url}/handrail/groups", request_with_groups())
    page = visitor.see("/handrail/groups")
    page.emulate_media(media="print")

    paper, shown = printed_text(page.pdf(prefer_css_page_size=True)), page.locator("main").inner_text()

    assert Counter(NUMBERS.findall(paper)) == Counter(NUMBERS.findall(shown))
    # A long digest goes on in the next line of its cell.
    unbroken = paper.replace(" ", "")
    assert {each for each in DIGESTS.findall(shown) if each not in unbroken} == set()
    assert len(NUMBERS.findall(paper)) > 80
    assert "departs at 22 h" in paper, "folded groups are open on paper"


@pytest.fixture
def kinds(visit, server):
    """Windows with pages that only fakes can fill."""
    visitor = visit("cleo", reduced_motion="reduce")
    visitor.pretend(f"{server.url}/handrail/groups", request_with_groups())
    return visitor


def test_axe_finds_nothing_on_a_request_with_groups_and_it_fits(kinds):
    page = kinds.see("/handrail/groups")
    page.set_viewport_size({"width": 420, "height": 900})

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("account", ["dora", "cleo"])
def test_axe_finds_nothing_where_forms_for_an_emergency_are_open(visit, paths, account):
    page = visit(account, paths["quiet" if account == "cleo" else "urgent"], reduced_motion="reduce").page
    for each in page.locator("details summary").all():
        if not each.evaluate("summary => summary.closest('footer')"):
            each.click()
    page.set_viewport_size({"width": 420, "height": 900})

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == []
    assert sideways(page) == 0
