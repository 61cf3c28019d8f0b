"""`handrail approvals check`: what disagrees between ledger, log, permits, MLflow's aliases and lineage is named."""

import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from handrail.approvals.adapters.ed25519_permits import Ed25519Signer
from handrail.approvals.adapters.folder_shelf import FolderShelf
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import migrated
from handrail.bootstrap.approvals_journal import LineageJournal
from handrail.bootstrap.approvals_log import open_ledger
from handrail.entrypoints.cli import main
from handrail.settings import load_settings
from tests.fakes.approvals_world import World

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A home in which two versions were promoted, one after the other, and MLflow's database says so."""
    project = tmp_path_factory.mktemp("checked")
    shutil.copytree(CONFIG, project / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_PROJECT", str(project))
        patch.setenv("HANDRAIL_HOME", str(project / "home"))
        settings = load_settings()
        with open_platform(settings) as platform:
            ledger, seals = open_ledger(settings, migrated(platform.store))
            world = World(
                ledger=ledger,
                provenance=SqlProvenance(platform.store, seals),
                holds=SqlHolds(platform.store, seals),
                shelf=FolderShelf(settings.permits),
                journal=LineageJournal(lambda: platform.lineage),
                signer=Ed25519Signer(settings.credentials / "gate-signing-key.pem", settings.permits / "gate.pub"),
            )
            world.promote()
            world.register(2)
            world.promote(2)
            open_ledger(settings, platform.store)
        with sqlite3.connect(settings.home / "mlflow" / "server.db") as connection:
            connection.execute("create table registered_model_aliases (name text, alias text, version integer)")
            connection.execute("create table registered_model_tags (name text, key text, value text)")
            connection.execute(
                "insert into registered_model_tags values ('greeting', 'mlflow.prompt.is_prompt', 'true')"
            )
            # A prompt that no policy names has an alias as it likes.
            connection.execute("insert into registered_model_aliases values ('greeting', 'champion', 1)")
            connection.execute("insert into registered_model_aliases values ('flights', 'champion', 2)")
        connection.close()
        yield settings


@pytest.fixture
def home(settings, tmp_path, monkeypatch):
    """A copy of that home that a test may spoil."""
    shutil.copytree(settings.home, tmp_path / "home")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(settings.project))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def check(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "approvals", "check", "--json", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        problems = json.loads(said.out)["problems"] if said.out else [said.err]
        assert (stopped.value.code or 0) == bool(problems)
        return problems

    return call


def _sql(file, statement, *values):
    with sqlite3.connect(file) as connection:
        changed = connection.execute(statement, values).rowcount
    connection.close()
    assert changed > 0


def test_a_home_as_the_gate_left_it_agrees(home, check):
    assert check() == []


@pytest.mark.parametrize(
    ("file", "statement", "words"),
    [
        # The three that passed in silence before there was a log, of 18 that were tried: the first is in the ledger.
        ("handrail.db", "update approvals_event set body = replace(body, '\"Ben\"', '\"Eve\"')", "not what leaf"),
        (
            "handrail.db",
            "update lineage_pointer set at = replace(at, '2026-01-01', '2026-01-02')",
            "Lineage does not say that flights@cham",
        ),
        ("handrail.db", "update lineage_pointer set target = target || '9'", "Lineage says that flights@champion"),
        ("handrail.db", """update lineage_pointer set "by" = "by" || '9'""", "Lineage does not say"),
        ("handrail.db", "delete from lineage_pointer", "Lineage does not say"),
        ("handrail.db", "update approvals_permit set envelope = envelope || ' '", "not one that the log has"),
        ("handrail.db", "update approvals_maker set account = 'zoe'", "written or edited by another than the gate"),
        ("handrail.db", "delete from approvals_hold", "A row was removed or edited"),
        ("mlflow/server.db", "update registered_model_aliases set version = 1", "points at version 1 in MLflow, and"),
        ("mlflow/server.db", "delete from registered_model_aliases", "points nowhere in MLflow, and the gate moved"),
        (
            "mlflow/server.db",
            "insert into registered_model_aliases values ('other', 'Champion', 4)",
            "other@Champion points at version 4 in MLflow, and the gate never moved it",
        ),
    ],
)
def test_a_row_that_was_edited_by_sql_is_named(home, check, file, statement, words):
    _sql(home / file, statement)

    problems = check()

    assert any(words in problem for problem in problems), problems


def test_a_permit_that_is_gone_or_that_no_promotion_gave_is_named(home, check):
    files = sorted((home / "permits").rglob("*.json"))
    content = files[0].read_text()
    files[0].unlink()
    assert "is not in" in check()[0]
    files[0].write_text(content)
    assert check() == []

    signer = Ed25519Signer(home / "credentials" / "gate-signing-key.pem", home / "permits" / "gate.pub")
    from handrail.approvals.domain.permit import Envelope

    payload = Envelope.from_json(content).payload.replace(b'"Cleo"', b'"Eve"')
    (home / "permits" / "forged.json").write_text(signer.sign(payload).to_json())
    assert "forged.json is signed by the gate, and the ledger has no such promotion" in check()[0]


def test_a_file_of_the_log_that_was_edited_is_named(home, check):
    (bundle,) = [file for file in (home / "log" / "tile" / "entries" / "000.p").iterdir() if file.name == "12"]
    bundle.write_bytes(bundle.read_bytes().replace(b'"Cleo"', b'"Eva_"', 1))

    assert "Leaf 2 was edited (decided" in check()[0]


def test_a_wrong_database_of_mlflow_is_said_and_a_missing_one_is_not_a_problem(home, check, capsys):
    assert "its aliases cannot be read" in check("--backend-store-uri", "sqlite:////nowhere/x.db")[0]
    (home / "mlflow" / "server.db").unlink()

    assert check() == []
