"""`handrail approvals leave`: everything that the gate has recorded goes along, and verifies where it went."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_log import open_ledger
from handrail.entrypoints.cli import main
from handrail.settings import load_settings
from tests.fakes.approvals_world import World

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    shutil.copytree(CONFIG, tmp_path / "config")
    settings = load_settings()
    with open_platform(settings) as platform:
        world = World(ledger=open_ledger(settings, migrated(platform.store))[0])
        world.promote()
        world.register(2)
        world.ask(version="2")
        open_ledger(settings, platform.store)
    settings.permits.mkdir(parents=True, exist_ok=True)
    (settings.permits / "gate.pub").write_text("a key")
    return settings


@pytest.fixture
def call(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return call


def test_requests_decisions_evidence_permits_and_log_go_along(settings, call, tmp_path):
    home = _content(settings.home)

    code, out, err = call("leave", "--to", tmp_path / "out")

    assert (code, "requests  2" in out.replace("\t", "  ")) == (0, True)
    assert "start the server without --app-name handrail" in " ".join(err.split())
    rows = [json.loads(line) for line in (tmp_path / "out" / "requests.ndjson").read_bytes().splitlines()]
    assert [row["version"] for row in rows] == [1, 2]
    assert [decision["person"] for decision in rows[0]["decisions"]] == ["Ben", "Cleo"]
    assert rows[0]["evidence_content"]["evaluation"] == {"roc_auc": 0.76}
    assert (tmp_path / "out" / "permits" / "gate.pub").read_text() == "a key"
    log = tmp_path / "out" / "log"
    assert call("log", "verify", "--log", log, "--key", log / "log.vkey")[0] == 0
    assert _content(settings.home) == home


def test_a_folder_that_holds_something_is_left_alone(settings, call, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")

    code, _, err = call("leave", "--to", tmp_path / "out")

    assert (code, "It is not empty" in err) == (1, True)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_written_is_one_sentence(settings, call, tmp_path):
    (tmp_path / "file").write_text("in the way")

    code, _, err = call("leave", "--to", tmp_path / "file" / "out")

    assert code == 1
    assert "cannot be written: not a directory" in err.lower()
    assert len(err.strip().splitlines()) == 1


def _content(folder):
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and "handrail.db" not in file.name)
    return {str(file): file.read_bytes() for file in files}
