"""Bringing files into force on the server's machine."""

import shutil
from pathlib import Path

import pytest

from handrail.bootstrap.approvals_rules import take_files
from handrail.errors import Misconfigured, Refused
from handrail.settings import load_settings

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def settings(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    return load_settings(tmp_path).model_copy(update={"home": tmp_path / "home"})


def test_files_come_into_force_once_with_the_user_and_the_reason(settings):
    settings.home.mkdir()
    taken = take_files(settings, "set up")

    assert (taken.number, str(taken.way), taken.reason) == (0, "first", "set up")
    assert "policies/champion.yaml" in taken.rules.texts
    with pytest.raises(Refused, match="in force already"):
        take_files(settings, "again")


def test_where_a_keeper_holds_the_rules_no_second_ledger_begins(settings, tmp_path):
    kept = settings.model_copy(update={"approvals_socket": tmp_path / "keeper.sock"})

    with pytest.raises(Misconfigured, match="Run it as the keeper's user"):
        take_files(kept, "a mistake")
    assert not settings.home.exists()
