"""The form behind a link in a browser: without script, on a telephone, for axe, from a page of another site."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from handrail.bootstrap import open_platform
from tests.fakes.browser import Visitor, browser, sideways, violations

pytestmark = pytest.mark.any_version

HANDRAIL = str(Path(sys.executable).with_name("handrail"))
DEADLINE_S = 60
TELEPHONE = {"viewport": {"width": 320, "height": 640}}
KINDS = """
version: 1
kinds:
  rating: {maturity_window_hours: 1, type: rating, at_least: 1, at_most: 5, whole: true}
  cost: {maturity_window_hours: 1, unit: EUR, at_least: 0}
"""
SHOP = "https://shop.example/"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`handrail serve` in a project of its own, and the command that makes links for it."""
    folder = tmp_path_factory.mktemp("links")
    (folder / "config").mkdir()
    (folder / "config" / "feedback.yaml").write_text(KINDS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    named = {"HANDRAIL_PROJECT": str(folder), "HANDRAIL_HOME": str(folder / "home"), "HANDRAIL_PORTS__LINEAGE": port}
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([HANDRAIL, "serve"], env=plain | named)
    try:
        _wait(process, url)

        def make(*words):
            command = [HANDRAIL, "feedback", "link", *words]
            done = subprocess.run(command, env=plain | named, capture_output=True, text=True, timeout=DEADLINE_S)
            return done.stdout.strip()

        yield SimpleNamespace(url=url, link=make, names=named)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _wait(process, url):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/livez", trust_env=False)
            return
        except httpx.HTTPError:
            continue
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture
def visit(chromium, server):
    """Open a window; afterwards no page has asked another server, and none has complained."""
    opened = []

    def window(**options):
        opened.append(Visitor(chromium, server, ("nobody", "nothing"), **options))
        return opened[-1]

    yield window
    for each in opened:
        each.close()
        assert (each.stopped, each.complaints) == ([], [])


def recorded(server, prediction_id, monkeypatch):
    for name, value in server.names.items():
        monkeypatch.setenv(name, value)
    with open_platform() as platform:
        return [(each.value, each.revision) for each in platform.feedback.feedback_about(prediction_id)]


def test_a_person_rates_and_corrects_without_script(visit, server, monkeypatch):
    path = server.link("p1", "--kind", "rating").removeprefix(server.url)
    window = visit(java_script_enabled=False, **TELEPHONE)

    for stars in ("4", "2"):
        page = window.see(path)
        page.get_by_label(stars, exact=True).check()
        page.get_by_role("button", name="Send").click()
        assert "It is recorded." in page.inner_text("main")

    assert recorded(server, "p1", monkeypatch) == [(4.0, 0), (2.0, 1)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["rating", "cost"])
def test_axe_finds_nothing_and_a_telephone_need_not_scroll_sideways(visit, server, kind, scheme):
    path = server.link("p2", "--kind", kind, "--question", "How was it? " + "w" * 60).removeprefix(server.url)
    page = visit(color_scheme=scheme, **TELEPHONE).see(path)

    assert violations(page) == []
    assert sideways(page) == 0
    targets = page.locator("label:has(input), input:not([type=radio]), button").all()
    assert all(each.bounding_box()["height"] >= 44 for each in targets)


def test_pages_that_refuse_are_pages_too(visit):
    page = visit(**TELEPHONE).see("/feedback/forged")

    assert "This link does not count" in page.inner_text("h1")
    assert violations(page) == []


def test_the_snippet_works_in_a_page_of_another_site(visit, server, monkeypatch):
    form = server.link("p3", "--kind", "rating", "--snippet")
    window = visit(java_script_enabled=False)
    window.pretend(SHOP, f"<!doctype html><html lang=en><title>Shop</title><body>{form}</body></html>")
    window.page.goto(SHOP)

    window.page.get_by_label("5", exact=True).check()
    window.page.get_by_role("button", name="Send").click()

    assert window.page.inner_text("h1") == "Thank you"
    assert recorded(server, "p3", monkeypatch) == [(5.0, 0)]
