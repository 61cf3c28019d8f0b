"""Debian's Chromium, headless, and persons who visit a server with it; what leaves the server is stopped and kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

WANTED = "HANDRAIL_TEST_BROWSER"
"""Set where tests with a browser have to run; elsewhere they run if Chromium is there."""
MISSING = "Chromium is not installed. Install it: apt-get install -y --no-install-recommends chromium."
PATIENCE_MS = 30_000
REFUSED = "Failed to load resource: the server responded with a status of "
"""What Chromium itself writes about an answer that is an error; pages that are errors are answers too."""


def chromium() -> str | None:
    """Return where Debian's Chromium lies."""
    return shutil.which("chromium")


def wanted() -> bool:
    """Whether tests with a browser are collected."""
    return bool(os.environ.get(WANTED)) or chromium() is not None


@contextmanager
def browser() -> Iterator[Browser]:
    """Start one, and end it; while it runs, asyncio.run does not work in this thread."""
    found = chromium()
    assert found, MISSING
    # Chromium's own sandbox does not work for root, which tests in a container are.
    expect.set_options(timeout=PATIENCE_MS)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=flags)
        try:
            yield running
        finally:
            running.close()


class Visitor:
    """One account with a window of its own. No request of it leaves the server; each that would is kept in `stopped`.

    `complaints` are what pages and the browser wrote as errors: scripts that broke, violations of the policy.
    """

    def __init__(self, running: Browser, server: Any, credentials: tuple[str, str], **options: Any) -> None:
        self.url = server.url
        self.stopped: list[str] = []
        self.complaints: list[str] = []
        self._pretended: dict[str, str] = {}
        name, secret = credentials
        self.context = running.new_context(http_credentials={"username": name, "password": secret}, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.route("**/*", self._let_pass)
        self.context.on("request", lambda asked: self._note(asked.url))
        self.context.on("console", self._listen)
        self.context.on("weberror", lambda raised: self.complaints.append(str(raised.error)))
        self.context.on("dialog", self._dialog)
        self.page: Page = self.context.new_page()

    def pretend(self, address: str, html: str) -> None:
        """Answer for another server's page."""
        self._pretended[address] = html

    def see(self, path: str) -> Page:
        """Open a page of the server."""
        self.page.goto(self.url + path)
        return self.page

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def _is_own(self, address: str) -> bool:
        return address.startswith((f"{self.url}/", "data:")) or address in self._pretended

    def _let_pass(self, route: Any) -> None:
        address = route.request.url
        if address in self._pretended:
            route.fulfill(body=self._pretended[address], content_type="text/html")
        elif self._is_own(address):
            route.continue_()
        else:
            route.abort()

    def _note(self, address: str) -> None:
        if not self._is_own(address):
            self.stopped.append(urlsplit(address).netloc or address)

    def _listen(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(REFUSED):
            self.complaints.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page: each rule, and the first place where it is broken."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}" for each in found]


def sideways(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def enlarge(page: Page, percent: int) -> None:
    """Let a page's text have another size, as a browser's own setting does."""
    page.evaluate(
        """size => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(`html { font-size: ${size}% !important; }`);
            document.adoptedStyleSheets = [sheet];
        }""",
        percent,
    )
