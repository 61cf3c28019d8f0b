"""`handrail approvals leave`: everything that the gate has recorded goes along, and verifies where it went."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.adapters.sql_rules import SqlRules
from handrail.approvals.domain.findings import FindingOpened, Severity
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_log import open_ledger
from handrail.bootstrap.approvals_rules import open_rule_changes
from handrail.settings import load_settings
from tests.fakes.approvals_world import World
from tests.fakes.command import handrail_command

NOW = datetime(2026, 3, 1, tzinfo=UTC)
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
        ledger, _ = open_ledger(settings, platform.store)
        changes = open_rule_changes(settings, SqlRules(platform.store, ledger.log), "local-1")
        changes.start()
        roles = settings.config / "roles.yaml"
        roles.write_text("version: 1\npersons: {Ben: {accounts: [ben], roles: [ml-engineer]}}\n")
        changes.look()
        book = SqlFindings(platform.store, ledger.log)
        book.append("flights", 0, FindingOpened(NOW, "fi-1", "flights", "drift in July", Severity.LOW, "ben", "Ben"))
        open_ledger(settings, platform.store)  # which writes the files of the log that are behind
    settings.permits.mkdir(parents=True, exist_ok=True)
    (settings.permits / "gate.pub").write_text("a key")
    return settings


@pytest.fixture
def call(monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "approvals")


def test_requests_decisions_evidence_permits_and_log_go_along(settings, call, tmp_path):
    home = _content(settings.home)

    code, out, err = call("leave", "--to", tmp_path / "out")

    assert (code, re.search(r"requests +2", out) is not None) == (0, True)
    assert "start the server without --app-name handrail" in " ".join(err.split())
    rows = [json.loads(line) for line in (tmp_path / "out" / "requests.ndjson").read_bytes().splitlines()]
    assert [row["version"] for row in rows] == [1, 2]
    assert [decision["person"] for decision in rows[0]["decisions"]] == ["Ben", "Cleo"]
    assert rows[0]["evidence_content"]["evaluation"] == {"roc_auc": 0.76}
    assert (tmp_path / "out" / "permits" / "gate.pub").read_text() == "a key"
    (finding,), rules, changes = (
        [json.loads(line) for line in (tmp_path / "out" / f"{name}.ndjson").read_bytes().splitlines()]
        for name in ("findings", "rules", "rule-changes")
    )
    assert (finding["text"], changes) == ("drift in July", [])
    assert [(once["number"], once["way"], "Ben" in once["texts"]["roles.yaml"]) for once in rules] == [
        (0, "first", False),
        (1, "nobody", True),
    ]
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
