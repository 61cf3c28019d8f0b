"""What is written is there, and what is there is written: commands, settings, errors, links."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from handrail.entrypoints.cli import build
from handrail.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {page: page.read_text(encoding="utf-8") for page in (ROOT / "plugins" / "handrail").rglob("*.md")}
ALL = "\n".join([README, *PAGES.values()])
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _commands(command, path=()):
    if isinstance(command, typer.core.TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(_commands(typer.main.get_command(build())))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_written_about_and_has_an_example(name):
    assert f"handrail {name}" in ALL
    assert "Example: " in (COMMANDS[name].epilog or ""), "its --help shows no example"


def test_every_command_that_is_written_about_is_there():
    written = re.findall(r"(?:`|^    )handrail ([a-z]+(?: [a-z-]+)*)", ALL, re.MULTILINE)

    for words in map(str.split, written):
        known = [" ".join(words[:n]) in COMMANDS for n in range(1, len(words) + 1)]
        assert any(known) or any(name.startswith(" ".join(words)) for name in COMMANDS), " ".join(words)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name):
    assert re.search(rf"^\|.*`{name}[`.]", README, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(TARGETS - {"help", "clean", "soak"}))
def test_every_make_target_is_written_about(target):
    assert f"make {target}" in README


def test_every_make_target_that_is_written_about_is_there():
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= TARGETS


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")

    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert link.startswith("http") or (page.parent / link).exists(), link


@pytest.mark.parametrize("plugin", ["approvals", "lineage", "feedback", "reproduction"])
def test_every_error_of_a_plugin_is_on_its_page(plugin):
    folder = ROOT / "plugins" / "handrail" / plugin
    kinds = "HandrailError|Misconfigured|InvalidInput|UnknownReference|Conflict|Refused|Unavailable"
    classes = re.findall(
        rf"^class (\w+)\((?:\w+, )?(?:{kinds})\)",
        "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py")),
        re.MULTILINE,
    )

    assert {name for name in classes if name not in PAGES[folder / "README.md"]} == set()


def test_no_page_names_a_machine_or_a_registry():
    for text in ALL, (ROOT / "infra" / "requirements.lock").read_text(encoding="utf-8"):
        assert not re.search(r"/(?:root|tmp|home)/|https?://(?:pypi|files\.)", text)


def _new_names():
    """Yield each name of the CHANGELOG's right column."""
    table = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("### Changed names")[2].partition("### ")[0]
    for old, new in re.findall(r"^\| (`.+) \| `([\w.]+)`.* \|$", table, re.MULTILINE):
        kept = re.findall(r"`(\w+)`", old.partition(":")[2])
        yield from (f"{new}.{name}" for name in kept) if kept else [new]


def test_every_new_name_of_the_changelog_can_be_imported():
    resolve = "import pkgutil, sys; [pkgutil.resolve_name(name) for name in sys.argv[1:]]"

    # In a process of its own: hosts set up their homes when they are imported.
    run = subprocess.run([sys.executable, "-c", resolve, *sorted(set(_new_names()))], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert "Failure attempting to register" not in run.stderr
