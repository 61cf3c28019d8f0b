"""How the console's pages look in a real browser: for axe, on small screens, in the dark, in large text, on paper."""

import pytest
from playwright.sync_api import expect

from tests.fakes.browser import enlarge, sideways, violations
from tests.fakes.mlflow_server import EVIDENCE

pytestmark = pytest.mark.any_version

PROMOTABLE = EVIDENCE | {"comparison": {"ci_low": 0.0}}


@pytest.fixture(scope="module")
def paths(server):
    """The pages of a server on which one request is open, one refused, one promoted, and a finding stands."""
    promoted, refused, open_one = (server.make_version() for _ in range(3))
    done = promoted.promote()["request_id"]
    no = refused.ask()["request_id"]
    with server.gate("ada") as gate:
        long = {"model": open_one.name, "version": 1, "alias": "champion", "reason": "w" * 300}
        waits = gate.open_request(**long, evidence=PROMOTABLE)["request_id"]
    open_one.say(waits, "ben")
    timeline = f"timeline/{promoted.name}/champion"
    pages = (
        *("", "requests", "timeline", "findings", "rules", "log", "trace"),
        *(f"requests/{each}" for each in (waits, no, done, "pr-unknown")),
        *(timeline, f"{timeline}?at=2099-01-01", f"{timeline}?at=2001-01-01", f"{timeline}?at=tuesday"),
        *(f"trace?q={name}" for name in (f"{promoted.name}@champion", "nothing-is-called-so")),
    )
    return {"every": [f"/handrail/{page}" for page in pages], "request": f"/handrail/requests/{waits}"}


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
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
