"""The page of services: its service, its commands and its figure, as a reader would type them in an empty folder."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

PAGE = Path(__file__).resolve().parents[3] / "plugins" / "handrail" / "feedback" / "SERVICES.md"
PORT = "8050"
WITHIN_S = 240
"""Each command starts a process of its own, on machines that do other work."""


def example(name):
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found[1]


def without_numbers(text):
    return [re.sub(r"\d[\d:-]*", "N", line) for line in text.splitlines()]


@pytest.fixture
def shell(tmp_path):
    """Run what the page has, with the service on a free port; `uvicorn` is running until the test ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    plain["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"
    (tmp_path / "service.py").write_text(example("service"))
    service = subprocess.Popen(["uvicorn", "service:app", "--port", port], cwd=tmp_path, env=plain)
    try:
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline and service.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/docs", trust_env=False)
                break
            except httpx.HTTPError:
                continue

        def run(script):
            script = script.replace(PORT, port)
            return subprocess.run(
                ["bash", "-euc", script], cwd=tmp_path, env=plain, capture_output=True, text=True, timeout=WITHIN_S
            )

        yield run
    finally:
        service.terminate()
        service.wait(WITHIN_S)


def test_the_page_leads_from_an_empty_folder_to_the_first_figure(shell):
    moved = "until handrail feedback status | grep -q 'predictions *1$'; do :; done; handrail feedback figures"

    ran = shell(example("outcome").replace("handrail feedback figures", moved))

    assert ran.returncode == 0, ran.stderr
    assert without_numbers(ran.stdout) == without_numbers(example("figure"))
    assert "so far          1, by the 1 of 1 predictions" in ran.stdout


def test_without_a_file_of_kinds_the_line_to_write_is_named(shell):
    ran = shell("handrail feedback report some-id 1 --kind ground_truth")

    assert ran.returncode == 1
    assert "{version: 1, kinds: {ground_truth: {maturity_window_hours: 24}}}" in ran.stderr


def test_six_lines_are_marked():
    marks = [re.search(r"# (\d)$", line) for line in (example("service") + example("outcome")).splitlines()]

    assert [mark[1] for mark in marks if mark] == list("123456")
