"""`make shots`: a picture of every page of the finished demo's console, wide and narrow, light and dark.

A server of its own works on a copy of the demo's state, so that nothing waits for it and nothing is changed.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handrail.errors import HandrailError, Unavailable
from handrail.settings import Settings, load_settings
from infra.servers.supervisor import Servers, with_free_ports
from infra.servers.up import choose_state

WHO = "demo-cleo"
WIDTHS, SCHEMES = (1400, 420), ("light", "dark")
LEFT_OUT = shutil.ignore_patterns("shots", "bentoml", "prefect", "dvc-remote", "dvc-site", "retrain", "run", "oldest")
"""What the pages show nothing of."""
MENU, LINKS = "header nav a", "main a[href*='/handrail/']"
MOST = 30
PATIENCE_MS = 120_000
"""So long a page may take: some read all that was ever recorded, on a machine that does other work."""


def main() -> int:
    """Take the pictures; return the exit code."""
    try:
        own = load_settings()
        settings, folder = choose_state(own), own.home / "shots"
        if settings.project == own.project:
            raise Unavailable("The demo's state", f"{own.home} holds no finished demo", "Run `make demo` first.")
        count = take(settings, folder)
    except HandrailError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    print(f"{count} pictures are in {folder}.")
    return 0


def take(settings: Settings, folder: Path) -> int:
    """Write the pictures into a folder, which is emptied first; return how many.

    Raises:
        Unavailable: there is no Chromium, or the server does not start.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        remedy = "Install it: apt-get install -y --no-install-recommends chromium."
        raise Unavailable("Chromium", "it is not installed", remedy)
    from playwright.sync_api import sync_playwright

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    login = json.loads((settings.credentials / f"{WHO}.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="handrail-shots-") as copied:
        home = Path(shutil.copytree(settings.home, Path(copied) / "home", ignore=LEFT_OUT, symlinks=True))
        with (
            Servers(with_free_ports(settings.model_copy(update={"home": home}))) as servers,
            sync_playwright() as driver,
        ):
            address = servers.start("mlflow")
            servers.wait_ready("mlflow")
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(http_credentials={"username": login["username"], "password": login["password"]})
            page.set_default_timeout(PATIENCE_MS)
            count = sum(_shoot(page, each, folder) for each in _pages(page, f"{address}/handrail/"))
            browser.close()
    return count


def _pages(page: Any, start: str) -> Iterator[str]:
    """Yield the address of each page: the menu's, those that they lead to, and a trace of what is in production."""
    page.goto(start)
    menu, seen = _addresses(page, MENU), set[str]()
    for address in menu:
        page.goto(address)
        led = [each for each in _addresses(page, LINKS) if "/trace" not in each and "/impact" not in each]
        for each in (address, *led, *_questions(each for each in led if "/timeline/" in each)):
            if each not in seen and len(seen) < MOST:
                seen.add(each)
                yield each


def _questions(timelines: Iterator[str]) -> Iterator[str]:
    """Yield a question about each alias: what it was at a moment, what led to it, and what it led to."""
    for each in timelines:
        start, _, rest = each.partition("/timeline/")
        model, alias = rest.split("/")
        yield f"{each}?at=2099-01-01"
        yield from (f"{start}/{name}?q={model}%40{alias}" for name in ("trace", "impact"))


def _addresses(page: Any, which: str) -> list[str]:
    found = page.locator(which).evaluate_all("all => all.map(each => each.href.split('#')[0])")
    return list(dict.fromkeys(found))


def _shoot(page: Any, address: str, folder: Path) -> int:
    """Take a page's pictures; return how many."""
    name = re.sub(r"[^\w-]+", "_", address.partition("/handrail/")[2]).strip("_") or "inbox"
    page.goto(address)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
    return len(WIDTHS) * len(SCHEMES)


if __name__ == "__main__":
    sys.exit(main())
